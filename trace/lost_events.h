// What recorders say about the events that they lost.
#pragma once

#include <cstdint>
#include <string_view>

namespace fallow::trace {

enum class LostStatement : std::uint8_t {
  None,         // nothing is said about lost events
  Lost,         // events were lost
  NothingLost,  // it is said that none were
  Unclear,      // it is about lost events and cannot be read
};

// A line without a time; `lost` is the number of events, 0 where it is not told.
//   ftrace             CPU:1 [LOST 12 EVENTS], CPU:1 [LOST EVENTS]
//   its statistics     overrun: 12, commit overrun: 12, dropped events: 12
//   trace-cmd report   CPU:1 [12 EVENTS DROPPED], CPU:1 [EVENTS DROPPED], CPU:1 [SUBBUFFER START]; behind
//                      the name of the input if there are several
//   trace-cmd record   CPU 1: 12 events lost
//   perf               Processed 4567 events and lost 3 chunks!, Processed 4567 samples and lost 12.50%!
LostStatement read_lost_events(std::string_view line, std::uint64_t& lost);

// A comment: ftrace's header says how many events were written and how many are left in the buffer.
//   # entries-in-buffer/entries-written: 140080/250280   #P:4
//   # latency: 0 us, #140080/250280, CPU#0 | (M:preempt VP:0, KP:0, SP:0 HP:0 #P:4)
LostStatement read_lost_in_comment(std::string_view line, std::uint64_t& lost);

// An event of perf script --show-lost-events: "PERF_RECORD_LOST lost 12".
bool read_lost_record(std::string_view text, std::uint64_t& lost);

}  // namespace fallow::trace
