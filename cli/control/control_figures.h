// The figures of a guest, as a daemon sends them on its control socket.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "fallow/base/units.h"

namespace fallow::cli {

// A figure that the daemon does not send is 0.
struct GuestFigures {
  std::uint64_t guest = 0;
  std::string socket;
  bool connected = false, ready = false, paused = false, stuck = false;
  ByteCount memory, resident, target, actual;
  ByteCount reported, released, inflate_released;
  std::uint64_t requests = 0, entries = 0, paused_requests = 0, restarts = 0;
  std::uint64_t refused = 0, calls = 0;
  double call_seconds = 0;
  std::vector<std::pair<std::string, std::uint64_t>> refusals;    // nonzero counts, by name
  std::vector<std::pair<std::string, std::uint64_t>> mistakes;    // likewise
  std::vector<std::pair<std::string, std::uint64_t>> statistics;  // as the guest sent them

  // Returns "serving", "paused", "starting" (no driver yet), "stuck" (the worker does not answer) or "gone"
  // (no front-end).
  const char* state() const;
};

// Reads any object without throwing. A member of the wrong type counts as missing.
GuestFigures read_figures(const nlohmann::json& object);

}  // namespace fallow::cli
