// A lock for critical sections of a few dozen instructions, among threads that may each occupy a whole CPU.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/platform/port.h"

namespace fallow::detail {

// A ticket lock: no thread waits for longer than one section of each other thread. Not recursive. A section
// must not wait for anything.
class SpinLock {
 public:
  void lock(Port& port) noexcept {
    // relaxed: a ticket only orders the waiters; serving_ publishes what the previous section wrote.
    const std::uint32_t ticket = next_.fetch_add(1, std::memory_order_relaxed);
    // acquire: pairs with the release in unlock(), so that this section sees what the previous one wrote.
    while (serving_.load(std::memory_order_acquire) != ticket) port.relax();
  }
  // release: serving_ pairs with the acquire in lock(), so that this section happens before the next one.
  // The load is relaxed: only the holder of the lock changes serving_.
  void unlock() noexcept {
    serving_.store(serving_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  // Holds the lock from construction to destruction.
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
