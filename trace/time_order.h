// The order in time of a trace's events.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "trace/event.h"

namespace fallow::trace {

// Tells a damaged time from the small disorder of a trace that several CPUs wrote.
//
// An event up to kMaxSkew older than one before it is late, and gets the time of the latest. An older one has
// a damaged time, or the trace has a part that belongs elsewhere. A damaged time may as well lie ahead, which
// shows only when the next event goes back again: so an event that jumps ahead by more than kMaxSkew is
// *held* until the next one agrees.
class TimeOrder {
 public:
  static constexpr Nanoseconds kMaxSkew = milliseconds(100);

  enum class Verdict : std::uint8_t {
    InOrder,   // the event goes out now
    Late,      // the same, and its time has been set to the latest
    Hold,      // it jumps ahead: give it to hold(), after taking what is held already
    Backward,  // its time is damaged: it is before the events that went out
    HeldBad,   // what is held has a damaged time: drop_held(), then judge this event again
    HeldGood,  // what is held goes out now: take_held(), then judge this event again
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
  // What is held belongs to the trace. Nothing must be held afterwards, and something before.
  TraceEvent take_held() {
    const TraceEvent event = held_->event;
    latest_ = event.time;
    started_ = true;
    held_.reset();
    return event;
  }
  // The latest time that went out; 0 before the first event.
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
