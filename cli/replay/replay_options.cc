#include "cli/replay/replay_options.h"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "cli/options/option_reader.h"
#include "cli/options/policy_option.h"
#include "cli/term/parse.h"
#include "fallow/virtio/ring/detail/split_layout.h"

namespace fallow::cli {
namespace {

constexpr std::array<std::pair<const char*, replay::BackingKind>, 4> kBackings = {
    {{"none", replay::BackingKind::None},
     {"anon", replay::BackingKind::Anonymous},
     {"thp", replay::BackingKind::Thp},
     {"memfd", replay::BackingKind::Memfd}}};

constexpr std::array<std::pair<const char*, replay::TransportKind>, 3> kTransports = {
    {{"direct", replay::TransportKind::Direct},
     {"virtio-split", replay::TransportKind::VirtioSplit},
     {"virtio-packed", replay::TransportKind::VirtioPacked}}};

class Interpreter : public OptionReader {
 public:
  using OptionReader::OptionReader;

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

  trace::PageShift page(const std::optional<std::string>& word) {
    if (!word) return {};
    const auto size = parse_size(*word);
    for (trace::PageShift page{}; size && page <= trace::kMaxPageShift; ++page.raw)
      if (size->raw == std::uint64_t{1} << page.raw) return page;
    refuse("--page-size", *word, "4K, 8K, 16K, 32K or 64K");
    return {};
  }

  double speed(const std::optional<std::string>& word) {
    constexpr double kLeast = 1e-3, kMost = 1e6;
    if (!word || *word == "max") return 0;
    const auto factor = parse_positive(*word);
    if (!factor || *factor < kLeast || *factor > kMost)
      refuse("--speed", *word, "max, or how many times faster than recorded: a number from 0.001 to 1000000");
    return factor.value_or(0);
  }

  // --policy, with the threshold of --hwm.
  PolicySpec policy(const ReplayWords& words) {
    PolicySpec policy = read_policy(words.policy, this);
    const std::uint32_t threshold =
        count("--hwm", words.hwm, policy.threshold, 1, std::numeric_limits<std::uint32_t>::max());
    if (words.hwm && words.policy && words.policy->starts_with("hwm:") && threshold != policy.threshold)
      refuse(fmt::format("--policy {} with --hwm {}: expected one threshold", *words.policy, *words.hwm));
    policy.threshold = threshold;
    return policy;
  }

  bool on_or_off(const char* option, const std::optional<std::string>& word, bool otherwise) {
    if (!word) return otherwise;
    if (*word != "on" && *word != "off") refuse(option, *word, "on or off");
    return *word == "on";
  }

  replay::BalloonOptions wire(const ReplayWords& words) {
    replay::BalloonOptions wire;
    wire.transport =
        choice<replay::TransportKind>("--transport", words.transport, kTransports, wire.transport);
    wire.event_index = on_or_off("--event-index", words.event_index, wire.event_index);
    wire.indirect = on_or_off("--indirect", words.indirect, wire.indirect);
    wire.queue_size = static_cast<std::uint16_t>(
        count("--queue-size", words.queue_size, wire.queue_size, 1, detail::kMaxQueueSize));
    wire.in_flight = count("--in-flight", words.in_flight, wire.in_flight, 1, detail::kMaxQueueSize);
    wire.init_reported = words.init_reported;
    return wire;
  }
};

// Rejects virtio options with the direct transport, and contradictions between virtio options.
void combine_wire(const ReplayWords& words, ReplayRequest* request, Interpreter* interpreter) {
  const replay::BalloonOptions& wire = request->options.balloon;
  if (!wire.virtio()) {
    const std::array<std::pair<const char*, bool>, 5> given = {
        {{"--event-index", words.event_index.has_value()},
         {"--indirect", words.indirect.has_value()},
         {"--queue-size", words.queue_size.has_value()},
         {"--in-flight", words.in_flight.has_value()},
         {"--init-reported", words.init_reported}}};
    for (const auto& [option, was_given] : given)
      if (was_given)
        interpreter->refuse(
            fmt::format("{} has no effect with --transport direct; expected --transport virtio-split or "
                        "virtio-packed too",
                        option));
    return;
  }
  const bool power_of_two = (wire.queue_size & (wire.queue_size - 1)) == 0;
  if (wire.transport == replay::TransportKind::VirtioSplit && !power_of_two)
    interpreter->refuse(
        fmt::format("--queue-size {} with --transport virtio-split: a split queue's size is a power of two; "
                    "expected such a size, or --transport virtio-packed",
                    wire.queue_size));
  if (wire.in_flight > wire.queue_size)
    interpreter->refuse(fmt::format(
        "--in-flight {} with a queue of {}: each request occupies at least one entry of the queue; "
        "expected at most {}",
        wire.in_flight, wire.queue_size, wire.queue_size));
  if (interpreter->failed()) return;
  // Without indirect tables the requests in flight share the queue's entries.
  const std::uint32_t most = wire.indirect ? wire.queue_size : wire.queue_size / wire.in_flight;
  if (words.capacity && request->options.capacity > most)
    request->warnings.push_back(fmt::format(
        "--capacity {} is more than a queue of {} with {} in flight takes in one request: requests "
        "have at most {} entries (see --queue-size{})",
        request->options.capacity, wire.queue_size, wire.in_flight, most,
        wire.indirect ? "" : " and --indirect"));
}

// Rejects options that are valid alone but contradict each other.
void combine(const ReplayWords& words, ReplayRequest* request, Interpreter* interpreter) {
  const replay::ReplayOptions& options = request->options;
  if (options.verify && options.backing == replay::BackingKind::None)
    interpreter->refuse(
        "--verify with --backing none: there is no memory to write stamps into; expected --backing anon, thp "
        "or "
        "memfd");
  if (options.lazy_free && options.backing != replay::BackingKind::Anonymous &&
      options.backing != replay::BackingKind::Thp)
    interpreter->refuse(
        fmt::format("--lazy-free with --backing {}: MADV_FREE works on anonymous memory only; expected "
                    "--backing anon or thp",
                    backing_name(options.backing)));
  if (words.json && words.json == words.csv)
    interpreter->refuse(fmt::format("--json {0} and --csv {0}: expected two different files", *words.json));
  combine_wire(words, request, interpreter);
  if (words.hwm && options.policy.kind != PolicyKind::Hwm)
    interpreter->refuse(fmt::format("--hwm {} has no effect with --policy {}; expected --policy hwm too",
                                    *words.hwm, policy_name(options)));
}

}  // namespace

replay::ReplayOptions default_replay_options() {
  replay::ReplayOptions options;
  options.backing = replay::BackingKind::Anonymous;
  return options;
}

std::optional<ReplayRequest> interpret(const ReplayWords& words, std::string* error) {
  constexpr std::uint32_t kMostEntries = 65536;
  constexpr Nanoseconds kDay = seconds(24 * 60 * 60);
  error->clear();
  Interpreter interpreter(error);
  if (words.trace.empty()) interpreter.refuse("TRACE", words.trace, "a file, or - for standard input");
  ReplayRequest request{.options = default_replay_options(),
                        .json = words.json,
                        .csv = words.csv,
                        .quiet = words.quiet,
                        .warnings = {}};
  replay::ReplayOptions& options = request.options;
  options.trace = words.trace;
  options.memory = interpreter.memory(words.memory);
  options.policy = interpreter.policy(words);
  options.order.raw = static_cast<std::uint8_t>(
      interpreter.count("--order", words.order, options.order.raw, 0, kMaxOrder.raw));
  options.capacity = interpreter.count("--capacity", words.capacity, options.capacity, 1, kMostEntries);
  options.backing =
      interpreter.choice<replay::BackingKind>("--backing", words.backing, kBackings, options.backing);
  interpreter.file("--json", words.json);
  interpreter.file("--csv", words.csv);
  options.lazy_free = words.lazy_free;
  options.speed = interpreter.speed(words.speed);
  options.settle =
      interpreter.time("--settle", words.settle, {}, kDay, "500ms, 5s or 1m").value_or(options.settle);
  options.balloon = interpreter.wire(words);
  options.disturb = interpreter.time("--disturb", words.disturb, milliseconds(1), kDay, "100ms or 1s")
                        .value_or(options.disturb);
  options.verify = words.verify;
  options.skip_bad_lines = words.skip_bad_lines;
  options.page = interpreter.page(words.page_size);
  options.compare_linux = !words.no_compare;
  combine(words, &request, &interpreter);
  if (interpreter.failed()) return {};
  return request;
}

std::string policy_name(const replay::ReplayOptions& options) {
  PolicySpec policy = options.policy;
  policy.threshold = HwmPolicy::kDefaultThreshold;
  return policy_name(policy);
}

const char* transport_name(replay::TransportKind transport) {
  return name_in<replay::TransportKind>(kTransports, transport);
}

const char* backing_name(replay::BackingKind backing) {
  return name_in<replay::BackingKind>(kBackings, backing);
}

}  // namespace fallow::cli
