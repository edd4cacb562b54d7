// The words of the kernel's command line.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fallow/base/units.h"
#include "guest/protocol/fixed_string.h"
#include "guest/protocol/string_ref.h"

namespace fallow::guest {

enum class WorkloadKind : std::uint8_t { Fill, Churn, Random, Fragment, Idle, Rebind, Trace };
enum class PolicyKind : std::uint8_t { Aged, Hwm, Linux, None };

// As Linux reads it: virtio_mmio.device=512@0xfeb00e00:12
struct MmioDevice {
  GuestPhys base;
  ByteCount size;
  std::uint32_t interrupt = 0;
};

struct Options {
  static constexpr std::size_t kMostMmio = 32;

  WorkloadKind workload = WorkloadKind::Fill;
  StringRef workload_word = "fill";
  PolicyKind policy = PolicyKind::Aged;
  StringRef policy_word = "aged:100ms";
  Nanoseconds age = milliseconds(100);  // aged
  std::uint32_t mark = 32;              // hwm
  Order order{9};
  Nanoseconds duration = seconds(10);  // word `seconds`
  std::uint64_t seed = 1;
  ByteCount fill;  // 0: three fifths of the memory
  Nanoseconds hold = milliseconds(300);
  std::uint32_t capacity = 32, in_flight = 4;
  Nanoseconds sample = milliseconds(50);
  MmioDevice mmio[kMostMmio];
  std::size_t mmio_count = 0;
};

struct CommandLine {
  static constexpr std::size_t kMostUnknown = 16;

  Options options;
  Sentence error;  // empty: all is well
  // Words that mean nothing here: the first few of them.
  StringRef unknown[kMostUnknown];
  std::size_t unknown_count = 0;
};

// Words are separated by blanks; of a word that comes twice the last counts. At the first word that cannot be
// read it stops, and `error` names it. `line` must outlive what is returned.
CommandLine parse_command_line(StringRef line);

// Takes the next word off the front of `line`; empty when there is none.
StringRef next_word(StringRef& line);

// "1200M": a number and K, M, G or nothing. False if it is not one, or does not fit.
bool parse_size(StringRef text, ByteCount* size);
// "300ms": a number and ns, us, ms or s. False if it is not one, or does not fit.
bool parse_time(StringRef text, Nanoseconds* time);
// Decimal, or hexadecimal behind "0x".
bool parse_number(StringRef text, std::uint64_t* number);

}  // namespace fallow::guest
