// The registers of a device, wherever a kernel mapped them: little-endian, and each access has the width of
// the register (virtio 1.2, 4.1.3.1, 4.2.2.2).
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/detail/little_endian.h"

namespace fallow {

/// The type of a register; its size is the width.
template <class T>
concept Register =
    std::same_as<T, std::uint8_t> || std::same_as<T, std::uint16_t> || std::same_as<T, std::uint32_t>;

/// Each call is one device access; none is omitted, repeated or reordered. Any thread, including an interrupt
/// handler. Offsets are in bytes and multiples of the width; values are in the processor's byte order.
class Registers {
 public:
  /// Reads or writes one register.
  /// @{
  virtual std::uint8_t read8(std::uint64_t offset) noexcept = 0;
  virtual std::uint16_t read16(std::uint64_t offset) noexcept = 0;
  virtual std::uint32_t read32(std::uint64_t offset) noexcept = 0;
  virtual void write8(std::uint64_t offset, std::uint8_t value) noexcept = 0;
  virtual void write16(std::uint64_t offset, std::uint16_t value) noexcept = 0;
  virtual void write32(std::uint64_t offset, std::uint32_t value) noexcept = 0;
  /// @}

 protected:
  ~Registers() = default;
};

/// Registers that are mapped into memory, uncached on processors that distinguish.
class MappedRegisters final : public Registers {
 public:
  MappedRegisters() = default;
  /// The mapping at `base` must outlive the object.
  explicit MappedRegisters(volatile std::byte* base) noexcept : base_(base) {}

  std::uint8_t read8(std::uint64_t offset) noexcept override { return read<std::uint8_t>(offset); }
  std::uint16_t read16(std::uint64_t offset) noexcept override { return read<std::uint16_t>(offset); }
  std::uint32_t read32(std::uint64_t offset) noexcept override { return read<std::uint32_t>(offset); }
  void write8(std::uint64_t offset, std::uint8_t value) noexcept override { write(offset, value); }
  void write16(std::uint64_t offset, std::uint16_t value) noexcept override { write(offset, value); }
  void write32(std::uint64_t offset, std::uint32_t value) noexcept override { write(offset, value); }

 private:
  template <class T>
  T read(std::uint64_t offset) noexcept {
    const T value = *reinterpret_cast<volatile T*>(base_ + offset);
    // acquire: MO-19, the rings are read after the register that reported them.
    std::atomic_thread_fence(std::memory_order_acquire);
    return detail::little_endian(value);
  }
  template <class T>
  void write(std::uint64_t offset, T value) noexcept {
    // release: MO-19, the rings are written before the register that reports them.
    std::atomic_thread_fence(std::memory_order_release);
    *reinterpret_cast<volatile T*>(base_ + offset) = detail::little_endian(value);
  }

  volatile std::byte* base_ = nullptr;
};

/// `size` bytes of registers from `base` on. Accesses outside read as 0 or have no effect, and do not reach
/// the device. May be copied freely; the registers must outlive each copy.
class RegisterWindow {
 public:
  RegisterWindow() = default;  ///< empty
  /// The window begins at offset `base` of `registers`.
  RegisterWindow(Registers& registers, std::uint64_t base, std::uint64_t size) noexcept
      : registers_(&registers), base_(base), size_(size) {}

  /// The size of the window, in bytes.
  std::uint64_t size() const noexcept { return size_; }
  /// Whether `length` bytes from `offset` on are inside the window.
  bool holds(std::uint64_t offset, std::uint64_t length) const noexcept {
    return offset <= size_ && length <= size_ - offset;
  }

  /// Reads one register of the width of T; 0 outside the window.
  template <Register T>
  T read(std::uint64_t offset) const noexcept {
    if (!holds(offset, sizeof(T))) return 0;
    if constexpr (sizeof(T) == 1) return registers_->read8(base_ + offset);
    if constexpr (sizeof(T) == 2) return registers_->read16(base_ + offset);
    if constexpr (sizeof(T) == 4) return registers_->read32(base_ + offset);
  }
  /// Writes one register of the width of T; nothing outside the window.
  template <Register T>
  void write(std::uint64_t offset, T value) const noexcept {
    if (!holds(offset, sizeof(T))) return;
    if constexpr (sizeof(T) == 1) registers_->write8(base_ + offset, value);
    if constexpr (sizeof(T) == 2) registers_->write16(base_ + offset, value);
    if constexpr (sizeof(T) == 4) registers_->write32(base_ + offset, value);
  }
  /// A 64-bit value occupies two registers, low half first.
  void write64(std::uint64_t offset, std::uint64_t value) const noexcept {
    write(offset, static_cast<std::uint32_t>(value));
    write(offset + 4, static_cast<std::uint32_t>(value >> 32));
  }

  /// Copies bytes in register order by the widest aligned accesses: a field that is read or written whole
  /// takes one access of its width.
  /// @{
  void read_bytes(std::uint64_t offset, std::span<std::byte> into) const noexcept;
  void write_bytes(std::uint64_t offset, std::span<const std::byte> from) const noexcept;
  /// @}

 private:
  Registers* registers_ = nullptr;
  std::uint64_t base_ = 0, size_ = 0;
};

}  // namespace fallow
