// A mapping of a file that somebody else may shorten. Touching what the file no longer reaches is a SIGBUS,
// which would end the process; here it costs the mapping.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

#include "fallow/base/units.h"
#include "fallow/host/expected.h"

namespace fallow::detail {

// The first one installs a handler of SIGBUS for the whole process, which passes on what it has no mapping
// for to the handler that was there before. At most kMost at a time.
class GuardedMapping {
 public:
  static constexpr std::size_t kMost = 8192;

  // Maps `length` bytes of the file from `offset` on, shared, to read and write. Both are whole host pages.
  // The descriptor is not needed afterwards.
  static Expected<GuardedMapping> create(int fd, ByteCount offset, ByteCount length);
  ~GuardedMapping();
  GuardedMapping(const GuardedMapping&) = delete;
  GuardedMapping& operator=(const GuardedMapping&) = delete;

  std::byte* memory() const noexcept { return memory_; }
  ByteCount length() const noexcept { return length_; }

  // Part of the file is gone. From the first touch of it on the whole mapping is private memory that reads as
  // zero: what is written goes nowhere. Any thread.
  bool lost() const noexcept;

 private:
  GuardedMapping(std::byte* memory, ByteCount length, std::size_t slot) noexcept
      : memory_(memory), length_(length), slot_(slot) {}

  std::byte* memory_;
  ByteCount length_;
  std::size_t slot_;
};

}  // namespace fallow::detail
