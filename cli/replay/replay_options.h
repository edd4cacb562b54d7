// The options of `fallow replay`: converts the arguments to values, with an error for each invalid argument.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "replay/replay.h"

namespace fallow::cli {

// The arguments as typed; nothing for an option that was not given.
struct ReplayWords {
  std::string trace;
  std::optional<std::string> memory, policy, order, capacity, hwm, backing, speed, settle, json, csv,
      page_size;
  std::optional<std::string> transport, event_index, indirect, queue_size, in_flight, disturb;
  bool lazy_free = false, verify = false, skip_bad_lines = false, no_compare = false, quiet = false;
  bool init_reported = false;
};

struct ReplayRequest {
  replay::ReplayOptions options;
  std::optional<std::string> json, csv;  // a path, or "-" for standard output
  bool quiet = false;
  std::vector<std::string> warnings;  // sentences about options without effect
};

// Returns the defaults. Real memory is more convincing than a model; anonymous memory is what most programs
// and guests use.
replay::ReplayOptions default_replay_options();

// On failure returns nothing and sets `error` to a sentence that names the option, the value and the expected
// values.
std::optional<ReplayRequest> interpret(const ReplayWords& words, std::string* error);

// Returns the argument of --policy: "hwm", "linux", "aged:100ms". The threshold of hwm is stated apart, as it
// has an option of its own.
std::string policy_name(const replay::ReplayOptions& options);

// "none", "anon", "thp", "memfd".
const char* backing_name(replay::BackingKind backing);

// "direct", "virtio-split", "virtio-packed".
const char* transport_name(replay::TransportKind transport);

}  // namespace fallow::cli
