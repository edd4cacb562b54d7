// A bell between two threads, and a thread that does something whenever its bell is rung.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "fallow/host/created.h"
#include "fallow/virtio/in_process_transport.h"

namespace fallow {

// An eventfd. Rings while nobody waits are kept, and count as one.
class Bell {
 public:
  static Created<Bell> create();
  ~Bell();
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  // Any thread; never waits.
  void ring() noexcept;

  // Returns as soon as it was rung since the last wait, having taken all rings. One thread at a time.
  void wait() noexcept;

  // What rings it. The bell must outlive its use.
  Doorbell doorbell() noexcept;

 private:
  explicit Bell(int fd) noexcept : fd_(fd) {}

  int fd_;
};

class BellThread {
 public:
  struct Work {
    void (*run)(void* context) noexcept = nullptr;
    void* context = nullptr;
  };

  // Starts the thread; it runs `work` once for any number of rings since the last run began.
  static Created<BellThread> create(Work work);
  // Stops.
  ~BellThread();
  BellThread(const BellThread&) = delete;
  BellThread& operator=(const BellThread&) = delete;

  // Returns when the work under way is over and the thread is gone; rings do nothing from then on. Not from
  // the thread itself.
  void stop() noexcept;

  Bell& bell() noexcept { return *bell_; }

  // Runs the work once more, and returns when that is over and with it all that was under way. The thread
  // must not have been stopped, and not be the caller.
  void flush() noexcept;

 private:
  BellThread(std::unique_ptr<Bell> bell, Work work) noexcept : bell_(std::move(bell)), work_(work) {}

  std::unique_ptr<Bell> bell_;
  Work work_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> begun_{0}, over_{0};  // runs
  std::thread thread_;
};

}  // namespace fallow
