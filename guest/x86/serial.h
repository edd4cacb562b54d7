// The serial line: a 16550 at 0x3f8.
#pragma once

#include <atomic>

#include "guest/protocol/text.h"

namespace fallow::guest::x86 {

class Serial {
 public:
  // Configures 115200 baud, 8 bits, no parity. Without a serial line all output is discarded.
  void start() noexcept;

  // Writes `text` without interleaving that of other CPUs. Any CPU may call, but not an interrupt handler.
  void write(StringRef text) noexcept;

  // For a panicking CPU: the wait is bounded, because the CPU that holds the line may never release it.
  void write_at_last(StringRef text) noexcept;

 private:
  bool enter(unsigned spins) noexcept;
  void put(StringRef text) noexcept;

  std::atomic_flag busy_;
  bool present_ = false;
};

}  // namespace fallow::guest::x86
