// Parses quantities from a command line. Pure functions; any thread may call them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "fallow/base/units.h"

namespace fallow::cli {

// Parses a decimal number, with an optional fraction, and a unit in upper or lower case: none or B for bytes;
// K, M, G, T for powers of 1024, also written KB, KiB and so on. "512M", "1.5GiB", "4096". Rounds down to
// whole bytes. Nothing if the text is not of this form or the size is 2^64 bytes or more.
std::optional<ByteCount> parse_size(std::string_view text);

// Parses a decimal number, with an optional fraction, and a unit: ns, us, ms, s, m (or min) or h. "100ms",
// "1.5s"; a bare "0" needs no unit. Rounds down to whole nanoseconds. Nothing if the text is not of this form
// or the time exceeds 584 years.
std::optional<Nanoseconds> parse_time(std::string_view text);

// Parses decimal digits only. Nothing if the text is not of this form or the number is 2^64 or more.
std::optional<std::uint64_t> parse_count(std::string_view text);

// Parses a positive decimal number such as "1", "0.5" or "1e3". Nothing if the text is not of this form, or
// the number is zero or not finite.
std::optional<double> parse_positive(std::string_view text);

}  // namespace fallow::cli
