#include "cli/replay/replay_options.h"

#include <gtest/gtest.h>

#include <string>

namespace fallow::cli {
namespace {

ReplayWords words() {
  ReplayWords given;
  given.trace = "day.txt";
  return given;
}

ReplayRequest request_of(const ReplayWords& given) {
  std::string error;
  const auto request = interpret(given, &error);
  EXPECT_TRUE(request) << error;
  return request.value_or(ReplayRequest{});
}

std::string error_of(const ReplayWords& given) {
  std::string error;
  EXPECT_FALSE(interpret(given, &error));
  return error;
}

// Returns the error for one option with the given value.
std::string refused(std::optional<std::string> ReplayWords::*option, const char* value) {
  ReplayWords given = words();
  given.*option = value;
  return error_of(given);
}

TEST(ReplayOptions, defaults) {
  const ReplayRequest request = request_of(words());
  EXPECT_EQ(request.options.trace, "day.txt");
  EXPECT_FALSE(request.options.memory);
  EXPECT_EQ(policy_name(request.options), "aged:100ms");
  EXPECT_EQ(request.options.order, Order{9});
  EXPECT_EQ(request.options.capacity, 32u);
  EXPECT_EQ(request.options.policy.threshold, 32u);
  EXPECT_EQ(request.options.backing, replay::BackingKind::Anonymous);
  EXPECT_EQ(request.options.speed, 0);
  EXPECT_EQ(request.options.settle, seconds(5));
  EXPECT_EQ(request.options.page, trace::PageShift{12});
  EXPECT_TRUE(request.options.compare_linux);
  EXPECT_FALSE(request.options.verify || request.options.lazy_free || request.options.skip_bad_lines);
  EXPECT_EQ(request.options.balloon.transport, replay::TransportKind::Direct);
  EXPECT_TRUE(request.options.balloon.event_index && request.options.balloon.indirect);
  EXPECT_EQ(request.options.balloon.queue_size, 256u);
  EXPECT_EQ(request.options.balloon.in_flight, 1u);
  EXPECT_FALSE(request.options.balloon.init_reported);
  EXPECT_EQ(request.options.disturb, Nanoseconds{0});
  EXPECT_FALSE(request.json || request.csv || request.quiet);
  EXPECT_TRUE(request.warnings.empty());
}

TEST(ReplayOptions, everything_at_once) {
  ReplayWords given = words();
  given.memory = "1.5GiB";
  given.policy = "hwm";
  given.order = "0";
  given.capacity = "64";
  given.hwm = "7";
  given.backing = "thp";
  given.speed = "2.5";
  given.settle = "250us";
  given.json = "-";
  given.csv = "x.csv";
  given.lazy_free = given.verify = given.skip_bad_lines = given.no_compare = given.quiet = true;
  const ReplayRequest request = request_of(given);
  EXPECT_EQ(request.options.memory, ByteCount{std::uint64_t{3} << 29});
  EXPECT_EQ(policy_name(request.options), "hwm");
  EXPECT_EQ(request.options.order, Order{0});
  EXPECT_EQ(request.options.capacity, 64u);
  EXPECT_EQ(request.options.policy.threshold, 7u);
  EXPECT_EQ(request.options.backing, replay::BackingKind::Thp);
  EXPECT_EQ(request.options.speed, 2.5);
  EXPECT_EQ(request.options.settle, Nanoseconds{250'000});
  EXPECT_EQ(request.json, "-");
  EXPECT_EQ(request.csv, "x.csv");
  EXPECT_TRUE(request.options.lazy_free && request.options.verify && request.options.skip_bad_lines);
  EXPECT_FALSE(request.options.compare_linux);
  EXPECT_TRUE(request.quiet);
}

TEST(ReplayOptions, a_wire_with_everything) {
  ReplayWords given = words();
  given.transport = "virtio-packed";
  given.event_index = "off";
  given.indirect = "off";
  given.queue_size = "100";
  given.in_flight = "100";
  given.init_reported = true;
  given.disturb = "100ms";
  const ReplayRequest request = request_of(given);
  const replay::BalloonOptions& wire = request.options.balloon;
  EXPECT_EQ(wire.transport, replay::TransportKind::VirtioPacked);
  EXPECT_FALSE(wire.event_index || wire.indirect);
  EXPECT_EQ(wire.queue_size, 100u);
  EXPECT_EQ(wire.in_flight, 100u);
  EXPECT_TRUE(wire.init_reported);
  EXPECT_EQ(request.options.disturb, milliseconds(100));
  EXPECT_TRUE(request.warnings.empty());
}

TEST(ReplayOptions, transports) {
  for (const char* name : {"direct", "virtio-split", "virtio-packed"}) {
    ReplayWords given = words();
    given.transport = name;
    EXPECT_STREQ(transport_name(request_of(given).options.balloon.transport), name);
  }
}

TEST(ReplayOptions, policies) {
  for (const char* name : {"hwm", "linux", "aged:100ms", "aged:1ms", "aged:2s", "aged:1500us"}) {
    ReplayWords given = words();
    given.policy = name;
    EXPECT_EQ(policy_name(request_of(given).options), name);
  }
  ReplayWords given = words();
  given.policy = "aged";
  EXPECT_EQ(policy_name(request_of(given).options), "aged:100ms");
  given.policy = "aged:24h";
  EXPECT_EQ(policy_name(request_of(given).options), "aged:86400s");
}

TEST(ReplayOptions, backings) {
  for (const char* name : {"none", "anon", "thp", "memfd"}) {
    ReplayWords given = words();
    given.backing = name;
    EXPECT_STREQ(backing_name(request_of(given).options.backing), name);
  }
}

TEST(ReplayOptions, refused_sizes) {
  for (const char* value : {"12Q", "", "0", "1M", "9T", "-1G", "many"})
    EXPECT_EQ(
        refused(&ReplayWords::memory, value),
        std::string("--memory '") + value +
            "': expected a size from 2M to 8T, such as 512M, 2G or 1.5GiB (K, M, G, T: powers of 1024)");
}

TEST(ReplayOptions, refused_policies) {
  for (const char* value : {"", "oldest", "HWM", "none", "linux:2s", "age", "agedly"})
    EXPECT_EQ(refused(&ReplayWords::policy, value),
              std::string("--policy '") + value + "': expected hwm, hwm:N, linux, aged or aged:TIME");
  for (const char* value :
       {"aged:", "aged:100", "aged:0", "aged:999us", "aged:25h", "aged:1s:2s", "aged:-1s"})
    EXPECT_EQ(
        refused(&ReplayWords::policy, value),
        std::string("--policy '") + value +
            "': expected a time with a unit, from 1ms to 24h, after 'aged:', such as aged:100ms or aged:2s");
  for (const char* value : {"hwm:", "hwm:0", "hwm:x", "hwm:1000000001"})
    EXPECT_EQ(refused(&ReplayWords::policy, value),
              std::string("--policy '") + value +
                  "': expected a whole number from 1 to 1000000000 after 'hwm:', such as hwm:64");
}

TEST(ReplayOptions, a_threshold_in_the_policy) {
  ReplayWords given = words();
  given.policy = "hwm:64";
  const ReplayRequest request = request_of(given);
  EXPECT_EQ(request.options.policy.threshold, 64u);
  EXPECT_EQ(policy_name(request.options), "hwm");
  given.hwm = "64";
  EXPECT_EQ(request_of(given).options.policy.threshold, 64u);
  given.hwm = "7";
  EXPECT_EQ(error_of(given), "--policy hwm:64 with --hwm 7: expected one threshold");
}

TEST(ReplayOptions, refused_numbers) {
  for (const char* value : {"", "11", "-1", "9.0", "nine", "99999999999999999999"})
    EXPECT_EQ(refused(&ReplayWords::order, value),
              std::string("--order '") + value + "': expected a whole number from 0 to 10");
  EXPECT_EQ(refused(&ReplayWords::capacity, "0"), "--capacity '0': expected a whole number from 1 to 65536");
  EXPECT_EQ(refused(&ReplayWords::capacity, "65537"),
            "--capacity '65537': expected a whole number from 1 to 65536");
  EXPECT_EQ(refused(&ReplayWords::hwm, "0"), "--hwm '0': expected a whole number from 1 to 4294967295");
  EXPECT_EQ(refused(&ReplayWords::hwm, "4294967296"),
            "--hwm '4294967296': expected a whole number from 1 to 4294967295");
}

TEST(ReplayOptions, refused_times_speeds_and_names) {
  EXPECT_EQ(refused(&ReplayWords::settle, "5"),
            "--settle '5': expected a time with a unit, from 0 to 24h, such as 500ms, 5s or 1m");
  EXPECT_EQ(refused(&ReplayWords::settle, "25h").substr(0, 15), "--settle '25h':");
  for (const char* value : {"0", "0.0009", "-1", "fast", "", "1000001", "nan"})
    EXPECT_EQ(refused(&ReplayWords::speed, value),
              std::string("--speed '") + value +
                  "': expected max, or how many times faster than recorded: a number from 0.001 to 1000000");
  EXPECT_EQ(refused(&ReplayWords::backing, "disk"), "--backing 'disk': expected none, anon, thp or memfd");
  EXPECT_EQ(refused(&ReplayWords::json, ""), "--json '': expected a file, or - for standard output");
  EXPECT_EQ(refused(&ReplayWords::csv, ""), "--csv '': expected a file, or - for standard output");
  ReplayWords given;
  EXPECT_EQ(error_of(given), "TRACE '': expected a file, or - for standard input");
}

TEST(ReplayOptions, page_sizes) {
  for (const auto& [word, shift] :
       {std::pair{"4K", 12}, {"4096", 12}, {"8k", 13}, {"16KiB", 14}, {"64K", 16}}) {
    ReplayWords given = words();
    given.page_size = word;
    EXPECT_EQ(request_of(given).options.page.raw, shift) << word;
  }
  for (const char* value : {"2K", "5K", "128K", "64", "", "large"})
    EXPECT_EQ(refused(&ReplayWords::page_size, value),
              std::string("--page-size '") + value + "': expected 4K, 8K, 16K, 32K or 64K");
}

TEST(ReplayOptions, refused_wires) {
  EXPECT_EQ(refused(&ReplayWords::transport, "virtio"),
            "--transport 'virtio': expected direct, virtio-split or virtio-packed");
  EXPECT_EQ(refused(&ReplayWords::event_index, "yes"), "--event-index 'yes': expected on or off");
  EXPECT_EQ(refused(&ReplayWords::indirect, ""), "--indirect '': expected on or off");
  for (const char* value : {"0", "32769", "-1", "many"})
    EXPECT_EQ(refused(&ReplayWords::queue_size, value),
              std::string("--queue-size '") + value + "': expected a whole number from 1 to 32768");
  EXPECT_EQ(refused(&ReplayWords::in_flight, "0"),
            "--in-flight '0': expected a whole number from 1 to 32768");
  for (const char* value : {"100", "0", "999us", "25h", ""})
    EXPECT_EQ(refused(&ReplayWords::disturb, value),
              std::string("--disturb '") + value +
                  "': expected a time with a unit, from 1ms to 24h, such as 100ms or 1s");
}

TEST(ReplayOptions, refused_combinations_on_a_wire) {
  ReplayWords given = words();
  given.transport = "virtio-split";
  given.queue_size = "100";
  EXPECT_EQ(
      error_of(given),
      "--queue-size 100 with --transport virtio-split: a split queue's size is a power of two; expected "
      "such a size, or --transport virtio-packed");
  given.queue_size = "16";
  given.in_flight = "17";
  EXPECT_EQ(
      error_of(given),
      "--in-flight 17 with a queue of 16: each request occupies at least one entry of the queue; expected "
      "at most 16");
}

TEST(ReplayOptions, wire_options_without_a_wire_are_refused) {
  const auto refused = [](auto change) {
    ReplayWords given = words();
    change(given);
    return error_of(given);
  };
  const std::string rest =
      " has no effect with --transport direct; expected --transport virtio-split or virtio-packed too";
  EXPECT_EQ(refused([](ReplayWords& given) { given.event_index = "on"; }), "--event-index" + rest);
  EXPECT_EQ(refused([](ReplayWords& given) { given.indirect = "off"; }), "--indirect" + rest);
  EXPECT_EQ(refused([](ReplayWords& given) { given.queue_size = "100"; }), "--queue-size" + rest);
  EXPECT_EQ(refused([](ReplayWords& given) { given.in_flight = "2"; }), "--in-flight" + rest);
  EXPECT_EQ(refused([](ReplayWords& given) { given.init_reported = true; }), "--init-reported" + rest);
}

TEST(ReplayOptions, a_capacity_beyond_the_queue_is_a_warning) {
  ReplayWords given = words();
  given.transport = "virtio-split";
  given.queue_size = "16";
  EXPECT_TRUE(request_of(given).warnings.empty());
  given.capacity = "32";
  const ReplayRequest request = request_of(given);
  ASSERT_EQ(request.warnings.size(), 1u);
  EXPECT_EQ(
      request.warnings[0],
      "--capacity 32 is more than a queue of 16 with 1 in flight takes in one request: requests have at "
      "most 16 entries (see --queue-size)");
  given.indirect = "off";
  given.in_flight = "3";
  given.capacity = "6";
  EXPECT_EQ(request_of(given).warnings.at(0),
            "--capacity 6 is more than a queue of 16 with 3 in flight takes in one request: requests have at "
            "most 5 entries (see --queue-size and --indirect)");
  given.capacity = "5";
  EXPECT_TRUE(request_of(given).warnings.empty());
}

TEST(ReplayOptions, refused_combinations) {
  ReplayWords given = words();
  given.verify = true;
  given.backing = "none";
  EXPECT_EQ(error_of(given),
            "--verify with --backing none: there is no memory to write stamps into; expected --backing anon, "
            "thp or "
            "memfd");
  given = words();
  given.lazy_free = true;
  for (const char* backing : {"memfd", "none"}) {
    given.backing = backing;
    EXPECT_EQ(error_of(given),
              std::string("--lazy-free with --backing ") + backing +
                  ": MADV_FREE works on anonymous memory only; expected --backing anon or thp");
  }
  given = words();
  given.json = given.csv = "x";
  EXPECT_EQ(error_of(given), "--json x and --csv x: expected two different files");
}

TEST(ReplayOptions, the_first_error_is_told) {
  ReplayWords given = words();
  given.memory = "big";
  given.order = "11";
  EXPECT_EQ(error_of(given).substr(0, 15), "--memory 'big':");
}

TEST(ReplayOptions, a_threshold_for_another_policy_is_refused) {
  ReplayWords given = words();
  given.hwm = "64";
  EXPECT_EQ(error_of(given), "--hwm 64 has no effect with --policy aged:100ms; expected --policy hwm too");
  given.policy = "hwm";
  EXPECT_EQ(request_of(given).options.policy.threshold, 64U);
}

}  // namespace
}  // namespace fallow::cli
