// Requests to a daemon on its control socket: one line of JSON each.
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
    Target,      // set how much memory a guest puts into its balloon
    Pause,       // stop releasing reported memory
    Resume,
  };
  static constexpr std::uint64_t kAllGuests = 0;
  // A balloon counts its frames in 32 bits.
  static constexpr ByteCount kMostTarget = bytes(PfnCount{0xffffffff});

  Command command = Command::List;
  std::uint64_t guest = kAllGuests;  // from 1 on
  ByteCount size{};                  // of Target; rounded down to whole frames
  // Of Target: this part of each guest's memory instead of `size`.
  static constexpr std::uint32_t kMostPercent = 100;
  std::optional<std::uint32_t> percent{};
  friend bool operator==(const ControlRequest&, const ControlRequest&) = default;
};

// "list", "statistics", "target", "pause" or "resume".
const char* command_name(ControlRequest::Command command);
std::optional<ControlRequest::Command> command_named(std::string_view name);

// Returns one line without its newline.
std::string write_request(const ControlRequest& request);

// Unknown members are ignored. On failure returns nothing and sets `error` to a sentence for the client.
std::optional<ControlRequest> read_request(std::string_view line, std::string* error);

}  // namespace fallow::cli
