#include "fallow/virtio/transport/registers.h"

namespace fallow {
namespace {

// Returns the widest access that is aligned and does not exceed the remaining bytes.
std::size_t width_at(std::uint64_t offset, std::size_t left) noexcept {
  if (offset % 4 == 0 && left >= 4) return 4;
  return offset % 2 == 0 && left >= 2 ? 2 : 1;
}

template <Register T>
void read_one(const RegisterWindow& window, std::uint64_t offset, std::byte* to) noexcept {
  const T value = detail::little_endian(window.read<T>(offset));
  __builtin_memcpy(to, &value, sizeof(T));
}

template <Register T>
void write_one(const RegisterWindow& window, std::uint64_t offset, const std::byte* from) noexcept {
  T value;
  __builtin_memcpy(&value, from, sizeof(T));
  window.write(offset, detail::little_endian(value));
}

}  // namespace

void RegisterWindow::read_bytes(std::uint64_t offset, std::span<std::byte> into) const noexcept {
  while (!into.empty()) {
    const std::size_t width = width_at(offset, into.size());
    if (width == 4) read_one<std::uint32_t>(*this, offset, into.data());
    if (width == 2) read_one<std::uint16_t>(*this, offset, into.data());
    if (width == 1) read_one<std::uint8_t>(*this, offset, into.data());
    offset += width;
    into = into.subspan(width);
  }
}

void RegisterWindow::write_bytes(std::uint64_t offset, std::span<const std::byte> from) const noexcept {
  while (!from.empty()) {
    const std::size_t width = width_at(offset, from.size());
    if (width == 4) write_one<std::uint32_t>(*this, offset, from.data());
    if (width == 2) write_one<std::uint16_t>(*this, offset, from.data());
    if (width == 1) write_one<std::uint8_t>(*this, offset, from.data());
    offset += width;
    from = from.subspan(width);
  }
}

}  // namespace fallow
