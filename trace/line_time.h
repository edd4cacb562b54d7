// Parses the time in a line of a trace.
#pragma once

#include <cstdint>
#include <string_view>

#include "fallow/base/units.h"

namespace fallow::trace {

struct LineTime {
  enum class Form : std::uint8_t {
    None,
    Seconds,       // "1154.625902:", with one to nine digits in the fraction
    Microseconds,  // latency format of ftrace, since the start of the trace: "12us :", "12us+:"
    Milliseconds,  // verbose latency format: "12.345ms (+0.001ms):"
    Ticks,         // from a clock that does not count seconds: "123456:", "123456 (+7):"
  };

  Form form = Form::None;
  Nanoseconds time{};       // unset for Ticks
  std::string_view before;  // the text before the time
};

// Reads the time that ends with the word `last`, which follows `before`.
LineTime read_line_time(std::string_view before, std::string_view last);

}  // namespace fallow::trace
