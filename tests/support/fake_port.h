// The port for tests: virtual time, allocations that fail on request, and counts of all calls.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "fallow/platform/detail/virtual_clock.h"

namespace fallow {

// Called from relax(), so that a test on one thread can let the awaited side make progress; or from now(), so
// that an event happens in the middle of a core operation.
struct RelaxHook {
  void (*call)(void* context) = nullptr;
  void* context = nullptr;
};

// Any number of threads may use the port; settings are changed only while no thread uses it.
class FakePort final : public detail::VirtualClock {
 public:
  using detail::VirtualClock::VirtualClock;

  // Makes the i-th following allocate() return null, once; 1 is the next call, 0 disables the failure.
  void fail_allocation_at(std::uint64_t i) noexcept { fail_in_.store(i, std::memory_order_relaxed); }
  void on_relax(RelaxHook hook) noexcept { hook_ = hook; }
  void on_now(RelaxHook hook) noexcept { now_hook_ = hook; }
  // Sets the result of current() on every thread; 0 restores each thread's own identity.
  void pretend_current(std::uintptr_t id) noexcept { pretended_.store(id, std::memory_order_relaxed); }

  std::uint64_t allocations() const noexcept { return allocations_.load(std::memory_order_relaxed); }
  std::uint64_t live_allocations() const noexcept { return live_.load(std::memory_order_relaxed); }
  ByteCount live_bytes() const noexcept { return {live_bytes_.load(std::memory_order_relaxed)}; }
  std::uint64_t wakeups() const noexcept { return wakeups_made_.load(std::memory_order_relaxed); }
  Nanoseconds last_wakeup() const noexcept { return {last_wakeup_.load(std::memory_order_relaxed)}; }
  std::uint64_t relaxes() const noexcept { return relaxes_.load(std::memory_order_relaxed); }

  void wake_at(Nanoseconds deadline) noexcept override {
    wakeups_made_.fetch_add(1, std::memory_order_relaxed);
    last_wakeup_.store(deadline.raw, std::memory_order_relaxed);
    VirtualClock::wake_at(deadline);
  }

  Nanoseconds now() noexcept override {
    if (now_hook_.call != nullptr) now_hook_.call(now_hook_.context);
    return VirtualClock::now();
  }

  void relax() noexcept override {
    relaxes_.fetch_add(1, std::memory_order_relaxed);
    if (hook_.call != nullptr) hook_.call(hook_.context);
  }

  std::uintptr_t current() noexcept override {
    static thread_local char self;
    const std::uintptr_t pretended = pretended_.load(std::memory_order_relaxed);
    return pretended != 0 ? pretended : reinterpret_cast<std::uintptr_t>(&self);
  }

  // Uses the global operator new, so that sanitizers detect overruns and leaks.
  void* allocate(ByteCount size) noexcept override {
    allocations_.fetch_add(1, std::memory_order_relaxed);
    if (take_failure()) return nullptr;
    auto* memory = static_cast<std::byte*>(::operator new(size.raw, kAlignment, std::nothrow));
    if (memory == nullptr) return nullptr;
    for (std::uint64_t i = 0; i < size.raw; ++i) memory[i] = std::byte{0};
    live_.fetch_add(1, std::memory_order_relaxed);
    live_bytes_.fetch_add(size.raw, std::memory_order_relaxed);
    return memory;
  }

  void release(void* memory, ByteCount size) noexcept override {
    FALLOW_CHECK(memory != nullptr);
    FALLOW_CHECK(live_.fetch_sub(1, std::memory_order_relaxed) > 0);
    FALLOW_CHECK(live_bytes_.fetch_sub(size.raw, std::memory_order_relaxed) >= size.raw);
    ::operator delete(memory, kAlignment);
  }

 private:
  static constexpr std::align_val_t kAlignment{64};

  bool take_failure() noexcept {
    std::uint64_t left = fail_in_.load(std::memory_order_relaxed);
    while (left != 0 && !fail_in_.compare_exchange_weak(left, left - 1, std::memory_order_relaxed)) {
    }
    return left == 1;
  }

  // Counts and settings order nothing, hence all relaxed.
  std::atomic<std::uint64_t> fail_in_{0}, allocations_{0}, live_{0}, live_bytes_{0};
  std::atomic<std::uint64_t> wakeups_made_{0}, last_wakeup_{kNever.raw}, relaxes_{0};
  std::atomic<std::uintptr_t> pretended_{0};
  RelaxHook hook_, now_hook_;
};

}  // namespace fallow
