// Parses valid and invalid command lines of the guest.
#include "guest/protocol/command_line.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace fallow::guest {
namespace {

std::string string_of(StringRef text) { return {text.data(), text.size()}; }
Options read(const std::string& line) {
  const CommandLine parsed = parse_command_line(line);
  EXPECT_EQ(string_of(parsed.error.text()), "");
  EXPECT_EQ(parsed.unknown_count, 0u);
  Options options = parsed.options;
  options.policy_word = options.workload_word = {};  // these point into `line`
  return options;
}
std::string error_of(const std::string& line) {
  const CommandLine parsed = parse_command_line(line);
  return string_of(parsed.error.text());
}

TEST(CommandLine, NothingMeansTheDefaults) {
  const Options o = read("  \t\n");
  EXPECT_EQ(o.workload, WorkloadKind::Fill);
  EXPECT_EQ(o.policy.kind, PolicyKind::Aged);
  EXPECT_EQ(o.policy.age, milliseconds(100));
  EXPECT_EQ(o.order.raw, 9);
  EXPECT_EQ(o.duration, seconds(10));
  EXPECT_EQ(o.hold, milliseconds(300));
  EXPECT_EQ(o.sample, milliseconds(50));
  EXPECT_EQ(o.fill.raw, 0u);
  EXPECT_EQ(o.capacity, 32u);
  EXPECT_EQ(o.in_flight, 4u);
}

TEST(CommandLine, EveryWord) {
  const Options o = read(
      "workload=rebind policy=hwm:64 order=10 seconds=60 seed=0xfF fill=1200M hold=5s capacity=7 in_flight=2 "
      "sample=1ms virtio_mmio.device=512@0xfeb00e00:12 virtio_mmio.device=4K@4096:5:0");
  EXPECT_EQ(o.workload, WorkloadKind::Rebind);
  EXPECT_EQ(o.policy.kind, PolicyKind::Hwm);
  EXPECT_EQ(o.policy.threshold, 64u);
  EXPECT_EQ(o.order.raw, 10);
  EXPECT_EQ(o.duration, seconds(60));
  EXPECT_EQ(o.seed, 255u);
  EXPECT_EQ(o.fill.raw, std::uint64_t{1200} << 20);
  EXPECT_EQ(o.hold, seconds(5));
  EXPECT_EQ(o.capacity, 7u);
  EXPECT_EQ(o.in_flight, 2u);
  EXPECT_EQ(o.sample, milliseconds(1));
  ASSERT_EQ(o.mmio_count, 2u);
  EXPECT_EQ(o.mmio[0].base.raw, 0xfeb00e00u);
  EXPECT_EQ(o.mmio[0].size.raw, 512u);
  EXPECT_EQ(o.mmio[0].interrupt, 12u);
  EXPECT_EQ(o.mmio[1].base.raw, 4096u);
  EXPECT_EQ(o.mmio[1].size.raw, 4096u);
}

TEST(CommandLine, EveryWorkloadAndPolicy) {
  const char* const workloads[] = {"fill", "churn", "random", "fragment", "idle", "rebind", "trace"};
  for (int i = 0; i < 7; ++i)
    EXPECT_EQ(read(std::string("workload=") + workloads[i]).workload, static_cast<WorkloadKind>(i));
  EXPECT_EQ(read("policy=aged").policy.age, milliseconds(100));
  EXPECT_EQ(read("policy=aged:2500us").policy.age.raw, 2'500'000u);
  EXPECT_EQ(read("policy=hwm").policy.threshold, 32u);
  EXPECT_EQ(read("policy=linux").policy.kind, PolicyKind::Linux);
  EXPECT_EQ(read("policy=none").policy.kind, PolicyKind::None);
}

TEST(CommandLine, OfAWordThatComesTwiceTheLastCounts) { EXPECT_EQ(read("order=3 order=4").order.raw, 4); }

TEST(CommandLine, UnknownWordsAreNamedAndIgnored) {
  const CommandLine line = parse_command_line("/boot/kernel order=5 root=/dev/vda quiet");
  EXPECT_TRUE(line.error.empty());
  EXPECT_EQ(line.options.order.raw, 5);
  ASSERT_EQ(line.unknown_count, 3u);
  EXPECT_EQ(string_of(line.unknown[0]), "/boot/kernel");
  EXPECT_EQ(string_of(line.unknown[1]), "root=/dev/vda");
}

TEST(CommandLine, WordsOfTheMachineAreKnown) {
  const CommandLine line = parse_command_line("exit=debug panic=check entropy=check order=5");
  EXPECT_TRUE(line.error.empty());
  EXPECT_EQ(line.unknown_count, 0u);
  EXPECT_EQ(line.options.order.raw, 5);
  EXPECT_EQ(parse_command_line("exit panic debug=exit").unknown_count, 3u) << "no value, or another name";
}

TEST(CommandLine, Sizes) {
  ByteCount size;
  EXPECT_TRUE(parse_size("3K", &size) && size.raw == 3072);
  EXPECT_TRUE(parse_size("2G", &size) && size.raw == std::uint64_t{2} << 30);
  EXPECT_TRUE(parse_size("17179869183G", &size));
  EXPECT_FALSE(parse_size("17179869184G", &size)) << "2^64";
  for (const char* bad : {"", "K", "-1", "1T", "1KB", "1 K", "0x10", "99999999999999999999"})
    EXPECT_FALSE(parse_size(bad, &size)) << bad;
}

TEST(CommandLine, Times) {
  Nanoseconds time;
  EXPECT_TRUE(parse_time("7ns", &time) && time.raw == 7);
  EXPECT_TRUE(parse_time("7us", &time) && time.raw == 7000);
  EXPECT_TRUE(parse_time("0s", &time) && time.raw == 0);
  for (const char* bad : {"", "1", "ms", "1m", "1.5s", "-1s", "18446744073710s"})
    EXPECT_FALSE(parse_time(bad, &time)) << bad;
}

TEST(HasWord, WholeWordsAlone) {
  EXPECT_TRUE(has_word("exit=debug", "exit=debug"));
  EXPECT_TRUE(has_word("seed=3  exit=debug ", "exit=debug"));
  for (const char* other : {"", " ", "exit=debugger", "xexit=debug", "exit= debug", "exit=debu"})
    EXPECT_FALSE(has_word(other, "exit=debug")) << other;
}

TEST(HasWord, BetweenAnyBlanks) {
  EXPECT_TRUE(has_word("seed=3\texit=debug\r\npolicy=none", "exit=debug"));
  EXPECT_TRUE(has_word("\nexit=debug", "exit=debug"));
}

TEST(HostileCommandLine, TheErrorNamesTheWordAndWhatItMayBe) {
  EXPECT_EQ(error_of("order=11"), "order=11: expected 0 to 10");
  EXPECT_EQ(error_of("workload=dance"),
            "workload=dance: expected one of fill, churn, random, fragment, idle, rebind, trace");
  for (const char* bad : {"workload=",
                          "policy=",
                          "policy=aged:",
                          "policy=aged:0s",
                          "policy=aged:25s0",
                          "policy=aged:999999s",
                          "policy=hwm:0",
                          "policy=hwm:x",
                          "policy=linux:1",
                          "policy=none:",
                          "policy=:",
                          "order=",
                          "order=-1",
                          "seconds=0",
                          "seconds=10s",
                          "seconds=86401",
                          "seed=",
                          "seed=0x",
                          "seed=0xg",
                          "fill=0",
                          "fill=100",
                          "fill=4097",
                          "hold=5",
                          "hold=2000000s",
                          "capacity=0",
                          "capacity=1025",
                          "in_flight=0",
                          "in_flight=257",
                          "sample=0ms",
                          "sample=10us",
                          "virtio_mmio.device=",
                          "virtio_mmio.device=512",
                          "virtio_mmio.device=512@0x1000",
                          "virtio_mmio.device=512@0x1000:",
                          "virtio_mmio.device=0@0x1000:1",
                          "virtio_mmio.device=512@0xffffffffffffffff:1",
                          "virtio_mmio.device=512@0x1000:256"}) {
    EXPECT_NE(error_of(bad), "") << bad;
  }
}

TEST(HostileCommandLine, TooManyOfAnything) {
  std::string words, devices;
  for (int i = 0; i < 1000; ++i) words += "word" + std::to_string(i) + " ";
  EXPECT_EQ(parse_command_line(words).unknown_count, CommandLine::kMostUnknown);
  for (std::size_t i = 0; i <= Options::kMostMmio; ++i) devices += "virtio_mmio.device=1@1:1 ";
  EXPECT_NE(error_of(devices), "");
  EXPECT_LT(error_of("order=" + std::string(100'000, '9')).size(), 240u);
}

TEST(HostileCommandLine, Noise) {
  std::mt19937_64 random(1);
  const std::string alphabet = "abderfilnosuvwxyz=:@.0123456789KMGx_ \n";
  const std::string keys[] = {"workload=", "policy=", "fill=", "hold=", "virtio_mmio.device=", "order="};
  for (int i = 0; i < 20000; ++i) {
    std::string line = keys[random() % std::size(keys)];
    for (std::uint64_t n = random() % 24; n > 0; --n) line += alphabet[random() % alphabet.size()];
    const CommandLine parsed = parse_command_line(line);
    EXPECT_LE(parsed.options.order, kMaxOrder);
    EXPECT_GE(parsed.options.capacity, 1u);
  }
}

}  // namespace
}  // namespace fallow::guest
