// Reads the quantities people write on a command line. Pure functions; any thread may call them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "fallow/base/units.h"

namespace fallow::cli {

// A decimal number, fractions allowed, and a unit in upper or lower case: none or B for bytes, K, M, G or T
// for powers of 1024, as are KB and KiB and so on. "512M", "1.5GiB", "4096". Rounds down to whole bytes.
// Nothing: not of this form, or 2^64 bytes and more.
std::optional<ByteCount> parse_size(std::string_view text);

// A decimal number, fractions allowed, and its unit: ns, us, ms, s, m (or min) or h. "100ms", "1.5s"; a bare
// "0" needs no unit. Rounds down to whole nanoseconds. Nothing: not of this form, or more than 584 years.
std::optional<Nanoseconds> parse_time(std::string_view text);

// Decimal digits and nothing else. Nothing: not of this form, or 2^64 and more.
std::optional<std::uint64_t> parse_count(std::string_view text);

// A positive decimal number such as "1", "0.5" or "1e3". Nothing: not of this form, zero, or not finite.
std::optional<double> parse_positive(std::string_view text);

}  // namespace fallow::cli
