// The options of `fallow replay`: from words to values, with an error for each that makes no sense.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "replay/replay.h"

namespace fallow::cli {

// As they were typed; nothing where an option was not given.
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
  std::vector<std::string> warnings;  // sentences about options that change nothing
};

// What a replay does when nobody says otherwise. Real memory, since that convinces more than a calculation;
// anonymous, since that is what most programs and most guests have.
replay::ReplayOptions default_replay_options();

// On failure returns nothing and sets `error` to a sentence that names the option, the value and what would
// do.
std::optional<ReplayRequest> interpret(const ReplayWords& words, std::string* error);

// "hwm", "linux", "aged:100ms": what --policy reads back as the same.
std::string policy_name(const replay::ReplayOptions& options);

// "none", "anon", "thp", "memfd".
const char* backing_name(replay::BackingKind backing);

// "direct", "virtio-split", "virtio-packed".
const char* transport_name(replay::TransportKind transport);

}  // namespace fallow::cli
