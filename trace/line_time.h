// The time in a line of a trace.
#pragma once

#include <cstdint>
#include <string_view>

#include "fallow/base/units.h"

namespace fallow::trace {

struct LineTime {
  enum class Form : std::uint8_t {
    None,
    Seconds,       // "1154.625902:", with one to nine digits in the fraction
    Microseconds,  // ftrace's latency format, since the begin of the trace: "12us :", "12us+:"
    Milliseconds,  // the same, verbose: "12.345ms (+0.001ms):"
    Ticks,         // of a clock that does not count seconds: "123456:", "123456 (+7):"
  };

  Form form = Form::None;
  Nanoseconds time{};       // not of Ticks
  std::string_view before;  // what stands before it
};

// The time that ends with `last`, the word behind `before`.
LineTime read_line_time(std::string_view before, std::string_view last);

}  // namespace fallow::trace
