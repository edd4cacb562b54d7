// A port for single-threaded use: time passes while the caller waits.
#pragma once

#include <cstdint>

#include "fallow/platform/port.h"

namespace fallow {

class PassingPort final : public Port {
 public:
  Nanoseconds now() noexcept override { return now_; }
  void wake_at(Nanoseconds) noexcept override {}
  void relax() noexcept override { now_ = now_ + milliseconds(50); }
  std::uintptr_t current() noexcept override { return 1; }
  void* allocate(ByteCount) noexcept override { return nullptr; }
  void release(void*, ByteCount) noexcept override {}

 private:
  Nanoseconds now_;
};

}  // namespace fallow
