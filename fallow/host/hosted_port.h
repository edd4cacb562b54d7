// The port for programs under an operating system: a steady clock, the heap, and a worker thread.
#pragma once

#include <semaphore.h>

#include <atomic>
#include <thread>

#include "fallow/base/status.h"
#include "fallow/platform/detail/deadline.h"
#include "fallow/platform/port.h"
#include "fallow/platform/worker.h"

namespace fallow {

class HostedPort final : public Port {
 public:
  HostedPort() noexcept;
  // Stops the worker thread.
  ~HostedPort();
  HostedPort(const HostedPort&) = delete;
  HostedPort& operator=(const HostedPort&) = delete;

  // Starts a thread that runs the worker by the earliest deadline wished for; wishes made before count.
  // Busy: it runs already. NoMemory: the system gives no thread. InvalidArgument: no function.
  // start() and stop() are for one thread, and not the worker's.
  Status start(Worker worker) noexcept;

  // Returns when the worker's run has ended and its thread is gone. Wishes stay pending, for the next
  // start(). Without a thread it does nothing.
  void stop() noexcept;

  // Whether a thread is started.
  bool started() const noexcept { return thread_.joinable(); }

  // The earliest wish that the worker has not taken, or kNever.
  Nanoseconds next_deadline() const noexcept { return wishes_.get(); }

  // Since an unspecified point: std::chrono::steady_clock.
  Nanoseconds now() noexcept override;

  // Two atomic operations at most while the worker runs or sleeps short; a system call only if it must
  // be woken. Never waits, and may be called from a signal handler.
  void wake_at(Nanoseconds deadline) noexcept override;

  void relax() noexcept override;
  std::uintptr_t current() noexcept override;

  // Aligned to 64 bytes.
  void* allocate(ByteCount size) noexcept override;
  void release(void* memory, ByteCount size) noexcept override;

 private:
  void work(Worker worker) noexcept;
  void sleep_until_wish_or_stop() noexcept;

  detail::EarliestDeadline wishes_;
  // Posted for each wish that became the earliest, and for stop(): a post while nobody waits is kept, so
  // no wish is lost between the worker's look at the wishes and its sleep.
  sem_t alarm_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace fallow
