// Objects in memory of a C caller, which may have any alignment and content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fallow::detail {

inline constexpr std::uint64_t kStorageAlignment = 64;

// Returns the bytes to ask the caller for, so that `needed` aligned bytes are among them. 0 for 0.
constexpr std::uint64_t storage_size(std::uint64_t needed) noexcept {
  return needed == 0 ? 0 : needed + (kStorageAlignment - 1);
}

constexpr std::uint64_t round_up(std::uint64_t size) noexcept {
  return (size + (kStorageAlignment - 1)) & ~(kStorageAlignment - 1);
}

// Returns `needed` aligned bytes of the caller's memory; empty if there are fewer, or if `needed` is 0.
inline std::span<std::byte> take_storage(void* memory, std::uint64_t size, std::uint64_t needed) noexcept {
  if (memory == nullptr || needed == 0 || size < storage_size(needed)) return {};
  auto* const bytes = static_cast<std::byte*>(memory);
  const std::uint64_t past = reinterpret_cast<std::uintptr_t>(bytes) % kStorageAlignment;
  return {bytes + (past == 0 ? 0 : kStorageAlignment - past), static_cast<std::size_t>(needed)};
}

inline void clear(std::span<std::byte> bytes) noexcept {
  if (!bytes.empty()) __builtin_memset(bytes.data(), 0, bytes.size());
}

// Tells a handle from other memory: each kind of handle begins with its own number, until it is destroyed.
enum class HandleKind : std::uint64_t {
  None = 0,
  Zone = 0x66616c6c6f77207a,
  Reporter = 0x66616c6c6f772072,
  Driver = 0x66616c6c6f772064,
  Device = 0x66616c6c6f772068,
};

// Returns whether the pointer leads to a handle of its type.
template <class Handle>
bool valid(const Handle* handle) noexcept {
  return handle != nullptr && reinterpret_cast<std::uintptr_t>(handle) % alignof(Handle) == 0 &&
         handle->kind == Handle::kKind;
}

}  // namespace fallow::detail
