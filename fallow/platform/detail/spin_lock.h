// A lock for sections of a few dozen instructions, among threads that may each be a whole CPU.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/platform/port.h"

namespace fallow::detail {

// First come, first served, so that nobody waits for longer than one section of each other thread. Not
// recursive. A section must not wait for anything.
class SpinLock {
 public:
  void lock(Port& port) noexcept {
    // relaxed: a ticket says only whose turn it is; what the section before wrote comes with serving_.
    const std::uint32_t ticket = next_.fetch_add(1, std::memory_order_relaxed);
    // acquire: pairs with the release in unlock(), so that this section sees what the last one wrote.
    while (serving_.load(std::memory_order_acquire) != ticket) port.relax();
  }
  // release: serving_ pairs with the acquire in lock(), so that what was done inside happens before the next
  // section. The load is relaxed: only the thread inside changes it.
  void unlock() noexcept {
    serving_.store(serving_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  // Locked from construction to destruction.
  class Held {
   public:
    Held(SpinLock& lock, Port& port) noexcept : lock_(lock) { lock_.lock(port); }
    ~Held() { lock_.unlock(); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

   private:
    SpinLock& lock_;
  };

 private:
  std::atomic<std::uint32_t> next_{0}, serving_{0};
};

}  // namespace fallow::detail
