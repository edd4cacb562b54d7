// The serial line: a 16550 at 0x3f8.
#pragma once

#include <atomic>

#include "guest/protocol/string_ref.h"

namespace fallow::guest::x86 {

class Serial {
 public:
  // 115200 baud, 8 bits, no parity; a line that is not there swallows what is written.
  void start() noexcept;

  // Whole, whatever other CPUs write. Any CPU, not from an interrupt handler.
  void write(StringRef text) noexcept;

  // From a CPU that panics: waits for a moment only, as the CPU that is inside may never come out.
  void write_at_last(StringRef text) noexcept;

 private:
  bool enter(unsigned patience) noexcept;
  void put(StringRef text) noexcept;

  std::atomic_flag busy_;
  bool present_ = false;
};

}  // namespace fallow::guest::x86
