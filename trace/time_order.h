// Checks the order of event times.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "trace/event.h"

namespace fallow::trace {

// Distinguishes a damaged time from the small disorder of a trace that several CPUs wrote.
//
// An event at most kMaxSkew older than an earlier event is late and gets the latest time. An event older than
// that has a damaged time, or a part of the trace is out of place. A damaged time may also lie ahead, which
// shows only when the next event goes back. Therefore an event that jumps ahead by more than kMaxSkew is
// *held* until the next event confirms its time.
class TimeOrder {
 public:
  static constexpr Nanoseconds kMaxSkew = milliseconds(100);

  enum class Verdict : std::uint8_t {
    InOrder,   // return the event now
    Late,      // return the event now; its time has been set to the latest
    Hold,      // the event jumps ahead: take any held event, then pass this one to hold()
    Backward,  // the time is damaged: it lies before events that were already returned
    HeldBad,   // the held event has a damaged time: call drop_held(), then judge this event again
    HeldGood,  // the held event is valid: call take_held(), then judge this event again
  };

  struct Held {
    TraceEvent event;
    std::uint64_t line = 0;
  };

  Verdict judge(TraceEvent& event) {
    const bool ahead_in_reach = event.time >= latest_ && event.time.raw - latest_.raw <= kMaxSkew.raw;
    if (!held_ && ahead_in_reach && started_) {
      latest_ = event.time;
      return Verdict::InOrder;
    }
    return judge_unusual(event);
  }

  void hold(const TraceEvent& event, std::uint64_t line) { held_ = Held{event, line}; }
  const std::optional<Held>& held() const { return held_; }
  void drop_held() { held_.reset(); }
  // Accepts the held event and returns it. An event must be held.
  TraceEvent take_held() {
    const TraceEvent event = held_->event;
    latest_ = event.time;
    started_ = true;
    held_.reset();
    return event;
  }
  // Returns the latest accepted time; 0 before the first event.
  Nanoseconds latest() const { return latest_; }

 private:
  Verdict judge_unusual(TraceEvent& event) const {
    if (started_ && event.time + kMaxSkew < latest_) return Verdict::Backward;
    if (held_) return event.time + kMaxSkew < held_->event.time ? Verdict::HeldBad : Verdict::HeldGood;
    if (!started_ || event.time > latest_) return Verdict::Hold;
    event.time = latest_;
    return Verdict::Late;
  }

  Nanoseconds latest_{0};
  bool started_ = false;
  std::optional<Held> held_;
};

}  // namespace fallow::trace
