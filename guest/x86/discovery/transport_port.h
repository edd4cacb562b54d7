// The Port of a transport, which only needs a clock and a pause.
#pragma once

#include <cstdint>

#include "fallow/platform/port.h"
#include "guest/kernel/machine.h"

namespace fallow::guest::x86 {

class TransportPort final : public Port {
 public:
  explicit TransportPort(Machine& machine) noexcept : machine_(machine) {}

  Nanoseconds now() noexcept override { return machine_.now(); }
  void wake_at(Nanoseconds) noexcept override {}
  void relax() noexcept override { machine_.relax(); }
  std::uintptr_t current() noexcept override { return machine_.cpu() + 1; }
  void* allocate(ByteCount) noexcept override { return nullptr; }
  void release(void*, ByteCount) noexcept override {}

 private:
  Machine& machine_;
};

}  // namespace fallow::guest::x86
