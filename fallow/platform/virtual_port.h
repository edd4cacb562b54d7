// A port in virtual time: for replays that must give the same figures each run.
#pragma once

#include "fallow/platform/virtual_clock.h"

namespace fallow {

// Has a clock of its own and takes everything else from another port, which must outlive it.
class VirtualPort final : public VirtualClock {
 public:
  explicit VirtualPort(Port& real, Nanoseconds start = {}) noexcept : VirtualClock(start), real_(real) {}

  void relax() noexcept override { real_.relax(); }
  std::uintptr_t current() noexcept override { return real_.current(); }
  void* allocate(ByteCount size) noexcept override { return real_.allocate(size); }
  void release(void* memory, ByteCount size) noexcept override { real_.release(memory, size); }

 private:
  Port& real_;
};

}  // namespace fallow
