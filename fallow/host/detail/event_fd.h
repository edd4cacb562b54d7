// A bell between two threads, and a thread that does something whenever its bell is rung.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "fallow/host/expected.h"
#include "fallow/virtio/transport/in_process_transport.h"

namespace fallow::detail {

// An eventfd. Rings while nobody waits are kept, and count as one.
class EventFd {
 public:
  static Expected<EventFd> create();
  ~EventFd();
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;

  // Any thread; never waits.
  void ring() noexcept;

  // Returns as soon as it was rung since the last wait, having taken all rings. One thread at a time.
  void wait() noexcept;

  // What rings it. The bell must outlive its use.
  Doorbell doorbell() noexcept;

 private:
  explicit EventFd(int fd) noexcept : fd_(fd) {}

  int fd_;
};

class EventThread {
 public:
  using Work = Callback<void()>;

  // Starts the thread; it runs `work` once for any number of rings since the last run began.
  static Expected<EventThread> create(Work work);
  // Stops.
  ~EventThread();
  EventThread(const EventThread&) = delete;
  EventThread& operator=(const EventThread&) = delete;

  // Returns when the work under way is over and the thread is gone; rings do nothing from then on. Not from
  // the thread itself.
  void stop() noexcept;

  EventFd& bell() noexcept { return *bell_; }

  // Runs the work once more, and returns when that is over and with it all that was under way. The thread
  // must not have been stopped, and not be the caller.
  void flush() noexcept;

 private:
  EventThread(std::unique_ptr<EventFd> bell, Work work) noexcept : bell_(std::move(bell)), work_(work) {}

  std::unique_ptr<EventFd> bell_;
  Work work_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> begun_{0}, over_{0};  // runs
  std::thread thread_;
};

}  // namespace fallow::detail
