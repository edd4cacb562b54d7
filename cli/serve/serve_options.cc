#include "cli/serve/serve_options.h"

#include <fmt/format.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "cli/options/option_errors.h"
#include "cli/options/size_unit.h"
#include "cli/term/parse.h"

namespace fallow::cli {
namespace {

using NamedFeature = std::pair<const char*, Features>;

// The features of the balloon, then those of the rings.
constexpr auto kFeatures = [] {
  std::array<NamedFeature, std::size(kBalloonFeatures) + 3> all{};
  std::size_t n = 0;
  for (const BalloonFeature& feature : kBalloonFeatures) all[n++] = {feature.name, feature.bit};
  for (const NamedFeature& feature : {NamedFeature{"indirect", kFeatureIndirectDesc},
                                      {"event-index", kFeatureEventIdx},
                                      {"packed", kFeatureRingPacked}}) {
    all[n++] = feature;
  }
  return all;
}();

std::string expected_features() {
  std::string names;
  for (const BalloonFeature& feature : kBalloonFeatures) names += fmt::format("{}, ", feature.name);
  return fmt::format(
      "default, all, none, or names such as stats,poison, with a leading - to remove one; the names are "
      "{}indirect and event-index",
      names);
}

class Interpreter : public OptionErrors {
 public:
  using OptionErrors::OptionErrors;

  void socket_path(const char* option, const std::string& path) {
    constexpr std::size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
    if (path.empty() || path.size() > kLongest)
      refuse(option, path, fmt::format("the path of a socket, of 1 to {} bytes", kLongest));
  }

  mode_t mode(const char* option, const std::optional<std::string>& word, mode_t otherwise) {
    if (!word) return otherwise;
    const bool octal =
        !word->empty() && word->size() <= 4 && word->find_first_not_of("01234567") == std::string::npos;
    const unsigned long mode = octal ? std::stoul(*word, nullptr, 8) : 01000;
    if (mode > 0777) refuse(option, *word, "an octal file mode from 0 to 777, such as 600 or 660");
    return static_cast<mode_t>(mode);
  }

  // A list that begins with a removal starts from the default.
  Features features(const std::optional<std::string>& word, Features otherwise) {
    if (!word) return otherwise;
    Features features = word->starts_with("-") ? otherwise : 0;
    std::string_view rest = *word;
    for (bool more = true; more;) {
      const std::size_t comma = rest.find(',');
      more = comma != std::string_view::npos;
      const std::string_view name = rest.substr(0, comma);
      if (more) rest.remove_prefix(comma + 1);
      const bool remove = name.starts_with("-");
      const std::optional<Features> named = features_named(name.substr(remove ? 1 : 0), otherwise);
      if (!named) {
        refuse(
            fmt::format("--features '{}': there is no '{}'; expected {}", *word, name, expected_features()));
        return otherwise;
      }
      features = remove ? features & ~*named : features | *named;
    }
    return features;
  }

  std::uint16_t queue_size(const std::optional<std::string>& word, std::uint16_t otherwise) {
    constexpr std::uint64_t kLeast = 1, kMost = 1024;
    if (!word) return otherwise;
    const auto count = parse_count(*word);
    if (!count || *count < kLeast || *count > kMost || (*count & (*count - 1)) != 0)
      refuse("--queue-size", *word, "a power of two from 1 to 1024");
    return static_cast<std::uint16_t>(count.value_or(otherwise));
  }

  // A number of guests, up to the limit of the daemon.
  std::size_t guests(const char* option, const std::optional<std::string>& word, std::size_t otherwise) {
    constexpr std::size_t kMost = ConnectionBounds{}.all;
    if (!word) return otherwise;
    const auto count = parse_count(*word);
    if (!count || *count == 0 || *count > kMost)
      refuse(option, *word, fmt::format("a count of guests from 1 to {}", kMost));
    return static_cast<std::size_t>(count.value_or(otherwise));
  }

  ByteCount guest_memory(const std::optional<std::string>& word) {
    constexpr ByteCount kLeast{1 << 20};
    const auto host = static_cast<std::uint64_t>(std::max(sysconf(_SC_PHYS_PAGES), 0L)) *
                      static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    if (!word) return {host};
    const auto size = parse_size(*word);
    if (!size || *size < kLeast) refuse("--max-guest-memory", *word, "a size of at least 1M, such as 64G");
    return size.value_or(ByteCount{});
  }

  PfnCount target(const std::optional<std::string>& word) {
    constexpr ByteCount kMost = bytes(PfnCount{std::numeric_limits<std::uint32_t>::max()});
    if (!word) return {};
    const auto size = parse_size_with_unit(*word);
    if (!size || *size > kMost)
      refuse("--target", *word,
             "a size with its unit, from 0 to 15T, such as 512M, 2G or 1.5GiB (K, M, G, T: powers of 1024)");
    return whole_frames(size.value_or(ByteCount{}));
  }

  Nanoseconds statistics(const std::optional<std::string>& word, Nanoseconds otherwise) {
    constexpr Nanoseconds kLeast = milliseconds(100), kMost = seconds(24 * 60 * 60);
    if (!word) return otherwise;
    const auto time = parse_time(*word);
    if (!time || *time > kMost || (*time < kLeast && *time != Nanoseconds{0}))
      refuse("--stats-interval", *word,
             "0 for none, or a time from 100ms to 24h with its unit, such as 500ms or 5s");
    return time.value_or(otherwise);
  }

  std::optional<std::string> metrics(const std::optional<std::string>& word) {
    constexpr std::uint64_t kMost = 65535;
    if (!word) return {};
    const std::size_t colon = word->rfind(':');
    std::uint64_t port = 0;
    if (colon != std::string::npos) port = parse_count(std::string_view(*word).substr(colon + 1)).value_or(0);
    const std::string_view address = std::string_view(*word).substr(0, colon);
    const bool bare_ipv6 =
        address.find(':') != std::string_view::npos && !(address.starts_with('[') && address.ends_with(']'));
    if (port == 0 || port > kMost || address.empty() || bare_ipv6)
      refuse("--metrics", *word, "ADDRESS:PORT, such as 127.0.0.1:9105, 0.0.0.0:9105 or [::1]:9105");
    return word;
  }

  template <class Value, std::size_t N>
  Value choice(const char* option, const std::optional<std::string>& word, Value otherwise,
               const std::array<std::pair<const char*, Value>, N>& choices, const char* expected) {
    if (!word) return otherwise;
    for (const auto& [name, value] : choices)
      if (*word == name) return value;
    refuse(option, *word, expected);
    return otherwise;
  }

  void not_empty(const char* option, const std::optional<std::string>& word, const char* expected) {
    if (word && word->empty()) refuse(option, *word, expected);
  }

 private:
  static std::optional<Features> features_named(std::string_view name, Features otherwise) {
    if (name == "default") return otherwise;
    if (name == "none") return Features{0};
    Features all = 0;
    for (const auto& [known, bit] : kFeatures) {
      if (bit == kFeatureRingPacked) continue;  // selected by --packed
      if (name == known) return bit;
      all |= bit;
    }
    if (name == "all") return all;
    return {};
  }
};

// Checks for missing and repeated paths, and derives the control socket.
void combine_sockets(const ServeWords& words, const std::vector<std::string>& passed, ServeRequest* request,
                     Interpreter* interpreter) {
  if (words.sockets.empty() && passed.empty())
    interpreter->refuse(
        "--socket is missing: expected the path of a socket for front-ends to connect to, such as "
        "--socket /run/fallow/guest.sock");
  for (std::size_t i = 0; i < words.sockets.size(); ++i) {
    interpreter->socket_path("--socket", words.sockets[i]);
    for (std::size_t j = 0; j < i; ++j)
      if (words.sockets[i] == words.sockets[j])
        interpreter->refuse(fmt::format("--socket {}: this path is given twice", words.sockets[i]));
  }
  if (words.sockets.empty() && words.socket_mode)
    interpreter->refuse(
        "--socket-mode has no effect without --socket; the service manager sets the mode of the "
        "sockets that it passes (systemd: SocketMode=)");
  if (words.control == "none" && words.control_mode)
    interpreter->refuse("--control-mode has no effect with --control none; expected one of them");
  if (interpreter->failed() || words.control == "none") return;
  // A socket that was passed may have no path.
  const std::string& first = words.sockets.empty() ? passed.front() : words.sockets.front();
  if (words.control) {
    request->control = words.control;
  } else if (!first.empty()) {
    request->control = first + ".ctl";
  }
  if (!request->control) return;
  interpreter->socket_path("--control", *request->control);
  if (std::find(words.sockets.begin(), words.sockets.end(), *request->control) != words.sockets.end())
    interpreter->refuse(
        fmt::format("--control {0} and --socket {0}: expected two different paths", *request->control));
}

// With several sockets, each may use at most half of all guests, so that the others get a share.
void combine_bounds(const ServeWords& words, std::size_t passed, ServeRequest* request,
                    Interpreter* interpreter) {
  ConnectionBounds& bounds = request->bounds;
  const std::size_t of_one = words.sockets.size() + passed > 1 ? bounds.all / 2 : bounds.all;
  bounds.socket = interpreter->guests("--guests-per-socket", words.guests_per_socket, of_one);
  bounds.user = interpreter->guests("--guests-per-user", words.guests_per_user, bounds.user);
  bounds.process = interpreter->guests("--guests-per-process", words.guests_per_process, bounds.process);
}

void combine_rings(const ServeWords& words, ServeRequest* request, Interpreter* interpreter) {
  if (words.split && words.packed)
    interpreter->refuse(
        "--split and --packed: expected one of them (--packed offers both layouts, and the driver chooses)");
  if (words.packed) {
    request->guest.features |= kFeatureRingPacked;
    request->warnings.emplace_back(
        "--packed: User Mode Linux up to 6.12 sets up packed rings incorrectly; use --packed only for other "
        "guests");
  }
  if (words.stats_interval && (request->guest.features & kBalloonStatsVq) == 0)
    interpreter->refuse(
        fmt::format("--stats-interval {} has no effect without the feature stats; expected it in --features",
                    *words.stats_interval));
  if ((request->guest.features & kBalloonPageReporting) == 0)
    request->warnings.emplace_back(
        "--features without reporting: guests return memory only while their balloon has a target");
}

}  // namespace

std::optional<ServeRequest> interpret(const ServeWords& words, const std::vector<std::string>& passed,
                                      std::string* error) {
  constexpr std::array<std::pair<const char*, LogFormat>, 2> kFormats = {
      {{"text", LogFormat::Text}, {"json", LogFormat::Json}}};
  constexpr std::array<std::pair<const char*, LogLevel>, 4> kLevels = {{{"debug", LogLevel::Debug},
                                                                        {"info", LogLevel::Info},
                                                                        {"warning", LogLevel::Warning},
                                                                        {"error", LogLevel::Error}}};
  error->clear();
  Interpreter interpreter(error);
  ServeRequest request;
  request.sockets = words.sockets;
  combine_sockets(words, passed, &request, &interpreter);
  request.socket_mode = interpreter.mode("--socket-mode", words.socket_mode, request.socket_mode);
  request.control_mode = interpreter.mode("--control-mode", words.control_mode, request.control_mode);
  combine_bounds(words, passed.size(), &request, &interpreter);
  request.guest.features = interpreter.features(words.features, request.guest.features);
  request.guest.max_queue_size = interpreter.queue_size(words.queue_size, request.guest.max_queue_size);
  request.target = interpreter.target(words.target);
  request.guest.max_memory = interpreter.guest_memory(words.max_guest_memory);
  request.statistics = interpreter.statistics(words.stats_interval, request.statistics);
  request.metrics = interpreter.metrics(words.metrics);
  interpreter.not_empty("--log", words.log, "a file");
  request.log = words.log;
  request.log_format =
      interpreter.choice("--log-format", words.log_format, request.log_format, kFormats, "text or json");
  request.log_level = interpreter.choice("--log-level", words.log_level, request.log_level, kLevels,
                                         "debug, info, warning or error");
  interpreter.not_empty("--user", words.user, "the name of a user");
  request.user = words.user;
  request.sandbox = !words.no_sandbox;
  combine_rings(words, &request, &interpreter);
  if (interpreter.failed()) return {};
  return request;
}

std::string feature_names(Features features) {
  std::string names;
  for (const auto& [name, bit] : kFeatures) {
    if ((features & bit) == 0) continue;
    if (!names.empty()) names += ',';
    names += name;
  }
  return names;
}

}  // namespace fallow::cli
