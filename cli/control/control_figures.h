// A guest as a daemon describes it on its control socket, for whoever shows it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "fallow/base/units.h"

namespace fallow::cli {

// What a daemon does not say is 0.
struct GuestFigures {
  std::uint64_t guest = 0;
  std::string socket;
  bool connected = false, ready = false, paused = false, stuck = false;
  ByteCount memory, resident, target, actual;
  ByteCount reported, released, inflate_released;
  std::uint64_t requests = 0, entries = 0, paused_requests = 0, restarts = 0;
  std::uint64_t refused = 0, calls = 0;
  double call_seconds = 0;
  std::vector<std::pair<std::string, std::uint64_t>> refusals;    // that happened, by name
  std::vector<std::pair<std::string, std::uint64_t>> mistakes;    // likewise
  std::vector<std::pair<std::string, std::uint64_t>> statistics;  // as the guest gave them

  // "serving", "paused", "starting" without a driver, "stuck" where its worker does not answer, "gone"
  // without a front-end.
  const char* state() const;
};

// Never throws, whatever the object is: members of another type are as good as not there.
GuestFigures read_figures(const nlohmann::json& object);

}  // namespace fallow::cli
