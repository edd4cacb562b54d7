// Parses what the recorders print about lost events.
#pragma once

#include <cstdint>
#include <string_view>

namespace fallow::trace {

enum class LostStatement : std::uint8_t {
  None,         // the line is not about lost events
  Lost,         // events were lost
  NothingLost,  // the recorder states that it lost no events
  Unclear,      // the line is about lost events and cannot be read
};

// Reads a line without a time. `lost` receives the number of events, or 0 if the line has no number.
//   ftrace             CPU:1 [LOST 12 EVENTS], CPU:1 [LOST EVENTS]
//   its statistics     overrun: 12, commit overrun: 12, dropped events: 12
//   trace-cmd report   CPU:1 [12 EVENTS DROPPED], CPU:1 [EVENTS DROPPED], CPU:1 [SUBBUFFER START]; after the
//                      name of the input if there are several inputs
//   trace-cmd record   CPU 1: 12 events lost
//   perf               Processed 4567 events and lost 3 chunks!, Processed 4567 samples and lost 12.50%!
LostStatement read_lost_events(std::string_view line, std::uint64_t& lost);

// Reads a comment. The header of ftrace states how many events were written and how many remain in the
// buffer.
//   # entries-in-buffer/entries-written: 140080/250280   #P:4
//   # latency: 0 us, #140080/250280, CPU#0 | (M:preempt VP:0, KP:0, SP:0 HP:0 #P:4)
LostStatement read_lost_in_comment(std::string_view line, std::uint64_t& lost);

// Reads an event of perf script --show-lost-events: "PERF_RECORD_LOST lost 12".
bool read_lost_record(std::string_view text, std::uint64_t& lost);

}  // namespace fallow::trace
