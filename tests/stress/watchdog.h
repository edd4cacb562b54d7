// Ends the program with a message when it hangs: a stress test must not wait for ever.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>

namespace fallow {

class Watchdog {
 public:
  using Clock = std::chrono::steady_clock;

  // When the time limit expires, `describe` is called to print to stderr what the program was doing.
  Watchdog(Clock::duration limit, std::function<void()> describe)
      : end_(Clock::now() + limit), describe_(std::move(describe)), thread_([this] { watch(); }) {}
  ~Watchdog() {
    over_ = true;
    thread_.join();
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void watch() {
    while (!over_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      if (over_ || Clock::now() < end_) continue;
      std::fprintf(stderr, "watchdog: the test has hung, since its time was up long ago:\n");
      describe_();
      std::_Exit(3);
    }
  }

  const Clock::time_point end_;
  const std::function<void()> describe_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace fallow
