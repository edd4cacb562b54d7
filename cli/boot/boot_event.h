// Events on a guest's serial line: `fallow: ` and a JSON object. All other lines are for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace fallow::cli {

// The guest runs. Fields that the guest did not send are empty.
struct GuestStarted {
  std::string loader, workload, policy;
  std::optional<std::uint64_t> cpus, memory_kib;
};

// The guest has found its balloon and negotiated features.
struct GuestDevice {
  std::string bus, place, interrupts, features, ring;
  std::optional<bool> event_index, indirect, reporting;
};

// The guest has reached a point in its work.
struct GuestMark {
  enum class Point : std::uint8_t { Registered, FirstReport, Filling, Filled, Freeing, Freed };
  Point point = Point::Registered;
  std::optional<std::uint64_t> mib;
};

// The guest's current memory usage. The namespace tells this apart from the figures of a daemon's guests
// (control_figures.h).
namespace boot {
struct GuestFigures {
  std::uint64_t used_kib = 0, free_kib = 0, reported_kib = 0, requests = 0;
};
}  // namespace boot

// The guest has finished its work.
struct GuestVerdict {
  std::string verdict, zone_check;
  std::optional<std::uint64_t> requests, entries, reported_mib, failures, corrupted_frames,
      failed_allocations, refused, rebinds, allocations, frees;
};

// The guest has panicked.
struct GuestPanic {
  std::string what, rip, address;
};

using GuestEvent =
    std::variant<GuestStarted, GuestDevice, GuestMark, boot::GuestFigures, GuestVerdict, GuestPanic>;

struct SerialLine {
  enum class Kind : std::uint8_t {
    Text,     // for people
    Event,    // `event`
    Unknown,  // a well-formed event of another version, with an unknown name
    Damaged,  // a malformed event; `reason` is the error
  };
  Kind kind = Kind::Text;
  GuestEvent event;
  std::string reason;
};

// Parses a line without its newline; the bytes may be arbitrary. The guest is not trusted: a field of the
// wrong type, or the absence of a mandatory field, makes the line Damaged.
SerialLine parse_serial_line(std::string_view line);

}  // namespace fallow::cli
