// An eventfd between two threads, and a thread that does some work whenever its eventfd is signalled.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "fallow/host/expected.h"
#include "fallow/virtio/transport/in_process_transport.h"

namespace fallow::detail {

// Wraps an eventfd. Signals are kept while no thread waits, and count as one.
class EventFd {
 public:
  static Expected<EventFd> create();
  ~EventFd();
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;

  // Signals the eventfd. Any thread; never waits.
  void ring() noexcept;

  // Waits until the eventfd was signalled since the last wait, and consumes all signals. One thread at a
  // time.
  void wait() noexcept;

  // Returns a doorbell that signals this eventfd, which must outlive the doorbell's use.
  Doorbell doorbell() noexcept;

 private:
  explicit EventFd(int fd) noexcept : fd_(fd) {}

  int fd_;
};

// A thread that runs a function whenever its eventfd is signalled.
class EventThread {
 public:
  using Work = Callback<void()>;

  // Starts the thread, which runs `work` once for any number of signals since the last run began.
  static Expected<EventThread> create(Work work);
  // Calls stop().
  ~EventThread();
  EventThread(const EventThread&) = delete;
  EventThread& operator=(const EventThread&) = delete;

  // Stops the thread; returns when the work under way has ended and the thread is gone. Later signals do
  // nothing. Must not be called from the thread itself.
  void stop() noexcept;

  EventFd& event() noexcept { return *event_; }

  // Runs the work once more; returns when that run, and every run under way, has ended. The thread must not
  // have been stopped, and must not be the caller.
  void flush() noexcept;

 private:
  EventThread(std::unique_ptr<EventFd> event, Work work) noexcept : event_(std::move(event)), work_(work) {}

  std::unique_ptr<EventFd> event_;
  Work work_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> begun_{0}, over_{0};  // runs begun and ended
  std::thread thread_;
};

}  // namespace fallow::detail
