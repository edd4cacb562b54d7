#include "apps/fallow/replay_options.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <string_view>

#include "apps/fallow/human.h"
#include "apps/fallow/option_errors.h"
#include "apps/fallow/quantity.h"
#include "fallow/reporting/policies.h"
#include "fallow/virtio/split_layout.h"

namespace fallow {
namespace {

constexpr std::array<std::pair<const char*, BackingKind>, 4> kBackings = {{{"none", BackingKind::None},
                                                                           {"anon", BackingKind::Anonymous},
                                                                           {"thp", BackingKind::Thp},
                                                                           {"memfd", BackingKind::Memfd}}};

constexpr std::array<std::pair<const char*, TransportKind>, 3> kTransports = {
    {{"direct", TransportKind::Direct},
     {"virtio-split", TransportKind::VirtioSplit},
     {"virtio-packed", TransportKind::VirtioPacked}}};

class Interpreter : public OptionErrors {
 public:
  using OptionErrors::OptionErrors;

  std::uint32_t count(const char* option, const std::optional<std::string>& word, std::uint32_t otherwise,
                      std::uint32_t least, std::uint32_t most) {
    if (!word) return otherwise;
    const auto count = parse_count(*word);
    if (!count || *count < least || *count > most) {
      refuse(option, *word, fmt::format("a whole number from {} to {}", least, most));
      return otherwise;
    }
    return static_cast<std::uint32_t>(*count);
  }

  std::optional<ByteCount> memory(const std::optional<std::string>& word) {
    constexpr ByteCount kLeast{2 << 20};
    constexpr ByteCount kMost{std::uint64_t{8} << 40};
    if (!word) return {};
    const auto size = parse_size(*word);
    if (!size || *size < kLeast || *size > kMost)
      refuse("--memory", *word,
             "a size from 2M to 8T, such as 512M, 2G or 1.5GiB (K, M, G, T: powers of 1024)");
    return size;
  }

  Nanoseconds settle(const std::optional<std::string>& word, Nanoseconds otherwise) {
    constexpr Nanoseconds kMost = seconds(24 * 60 * 60);
    if (!word) return otherwise;
    const auto time = parse_time(*word);
    if (!time || *time > kMost)
      refuse("--settle", *word, "a time from 0 to 24h with its unit, such as 500ms, 5s or 1m");
    return time.value_or(otherwise);
  }

  double speed(const std::optional<std::string>& word) {
    constexpr double kLeast = 1e-3, kMost = 1e6;
    if (!word || *word == "max") return 0;
    const auto factor = parse_positive(*word);
    if (!factor || *factor < kLeast || *factor > kMost)
      refuse("--speed", *word, "max, or how many times faster than recorded: a number from 0.001 to 1000000");
    return factor.value_or(0);
  }

  BackingKind backing(const std::optional<std::string>& word, BackingKind otherwise) {
    if (!word) return otherwise;
    for (const auto& [name, backing] : kBackings)
      if (*word == name) return backing;
    refuse("--backing", *word, "none, anon, thp or memfd");
    return otherwise;
  }

  TransportKind transport(const std::optional<std::string>& word, TransportKind otherwise) {
    if (!word) return otherwise;
    for (const auto& [name, transport] : kTransports)
      if (*word == name) return transport;
    refuse("--transport", *word, "direct, virtio-split or virtio-packed");
    return otherwise;
  }

  bool on_or_off(const char* option, const std::optional<std::string>& word, bool otherwise) {
    if (!word) return otherwise;
    if (*word != "on" && *word != "off") refuse(option, *word, "on or off");
    return *word == "on";
  }

  Nanoseconds disturb(const std::optional<std::string>& word) {
    constexpr Nanoseconds kLeast = milliseconds(1), kMost = seconds(24 * 60 * 60);
    if (!word) return {};
    const auto time = parse_time(*word);
    if (!time || *time < kLeast || *time > kMost)
      refuse("--disturb", *word, "a time from 1ms to 24h with its unit, such as 100ms or 1s");
    return time.value_or(Nanoseconds{});
  }

  WireOptions wire(const ReplayWords& words) {
    WireOptions wire;
    wire.transport = transport(words.transport, wire.transport);
    wire.event_index = on_or_off("--event-index", words.event_index, wire.event_index);
    wire.indirect = on_or_off("--indirect", words.indirect, wire.indirect);
    wire.queue_size = static_cast<std::uint16_t>(
        count("--queue-size", words.queue_size, wire.queue_size, 1, kMaxQueueSize));
    wire.in_flight = count("--in-flight", words.in_flight, wire.in_flight, 1, kMaxQueueSize);
    wire.init_reported = words.init_reported;
    return wire;
  }

  void file(const char* option, const std::optional<std::string>& word) {
    if (word && word->empty()) refuse(option, *word, "a file, or - for standard output");
  }

  void policy(const std::optional<std::string>& word, ReplayOptions* options) {
    if (!word) return;
    constexpr std::string_view kAged = "aged";
    const std::string_view name = std::string_view(*word).substr(0, word->find(':'));
    if (*word == "hwm") {
      options->policy = PolicyKind::Hwm;
    } else if (*word == "linux") {
      options->policy = PolicyKind::Linux;
    } else if (name == kAged) {
      options->policy = PolicyKind::Aged;
      if (*word == kAged) return;
      const auto age = parse_time(std::string_view(*word).substr(kAged.size() + 1));
      if (!age || *age < AgedPolicy::kMinAge || *age > AgedPolicy::kMaxAge)
        refuse("--policy", *word,
               "a time from 1ms to 24h with its unit after 'aged:', such as aged:100ms or aged:2s");
      options->age = age.value_or(options->age);
    } else {
      refuse("--policy", *word, "hwm, linux, aged or aged:TIME");
    }
  }
};

// Virtio options with the direct transport, and others that cannot be together.
void combine_wire(const ReplayWords& words, ReplayRequest* request, Interpreter* interpreter) {
  const WireOptions& wire = request->options.wire;
  if (!wire.virtio()) {
    const std::array<std::pair<const char*, bool>, 5> given = {
        {{"--event-index", words.event_index.has_value()},
         {"--indirect", words.indirect.has_value()},
         {"--queue-size", words.queue_size.has_value()},
         {"--in-flight", words.in_flight.has_value()},
         {"--init-reported", words.init_reported}}};
    for (const auto& [option, was_given] : given)
      if (was_given)
        request->warnings.push_back(fmt::format(
            "{} changes nothing: it is for --transport virtio-split and virtio-packed, and the transport is "
            "direct",
            option));
    return;
  }
  const bool power_of_two = (wire.queue_size & (wire.queue_size - 1)) == 0;
  if (wire.transport == TransportKind::VirtioSplit && !power_of_two)
    interpreter->refuse(
        fmt::format("--queue-size {} with --transport virtio-split: a split queue's size is a power of two; "
                    "expected such a size, or --transport virtio-packed",
                    wire.queue_size));
  if (wire.in_flight > wire.queue_size)
    interpreter->refuse(
        fmt::format("--in-flight {} with a queue of {}: each request takes up a place of the queue at least; "
                    "expected at most {}",
                    wire.in_flight, wire.queue_size, wire.queue_size));
  if (interpreter->failed()) return;
  // Without indirect tables the requests in flight share the queue's places.
  const std::uint32_t most = wire.indirect ? wire.queue_size : wire.queue_size / wire.in_flight;
  if (words.capacity && request->options.capacity > most)
    request->warnings.push_back(fmt::format(
        "--capacity {} is more than a queue of {} with {} in flight takes in one request: requests "
        "have at most {} entries (see --queue-size{})",
        request->options.capacity, wire.queue_size, wire.in_flight, most,
        wire.indirect ? "" : " and --indirect"));
}

// Options that are each right and contradict each other.
void combine(const ReplayWords& words, ReplayRequest* request, Interpreter* interpreter) {
  const ReplayOptions& options = request->options;
  if (options.verify && options.backing == BackingKind::None)
    interpreter->refuse(
        "--verify with --backing none: there is no memory to write stamps into; expected --backing anon, thp "
        "or "
        "memfd");
  if (options.lazy_free && options.backing != BackingKind::Anonymous && options.backing != BackingKind::Thp)
    interpreter->refuse(
        fmt::format("--lazy-free with --backing {}: MADV_FREE works on anonymous memory only; expected "
                    "--backing anon or thp",
                    backing_name(options.backing)));
  if (words.json && words.json == words.csv)
    interpreter->refuse(fmt::format("--json {0} and --csv {0}: expected two different files", *words.json));
  combine_wire(words, request, interpreter);
  if (words.hwm && options.policy != PolicyKind::Hwm)
    request->warnings.push_back(
        fmt::format("--hwm {} changes nothing: it is for --policy hwm, and the policy is {}", *words.hwm,
                    policy_name(options)));
}

}  // namespace

ReplayOptions default_replay_options() {
  ReplayOptions options;
  options.backing = BackingKind::Anonymous;
  return options;
}

std::optional<ReplayRequest> interpret(const ReplayWords& words, std::string* error) {
  constexpr std::uint32_t kMostEntries = 65536;
  error->clear();
  Interpreter interpreter(error);
  if (words.trace.empty()) interpreter.refuse("TRACE", words.trace, "a file, or - for standard input");
  ReplayRequest request{.options = default_replay_options(),
                        .json = words.json,
                        .csv = words.csv,
                        .quiet = words.quiet,
                        .warnings = {}};
  ReplayOptions& options = request.options;
  options.trace = words.trace;
  options.memory = interpreter.memory(words.memory);
  interpreter.policy(words.policy, &options);
  options.order.raw = static_cast<std::uint8_t>(
      interpreter.count("--order", words.order, options.order.raw, 0, kMaxOrder.raw));
  options.capacity = interpreter.count("--capacity", words.capacity, options.capacity, 1, kMostEntries);
  options.hwm =
      interpreter.count("--hwm", words.hwm, options.hwm, 1, std::numeric_limits<std::uint32_t>::max());
  options.backing = interpreter.backing(words.backing, options.backing);
  interpreter.file("--json", words.json);
  interpreter.file("--csv", words.csv);
  options.lazy_free = words.lazy_free;
  options.speed = interpreter.speed(words.speed);
  options.settle = interpreter.settle(words.settle, options.settle);
  options.wire = interpreter.wire(words);
  options.disturb = interpreter.disturb(words.disturb);
  options.verify = words.verify;
  options.skip_bad_lines = words.skip_bad_lines;
  options.compare_linux = !words.no_compare;
  combine(words, &request, &interpreter);
  if (interpreter.failed()) return {};
  return request;
}

std::string policy_name(const ReplayOptions& options) {
  switch (options.policy) {
    case PolicyKind::Hwm:
      return "hwm";
    case PolicyKind::Linux:
      return "linux";
    case PolicyKind::Aged:
      break;
  }
  return "aged:" + format_time(options.age);
}

const char* transport_name(TransportKind transport) {
  for (const auto& [name, kind] : kTransports)
    if (kind == transport) return name;
  return "?";
}

const char* backing_name(BackingKind backing) {
  for (const auto& [name, kind] : kBackings)
    if (kind == backing) return name;
  return "?";
}

}  // namespace fallow
