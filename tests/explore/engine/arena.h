// The memory that holds a scenario's objects. It is saved once, and restored before each schedule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace fallow::explore {

// Objects in the arena are never destroyed: restoring the saved bytes restores the world. An object therefore
// must not own anything outside the arena that changes while a schedule runs.
class Arena {
 public:
  static constexpr std::size_t kSize = std::size_t{1} << 19;

  // Returns zero-filled memory. Ends the program if the arena is full.
  void* allocate(std::size_t size, std::size_t alignment = 64);
  template <class T, class... Args>
  T& make(Args&&... args) {
    return *new (allocate(sizeof(T), alignof(T) < 64 ? 64 : alignof(T))) T(std::forward<Args>(args)...);
  }

  bool contains(const void* at) const {
    return reinterpret_cast<std::uintptr_t>(at) - reinterpret_cast<std::uintptr_t>(bytes_) < kSize;
  }
  std::size_t offset_of(const void* at) const {
    return reinterpret_cast<std::uintptr_t>(at) - reinterpret_cast<std::uintptr_t>(bytes_);
  }

  // Discards all objects, for the next scenario.
  void clear();
  void save();
  void restore();

 private:
  alignas(4096) std::byte bytes_[kSize] = {};
  alignas(4096) std::byte saved_[kSize] = {};
  std::size_t used_ = 0;
  std::size_t saved_used_ = 0;
};

// The only instance: addresses are the same in every schedule.
extern Arena the_arena;
inline Arena& arena() { return the_arena; }

}  // namespace fallow::explore
