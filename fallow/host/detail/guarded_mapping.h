// A mapping of a file that another process may shorten. Touching a page beyond the end of the file raises
// SIGBUS, which would end the process; here only the mapping is lost.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

#include "fallow/base/units.h"
#include "fallow/host/expected.h"

namespace fallow::detail {

// A guarded shared mapping; at most kMost exist at a time. The first one installs a SIGBUS handler for the
// whole process. The handler passes faults outside every guarded mapping to the previously installed
// handler.
class GuardedMapping {
 public:
  static constexpr std::size_t kMost = 8192;

  // Maps `length` bytes of the file from `offset` on, shared, for reading and writing. Both must be whole
  // host pages. The descriptor is not needed afterwards.
  static Expected<GuardedMapping> create(int fd, ByteCount offset, ByteCount length);
  ~GuardedMapping();
  GuardedMapping(const GuardedMapping&) = delete;
  GuardedMapping& operator=(const GuardedMapping&) = delete;

  std::byte* memory() const noexcept { return memory_; }
  ByteCount length() const noexcept { return length_; }

  // Returns true once a missing part of the file was touched. From then on the whole mapping is private
  // memory that reads as zero, and writes do not reach the file. Any thread.
  bool lost() const noexcept;

 private:
  GuardedMapping(std::byte* memory, ByteCount length, std::size_t slot) noexcept
      : memory_(memory), length_(length), slot_(slot) {}

  std::byte* memory_;
  ByteCount length_;
  std::size_t slot_;
};

}  // namespace fallow::detail
