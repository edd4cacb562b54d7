// The guest's kernel command line.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fallow/base/units.h"
#include "fallow/reporting/policy_spec.h"
#include "guest/protocol/text.h"
#include "guest/protocol/workload_names.h"

namespace fallow::guest {

// In the syntax of Linux: virtio_mmio.device=512@0xfeb00e00:12
struct MmioDevice {
  GuestPhys base;
  ByteCount size;
  std::uint32_t interrupt = 0;
};

struct Options {
  static constexpr std::size_t kMostMmio = 32;

  WorkloadKind workload = WorkloadKind::Fill;
  StringRef workload_word = "fill";
  PolicySpec policy;
  StringRef policy_word = "aged:100ms";
  Order order{9};
  Nanoseconds duration = seconds(10);  // key `seconds`
  std::uint64_t seed = 1;
  ByteCount fill;  // 0 means three fifths of the memory
  Nanoseconds hold = milliseconds(300);
  std::uint32_t capacity = 32, in_flight = 4;
  Nanoseconds sample = milliseconds(50);
  MmioDevice mmio[kMostMmio];
  std::size_t mmio_count = 0;
};

struct CommandLine {
  static constexpr std::size_t kMostUnknown = 16;

  Options options;
  Sentence error;  // empty on success
  // The first few words with an unknown key.
  StringRef unknown[kMostUnknown];
  std::size_t unknown_count = 0;
};

// Parses words separated by white space. The last of several words with the same key counts. Parsing stops at
// the first invalid word, which `error` names. `line` must outlive the result.
CommandLine parse_command_line(StringRef line);

// Removes the next word from the front of `line`. Returns an empty text at the end.
StringRef next_word(StringRef& line);

// True if `word` is one of the words of `line`, verbatim.
bool has_word(StringRef line, StringRef word);

// Parses a number and an optional K, M or G, as in "1200M". False if the text is invalid or overflows.
bool parse_size(StringRef text, ByteCount* size);
// Parses a number and ns, us, ms or s, as in "300ms". False if the text is invalid or overflows.
bool parse_time(StringRef text, Nanoseconds* time);
// Parses a decimal number, or a hexadecimal one after "0x". False if the text is invalid or overflows.
bool parse_number(StringRef text, std::uint64_t* number);

}  // namespace fallow::guest
