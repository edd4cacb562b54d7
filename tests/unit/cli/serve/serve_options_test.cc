#include "cli/serve/serve_options.h"

#include <gtest/gtest.h>

#include <string>

#include "cli/serve/serve_reload.h"

namespace fallow::cli {
namespace {

ServeWords words() {
  ServeWords given;
  given.sockets = {"/run/a.sock"};
  return given;
}

ServeRequest request_of(const ServeWords& given, const std::vector<std::string>& passed = {}) {
  std::string error;
  const auto request = interpret(given, passed, &error);
  EXPECT_TRUE(request) << error;
  return request.value_or(ServeRequest{});
}

std::string error_of(const ServeWords& given) {
  std::string error;
  EXPECT_FALSE(interpret(given, {}, &error));
  return error;
}

// Returns the error for one option with the given value.
std::string refused(std::optional<std::string> ServeWords::*option, const char* value) {
  ServeWords given = words();
  given.*option = value;
  return error_of(given);
}

bool says(const std::string& error, const std::string& text) { return error.find(text) != std::string::npos; }

TEST(ServeOptions, defaults) {
  const ServeRequest request = request_of(words());
  EXPECT_EQ(request.sockets, std::vector<std::string>{"/run/a.sock"});
  EXPECT_EQ(request.socket_mode, 0600U);
  EXPECT_EQ(request.guest.features, vhost::BalloonGuestOptions{}.features);
  EXPECT_EQ(request.guest.max_queue_size, 1024U);
  EXPECT_EQ(request.target, PfnCount{0});
  EXPECT_EQ(request.statistics, seconds(5));
  EXPECT_EQ(request.control, "/run/a.sock.ctl");
  EXPECT_FALSE(request.metrics || request.log || request.user);
  EXPECT_EQ(request.log_format, LogFormat::Text);
  EXPECT_EQ(request.log_level, LogLevel::Info);
  EXPECT_TRUE(request.sandbox);
  EXPECT_TRUE(request.warnings.empty());
}

TEST(ServeOptions, everything_at_once) {
  ServeWords given = words();
  given.sockets.emplace_back("b");
  given.socket_mode = "0660";
  given.packed = true;
  given.features = "stats,reporting";
  given.queue_size = "512";
  given.target = "1.5GiB";
  given.stats_interval = "500ms";
  given.control = "c";
  given.metrics = "[::1]:9105";
  given.log = "serve.log";
  given.log_format = "json";
  given.log_level = "warning";
  given.user = "nobody";
  given.no_sandbox = true;
  const ServeRequest request = request_of(given);
  EXPECT_EQ(request.sockets.size(), 2U);
  EXPECT_EQ(request.socket_mode, 0660U);
  EXPECT_EQ(request.guest.features, kBalloonStatsVq | kBalloonPageReporting | kFeatureRingPacked);
  EXPECT_EQ(request.guest.max_queue_size, 512U);
  EXPECT_EQ(bytes(request.target), ByteCount{3U << 29});
  EXPECT_EQ(request.statistics, milliseconds(500));
  EXPECT_EQ(request.control, "c");
  EXPECT_EQ(request.metrics, "[::1]:9105");
  EXPECT_EQ(request.log, "serve.log");
  EXPECT_EQ(request.log_format, LogFormat::Json);
  EXPECT_EQ(request.log_level, LogLevel::Warning);
  EXPECT_EQ(request.user, "nobody");
  EXPECT_FALSE(request.sandbox);
  ASSERT_EQ(request.warnings.size(), 1U);
  EXPECT_TRUE(says(request.warnings.front(), "--packed: User Mode Linux"));
}

TEST(ServeOptions, a_socket_is_needed_from_somewhere) {
  EXPECT_TRUE(says(error_of(ServeWords{}), "--socket is missing: expected"));
  EXPECT_EQ(request_of(ServeWords{}, {"/run/fallow/guest.sock"}).control, "/run/fallow/guest.sock.ctl");
  EXPECT_FALSE(request_of(ServeWords{}, {""}).control);
}

TEST(ServeOptions, sockets_have_paths_of_their_own) {
  ServeWords given = words();
  given.sockets.emplace_back("/run/a.sock");
  EXPECT_EQ(error_of(given), "--socket /run/a.sock: this path is given twice");
  EXPECT_EQ(refused(&ServeWords::control, "/run/a.sock"),
            "--control /run/a.sock and --socket /run/a.sock: expected two different paths");
  given.sockets = {std::string(108, 'x')};
  EXPECT_TRUE(says(error_of(given), "expected the path of a socket, of 1 to 107 bytes"));
  given.sockets = {std::string(104, 'x')};
  EXPECT_TRUE(says(error_of(given), "--control '"));
  given.control = "none";
  EXPECT_FALSE(request_of(given).control);
}

TEST(ServeOptions, values_that_make_no_sense) {
  EXPECT_TRUE(says(refused(&ServeWords::socket_mode, "1777"), "--socket-mode '1777': expected an octal"));
  EXPECT_TRUE(says(refused(&ServeWords::socket_mode, "0x1"), "--socket-mode '0x1'"));
  EXPECT_TRUE(says(refused(&ServeWords::socket_mode, ""), "--socket-mode ''"));
  EXPECT_TRUE(says(refused(&ServeWords::socket_mode, "680"), "--socket-mode '680'"));
  EXPECT_EQ(refused(&ServeWords::queue_size, "100"),
            "--queue-size '100': expected a power of two from 1 to 1024");
  EXPECT_TRUE(says(refused(&ServeWords::queue_size, "2048"), "--queue-size '2048'"));
  EXPECT_TRUE(says(refused(&ServeWords::queue_size, "0"), "--queue-size '0'"));
  EXPECT_TRUE(says(refused(&ServeWords::target, "16T"),
                   "--target '16T': expected a size with its unit, from 0 to 15T"));
  EXPECT_TRUE(says(refused(&ServeWords::target, "half"), "--target 'half'"));
  EXPECT_TRUE(says(refused(&ServeWords::target, "512"), "--target '512': expected a size with its unit"));
  EXPECT_TRUE(says(refused(&ServeWords::stats_interval, "1ms"), "--stats-interval '1ms'"));
  EXPECT_TRUE(says(refused(&ServeWords::stats_interval, "5"), "--stats-interval '5'"));
  EXPECT_TRUE(says(refused(&ServeWords::log_format, "xml"), "--log-format 'xml': expected text or json"));
  EXPECT_TRUE(says(refused(&ServeWords::log_level, "loud"), "--log-level 'loud': expected debug, info"));
  EXPECT_TRUE(says(refused(&ServeWords::log, ""), "--log '': expected a file"));
  EXPECT_TRUE(says(refused(&ServeWords::user, ""), "--user ''"));
  for (const char* metrics : {"9105", "localhost", "localhost:", ":9105", "a:0", "a:65536", "::1:9105"})
    EXPECT_TRUE(says(refused(&ServeWords::metrics, metrics), "expected ADDRESS:PORT")) << metrics;
  EXPECT_EQ(request_of([] {
              ServeWords given = words();
              given.stats_interval = "0";
              return given;
            }())
                .statistics,
            Nanoseconds{0});
}

TEST(ServeOptions, split_or_packed) {
  ServeWords given = words();
  given.split = true;
  EXPECT_EQ(request_of(given).guest.features & kFeatureRingPacked, Features{0});
  given.packed = true;
  EXPECT_TRUE(says(error_of(given), "--split and --packed: expected one of them"));
}

Features features_of(const char* list) {
  ServeWords given = words();
  given.features = list;
  return request_of(given).guest.features;
}

TEST(ServeOptions, features_by_name) {
  const Features usual = vhost::BalloonGuestOptions{}.features;
  EXPECT_EQ(features_of("default"), usual);
  EXPECT_EQ(features_of("-stats"), usual & ~kBalloonStatsVq);
  EXPECT_EQ(features_of("-stats,poison"), (usual & ~kBalloonStatsVq) | kBalloonPagePoison);
  EXPECT_EQ(features_of("default,hinting"), usual | kBalloonFreePageHint);
  EXPECT_EQ(features_of("reporting,indirect"), kBalloonPageReporting | kFeatureIndirectDesc);
  EXPECT_EQ(features_of("none"), Features{0});
  EXPECT_EQ(features_of("all") & usual, usual);
  EXPECT_NE(features_of("all") & kBalloonPagePoison, Features{0});
  EXPECT_EQ(features_of("all") & kFeatureRingPacked, Features{0});
  EXPECT_TRUE(says(refused(&ServeWords::features, "stats,magic"), "there is no 'magic'; expected default"));
  EXPECT_TRUE(says(refused(&ServeWords::features, ""), "there is no ''"));
  EXPECT_TRUE(says(refused(&ServeWords::features, "packed"), "there is no 'packed'"));
}

TEST(ServeOptions, names_of_features_read_back) {
  const Features usual = vhost::BalloonGuestOptions{}.features;
  EXPECT_EQ(feature_names(usual), "must-tell-host,stats,deflate-on-oom,reporting,indirect,event-index");
  EXPECT_EQ(features_of(feature_names(usual).c_str()), usual);
}

TEST(ServeOptions, what_has_no_effect_is_refused) {
  ServeWords given = words();
  given.control = "none";
  given.control_mode = "660";
  EXPECT_TRUE(says(error_of(given), "--control-mode has no effect with --control none"));
  given = words();
  given.stats_interval = "1s";
  EXPECT_TRUE(request_of(given).warnings.empty());
  given.features = "-stats";
  EXPECT_TRUE(says(error_of(given), "--stats-interval 1s has no effect without the feature stats"));
  given = words();
  given.sockets.clear();
  given.socket_mode = "660";
  std::string error;
  EXPECT_FALSE(interpret(given, {"/run/passed"}, &error));
  EXPECT_TRUE(says(error, "--socket-mode has no effect without --socket"));
}

TEST(ServeOptions, a_running_daemon_takes_over_what_it_can) {
  ServeWords given = words();
  ServeRequest now = request_of(given);
  given.target = "64M";
  given.guests_per_user = "3";
  given.log_level = "error";
  given.queue_size = "64";
  given.stats_interval = "1s";
  EXPECT_TRUE(take_over(request_of(given), &now).empty());
  EXPECT_EQ(now.target, PfnCount{16384});
  EXPECT_EQ(now.bounds.user, 3U);
  EXPECT_EQ(now.log_level, LogLevel::Error);
  EXPECT_EQ(now.guest.max_queue_size, 64U);
  EXPECT_EQ(now.statistics, seconds(1));
  given.metrics = "127.0.0.1:9105";
  given.log_format = "json";
  given.no_sandbox = true;
  given.sockets.emplace_back("/run/another");
  EXPECT_EQ(take_over(request_of(given), &now),
            (std::vector<std::string>{"socket", "metrics", "log-format", "no-sandbox"}));
  EXPECT_FALSE(now.metrics) << "as it was";
}

TEST(ServeOptions, without_reporting_it_warns) {
  ServeWords given = words();
  given.features = "-reporting";
  EXPECT_EQ(request_of(given).warnings.size(), 1U);
}

}  // namespace
}  // namespace fallow::cli
