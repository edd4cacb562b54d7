// Writes quantities the way people read them. Pure functions; any thread may call them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fallow/base/units.h"

namespace fallow::cli {

double to_mib(ByteCount b);
double to_mib(PfnCount n);
double to_seconds(Nanoseconds t);

// Three or four digits and a binary unit: "0 MiB", "40 KiB", "2.3 MiB", "4,521 MiB", "12.3 GiB".
std::string format_mib(double mib);

// "4,521,007".
std::string format_count(std::uint64_t count);

// "350 us", "35 ms", "0.35 s", "85.2 s", "12 min 5 s".
std::string format_seconds(double seconds);

// A ratio as "2 %", below 10 % with one decimal, from 10 times on as "12 times".
std::string format_percent(double ratio);

// What parse_time() reads back as the same time: "100ms", "60s".
std::string format_time(Nanoseconds time);

// `count` and the noun in its number: "1 request", "3,120 requests".
std::string format_counted(std::uint64_t count, std::string_view noun);

// Breaks text at its spaces into lines of at most `columns`, where words allow; each ends with a newline.
std::string wrap(std::string_view text, std::size_t columns);

}  // namespace fallow::cli
