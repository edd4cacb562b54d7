// Measures the latency of a daemon under attack: a well-behaved guest reports continuously, a client of the
// control socket asks continuously, and a metronome measures the scheduling delay of the machine.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "tests/e2e/serve_process.h"
#include "tests/support/vhost_guest.h"

namespace fallow {

class LatencyOracle {
 public:
  using Clock = std::chrono::steady_clock;
  using Time = std::chrono::duration<double, std::milli>;

  static constexpr unsigned kEnough = 20;

  explicit LatencyOracle(const ServeProcess& daemon) : daemon_(daemon), guest_(daemon.socket()) {
    served_ = guest_.bind() && report();
    reporting_ =
        std::thread([this] { time_all(slowest_report_, [this] { served_ = served_ && report(); }); });
    asking_ = std::thread([this] {
      time_all(slowest_answer_, [this] {
        answered_ = answered_ && daemon_.ask({{"command", "list"}}).value("ok", false);
      });
    });
    metronome_ = std::thread([this] { time_all(latest_, [] {}); });
  }
  ~LatencyOracle() { stop(); }
  LatencyOracle(const LatencyOracle&) = delete;
  LatencyOracle& operator=(const LatencyOracle&) = delete;

  void stop() {
    stop_ = true;
    for (std::thread* const thread : {&reporting_, &asking_, &metronome_}) {
      if (thread->joinable()) thread->join();
    }
  }
  // Returns an error text, or empty. The limit allows for the scheduling delay of the machine.
  std::string verdict() {
    constexpr Time kLimit(50);
    stop();
    if (!served_) return "the well-behaved guest was not served";
    if (!answered_) return "the control client was not answered";
    if (reports_ < kEnough) return "only " + std::to_string(reports_) + " reports";
    std::string text;
    const auto judge = [&](const char* what, Time slowest) {
      if (slowest > kLimit + 2 * latest_)
        text += std::string(what) + " took " + std::to_string(slowest.count()) +
                " ms, with a scheduling delay of up to " + std::to_string(latest_.count()) + " ms\n";
    };
    judge("a report", slowest_report_);
    judge("an answer", slowest_answer_);
    return text;
  }
  // True if enough reports were timed for a verdict.
  bool has_timed_enough() const { return reports_ >= kEnough; }
  double slowest_report() const { return slowest_report_.count(); }
  double slowest_answer() const { return slowest_answer_.count(); }
  double machine() const { return latest_.count(); }

 private:
  bool report() {
    ++reports_;
    return guest_.report(VhostGuest::kFree, 64 << 10, 4).has_value();
  }
  // Pauses for a millisecond between calls, so that the attack also gets CPU time.
  template <class Deed>
  void time_all(Time& slowest, Deed deed) {
    while (!stop_) {
      const auto begin = Clock::now();
      deed();
      if (&slowest != &latest_) slowest = std::max<Time>(slowest, Clock::now() - begin);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (&slowest == &latest_)
        slowest = std::max<Time>(slowest, Clock::now() - begin - std::chrono::milliseconds(1));
    }
  }

  const ServeProcess& daemon_;
  VhostGuest guest_;
  std::atomic<bool> stop_{false}, served_{false}, answered_{true};
  std::atomic<unsigned> reports_{0};
  Time slowest_report_{0}, slowest_answer_{0}, latest_{0};
  std::thread reporting_, asking_, metronome_;
};

}  // namespace fallow
