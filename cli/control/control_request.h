// What may be asked of a daemon on its control socket: one line of JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fallow/base/units.h"

namespace fallow::cli {

struct ControlRequest {
  enum class Command : std::uint8_t {
    List,        // all guests
    Statistics,  // one guest
    Target,      // how much memory a guest is to put into its balloon
    Pause,       // nothing that a guest reports is released
    Resume,
  };
  static constexpr std::uint64_t kAllGuests = 0;
  // A balloon counts its frames in 32 bits.
  static constexpr ByteCount kMostTarget = bytes(PfnCount{0xffffffff});

  Command command = Command::List;
  std::uint64_t guest = kAllGuests;  // from 1 on
  ByteCount size;                    // Target; a part of a frame is left off
  friend bool operator==(const ControlRequest&, const ControlRequest&) = default;
};

// "list" and so on.
const char* command_name(ControlRequest::Command command);
std::optional<ControlRequest::Command> command_named(std::string_view name);

// One line, without its end.
std::string write_request(const ControlRequest& request);

// On failure returns nothing and sets `error` to a sentence for whoever wrote the line. Members that are not
// known are ignored.
std::optional<ControlRequest> read_request(std::string_view line, std::string* error);

}  // namespace fallow::cli
