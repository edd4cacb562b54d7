// Formats quantities for people. Pure functions; any thread may call them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fallow/base/units.h"

namespace fallow::cli {

double to_mib(ByteCount b);
double to_mib(PfnCount n);
double mib_of_kib(std::uint64_t kib);
double to_seconds(Nanoseconds t);

// Three or four digits and a binary unit: "0 MiB", "40 KiB", "2.3 MiB", "4,521 MiB", "12.3 GiB".
std::string format_mib(double mib);

// "4,521,007".
std::string format_count(std::uint64_t count);

// "350 us", "35 ms", "0.35 s", "85.2 s", "12 min 5 s".
std::string format_seconds(double seconds);

// Formats a ratio as "2 %": below 10 % with one decimal; from 10 upwards as "12 times".
std::string format_percent(double ratio);

// Formats a time so that parse_time() returns the same value: "100ms", "60s".
std::string format_time(Nanoseconds time);

// Formats a count with its noun, in the plural unless `count` is 1: "1 request", "3,120 requests".
std::string format_counted(std::uint64_t count, std::string_view noun);

// Makes text safe for a terminal: printable ASCII is kept, a tab becomes a blank, other bytes become "\x1b"
// and the like.
std::string printable(std::string_view text);

// The same with one character for each byte: a byte that is not printable ASCII becomes '?'. For columns.
std::string printable_columns(std::string_view text);

// Breaks text at spaces into lines of at most `columns` characters, each with a newline. A longer word gets a
// line of its own.
std::string wrap(std::string_view text, std::size_t columns);

}  // namespace fallow::cli
