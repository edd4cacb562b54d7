// The port for programs under an operating system: a steady clock, the heap, and a worker thread.
#pragma once

#include <semaphore.h>

#include <atomic>
#include <thread>

#include "fallow/base/status.h"
#include "fallow/platform/detail/deadline.h"
#include "fallow/platform/port.h"

namespace fallow {

/// A port with a worker thread, which sleeps until the earliest deadline.
class HostedPort final : public Port {
 public:
  HostedPort() noexcept;
  /// Stops the worker thread.
  ~HostedPort();
  HostedPort(const HostedPort&) = delete;
  HostedPort& operator=(const HostedPort&) = delete;

  /// Starts a thread that runs the worker by the earliest requested deadline; earlier requests count. Busy:
  /// the thread runs already. NoMemory: the system cannot create a thread. InvalidArgument: `worker` is
  /// empty. Only one thread, other than the worker's, may call start() and stop().
  Status start(Worker worker) noexcept;

  /// Stops the worker thread; returns when the worker's run has ended and its thread is gone. Wakeup
  /// requests stay pending for the next start(). A no-op without a thread.
  void stop() noexcept;

  /// Returns whether the worker thread is started.
  bool started() const noexcept { return thread_.joinable(); }

  /// Returns the earliest pending deadline, or kNever.
  Nanoseconds next_deadline() const noexcept { return wakeups_.get(); }

  /// Returns the time of std::chrono::steady_clock.
  Nanoseconds now() noexcept override;

  /// Costs at most two atomic operations while the worker runs or its sleep ends early enough, and one
  /// system call if the worker must be woken. Never waits; async-signal-safe.
  void wake_at(Nanoseconds deadline) noexcept override;

  void relax() noexcept override;
  std::uintptr_t current() noexcept override;

  /// Allocates from the heap, aligned to 64 bytes.
  void* allocate(ByteCount size) noexcept override;
  void release(void* memory, ByteCount size) noexcept override;

 private:
  void work(Worker worker) noexcept;
  void sleep_until_due_or_stopped() noexcept;

  detail::EarliestDeadline wakeups_;
  // Posted for each request that becomes the earliest, and by stop(). The semaphore keeps a post while no
  // thread waits, so no request is lost between the worker's read of the deadline and its sleep.
  sem_t alarm_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace fallow
