// What a guest says on its serial line: a line `fallow: ` and a JSON object is an event, the rest is for
// people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace fallow::cli {

// It runs. Of what a guest does not say, nothing.
struct GuestStarted {
  std::string loader, workload, policy;
  std::optional<std::uint64_t> cpus, memory_kib;
};

// It has found its balloon, and agreed on features with it.
struct GuestDevice {
  std::string bus, place, interrupts, features, ring;
  std::optional<bool> event_index, indirect, reporting;
};

// It has come to a point in its work.
struct GuestMark {
  enum class Point : std::uint8_t { Registered, FirstReport, Filling, Filled, Freeing, Freed };
  Point point = Point::Registered;
  std::optional<std::uint64_t> mib;
};

// How its memory is used, now. In a namespace, as a daemon's guests have figures too (control_figures.h).
namespace boot {
struct GuestFigures {
  std::uint64_t used_kib = 0, free_kib = 0, reported_kib = 0, requests = 0;
};
}  // namespace boot

// It is at the end of its work.
struct GuestVerdict {
  std::string verdict, zone_check;
  std::optional<std::uint64_t> requests, entries, reported_mib, failures, corrupted_frames,
      failed_allocations, refused, rebinds, allocations, frees;
};

// It is at its end.
struct GuestPanic {
  std::string what, rip, address;
};

using GuestEvent =
    std::variant<GuestStarted, GuestDevice, GuestMark, boot::GuestFigures, GuestVerdict, GuestPanic>;

struct SerialLine {
  enum class Kind : std::uint8_t {
    Text,     // for people
    Event,    // `event`
    Unknown,  // an event of another version: well-formed, with a name that is not known
    Damaged,  // an event that makes no sense; `reason` says why
  };
  Kind kind = Kind::Text;
  GuestEvent event;
  std::string reason;
};

// A line without its end; whatever its bytes are. A guest is not believed: a field of the wrong type, or a
// missing one without which the event says nothing, makes the line a damaged one.
SerialLine parse_serial_line(std::string_view line);

// The text as it may be shown on a terminal: printable ASCII and blanks as they are, anything else as "\x1b".
std::string printable(std::string_view text);

}  // namespace fallow::cli
