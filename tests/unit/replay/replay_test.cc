// Complete replays of small traces with known figures.
#include "replay/replay.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "replay/replay_figures.h"
#include "tests/unit/trace/sources.h"
#include "tests/unit/trace/workload.h"

namespace fallow::replay {
namespace {

// Uses 2 MiB for the first of four seconds and 4 KiB for the other three.
std::string one_block() {
  return trace::alloc_line("7.000000", "0x200", 9) + trace::alloc_line("8.000000", "0x1", 0) +
         trace::free_line("8.000000", "0x200", 9) + trace::free_line("11.000000", "0x99", 0);
}

struct Recorder final : ReplayObserver {
  void sample(const ReplaySample& s) override { samples.push_back(s); }
  void scanning(double fraction) override { last_fraction = fraction; }
  std::vector<ReplaySample> samples;
  double last_fraction = -2;
};

ReplayResult run(const ReplayOptions& options, ReplayObserver* observer = nullptr) {
  const auto result = replay(options, observer);
  EXPECT_TRUE(result) << result.error;
  return result ? *result.object : ReplayResult{};
}

std::string error_of(const ReplayOptions& options) {
  const auto result = replay(options, nullptr);
  EXPECT_FALSE(result);
  return result.error;
}

class Replay : public testing::Test {
 protected:
  ReplayOptions options_for(std::string_view text) {
    file_.reset();
    file_ = std::make_unique<trace::TemporaryFile>("trace.txt", text);
    ReplayOptions options;
    options.trace = file_->path();
    return options;
  }

  std::unique_ptr<trace::TemporaryFile> file_;
};

constexpr double kBlock = 2.0, kFrame = 4.0 / 1024;  // MiB

TEST_F(Replay, UsedMemoryIsExact) {
  const ReplayResult r = run(options_for(one_block()));
  EXPECT_EQ(r.events, 4U);
  EXPECT_EQ(r.allocs, 2U);
  EXPECT_EQ(r.frees, 2U);
  EXPECT_EQ(r.unmatched_frees, 1U);
  EXPECT_DOUBLE_EQ(r.duration_s, 4);
  EXPECT_DOUBLE_EQ(r.mean_used_mib, (kBlock + 3 * kFrame) / 4);
  EXPECT_DOUBLE_EQ(r.peak_used_mib, kBlock + kFrame);
  EXPECT_DOUBLE_EQ(r.end_used_mib, kFrame);
  EXPECT_EQ(r.broken_invariant, nullptr);
}

// Reports at once, so that resident equals used.
TEST_F(Replay, HwmGivesBackAtOnce) {
  ReplayOptions options = options_for(one_block());
  options.policy.kind = PolicyKind::Hwm;
  options.policy.threshold = 1;
  const ReplayResult r = run(options);
  EXPECT_DOUBLE_EQ(r.mean_resident_mib, r.mean_used_mib);
  EXPECT_DOUBLE_EQ(r.excess_gib_s, 0);
  EXPECT_DOUBLE_EQ(r.reported_mib, kBlock);
  EXPECT_DOUBLE_EQ(r.refaulted_mib, 0);
  EXPECT_EQ(r.requests, 1U);
  EXPECT_EQ(r.entries, 1U);
  EXPECT_DOUBLE_EQ(r.peak_resident_mib, kBlock + kFrame);
  EXPECT_DOUBLE_EQ(r.end_resident_mib, kFrame);
}

TEST_F(Replay, AgedGivesBackAfterItsAgeAndAtMostAQuarterMore) {
  ReplayOptions options = options_for(one_block());
  options.policy.age = milliseconds(1000);
  const ReplayResult r = run(options);
  const double excess = r.excess_gib_s * 1024 / kBlock;  // seconds for which the block stayed resident
  EXPECT_GE(excess, 1.0);
  EXPECT_LE(excess, 1.25 + 1e-9);
  EXPECT_DOUBLE_EQ(r.mean_resident_mib, r.mean_used_mib + kBlock * excess / 4);
  EXPECT_DOUBLE_EQ(r.reported_mib, kBlock);
}

TEST_F(Replay, LinuxGivesBackWithinTwoSeconds) {
  ReplayOptions options = options_for(one_block());
  options.policy.kind = PolicyKind::Linux;
  const ReplayResult r = run(options);
  const double excess = r.excess_gib_s * 1024 / kBlock;
  EXPECT_GT(excess, 0.0);
  EXPECT_LE(excess, 2.0 + 1e-9);
  EXPECT_DOUBLE_EQ(r.end_resident_mib, kFrame);
  EXPECT_DOUBLE_EQ(r.linux_excess_gib_s, r.excess_gib_s);
  EXPECT_DOUBLE_EQ(r.linux_mean_resident_mib, r.mean_resident_mib);
  EXPECT_DOUBLE_EQ(r.linux_end_resident_mib, r.end_resident_mib);
}

// Only a low order reports the free part of a block that is in use.
TEST_F(Replay, OrderZeroGivesBackSingleFrames) {
  std::string text;
  for (int i = 0; i < 64; ++i) text += trace::alloc_line("1.000000", "0x" + std::to_string(100 + i), 0);
  for (int i = 0; i < 64; i += 2) text += trace::free_line("2.000000", "0x" + std::to_string(100 + i), 0);
  ReplayOptions options = options_for(text);
  const ReplayResult coarse = run(options);
  EXPECT_DOUBLE_EQ(coarse.end_used_mib, 32 * kFrame);
  EXPECT_DOUBLE_EQ(coarse.end_resident_mib, 64 * kFrame);
  options.order = Order{0};
  const ReplayResult fine = run(options);
  EXPECT_DOUBLE_EQ(fine.end_resident_mib, 32 * kFrame);
  EXPECT_DOUBLE_EQ(fine.reported_mib, 32 * kFrame);
}

// The entire memory is used, freed and used again.
TEST_F(Replay, WhatIsUsedAgainRefaults) {
  std::string text;
  for (int second = 1; second <= 3; ++second) {
    const std::string time = std::to_string(second) + ".000000";
    for (int i = 0; i < 16; ++i) {
      const std::string pfn = "0x" + std::to_string(i) + "000";
      text += second == 2 ? trace::free_line(time, pfn, 10) : trace::alloc_line(time, pfn, 10);
    }
  }
  ReplayOptions options = options_for(text);
  options.memory = ByteCount{64 << 20};
  const ReplayResult r = run(options);
  EXPECT_EQ(r.failed_allocs, 0U);
  EXPECT_GT(r.reported_mib, 56);  // all memory except the low watermark
  EXPECT_LE(r.reported_mib, 64);
  EXPECT_DOUBLE_EQ(r.refaulted_mib, r.reported_mib);
}

TEST_F(Replay, TheSameTraceGivesTheSameFigures) {
  const ReplayOptions options = options_for(trace::busy());
  Recorder first, second;
  const ReplayResult a = run(options, &first), b = run(options, &second);
  EXPECT_EQ(a.requests, b.requests);
  EXPECT_EQ(a.entries, b.entries);
  EXPECT_EQ(a.mean_resident_mib, b.mean_resident_mib);
  EXPECT_EQ(a.reported_mib, b.reported_mib);
  EXPECT_EQ(a.refaulted_mib, b.refaulted_mib);
  EXPECT_EQ(a.linux_mean_resident_mib, b.linux_mean_resident_mib);
  EXPECT_EQ(a.linux_refaulted_mib, b.linux_refaulted_mib);
  ASSERT_EQ(first.samples.size(), second.samples.size());
  for (std::size_t i = 0; i < first.samples.size(); ++i) {
    EXPECT_EQ(first.samples[i].time, second.samples[i].time);
    EXPECT_EQ(first.samples[i].resident, second.samples[i].resident);
    EXPECT_EQ(first.samples[i].linux_resident, second.samples[i].linux_resident);
  }
}

TEST_F(Replay, SamplesComeEvery50MsToTheEndOfTheSettling) {
  Recorder recorder;
  run(options_for(trace::busy()), &recorder);
  EXPECT_EQ(recorder.last_fraction, 1.0);
  Nanoseconds last{};
  for (const ReplaySample& s : recorder.samples) {
    EXPECT_LE(s.time, last + milliseconds(50));
    EXPECT_EQ(s.used + s.free, PfnCount{65536});
    EXPECT_GE(s.resident, s.used);
    last = s.time;
  }
  ASSERT_FALSE(recorder.samples.empty());
  EXPECT_EQ(last, recorder.samples.back().end);
  EXPECT_EQ(recorder.samples.back().events, 5100U);
}

TEST_F(Replay, EveryBackingAgreesWithTheBooks) {
  ReplayOptions options = options_for(trace::busy());
  for (const Order order : {Order{0}, Order{9}}) {
    options.order = order;
    options.backing = BackingKind::None;
    options.verify = false;
    const ReplayResult residency = run(options);
    options.verify = true;
    for (const BackingKind kind : {BackingKind::Anonymous, BackingKind::Memfd, BackingKind::Thp}) {
      options.backing = kind;
      const ReplayResult r = run(options);
      EXPECT_EQ(r.corrupted_frames, 0U);
      EXPECT_EQ(r.failed_allocs, 0U);
      EXPECT_EQ(r.refused_frees, 0U);
      EXPECT_EQ(r.broken_invariant, nullptr);
      EXPECT_EQ(r.mean_used_mib, residency.mean_used_mib);
      if (kind == BackingKind::Thp) {
        EXPECT_GE(r.end_resident_mib, residency.end_resident_mib);
        continue;
      }
      EXPECT_EQ(r.end_resident_mib, residency.end_resident_mib);
      EXPECT_NEAR(r.mean_resident_mib, residency.mean_resident_mib, residency.mean_resident_mib * 0.05);
    }
  }
}

TEST_F(Replay, InRealTimeTheTracesOwnTimeCounts) {
  ReplayOptions options = options_for(one_block());
  options.speed = 20;
  options.settle = seconds(1);
  options.policy.age = milliseconds(400);
  for (const BackingKind kind : {BackingKind::None, BackingKind::Memfd}) {
    options.backing = kind;
    Recorder recorder;
    const ReplayResult r = run(options, &recorder);
    EXPECT_GE(r.wall_seconds, 5.0 / 20);
    EXPECT_DOUBLE_EQ(r.mean_used_mib, (kBlock + 3 * kFrame) / 4);
    EXPECT_DOUBLE_EQ(r.end_resident_mib, kFrame);
    EXPECT_GE(r.excess_gib_s * 1024 / kBlock, 0.35);  // real residency is known only from readings
    EXPECT_EQ(r.broken_invariant, nullptr);
    EXPECT_GE(recorder.samples.size(), 100U);
  }
}

// The worker reports while events continue.
TEST_F(Replay, InRealTimeNoFrameIsLost) {
  ReplayOptions options = options_for(trace::busy());
  options.speed = 50;
  options.order = Order{0};
  options.policy.age = milliseconds(50);
  options.verify = true;
  for (const BackingKind kind : {BackingKind::Anonymous, BackingKind::Thp, BackingKind::Memfd}) {
    options.backing = kind;
    const ReplayResult r = run(options);
    EXPECT_EQ(r.corrupted_frames, 0U);
    EXPECT_EQ(r.failed_allocs, 0U);
    EXPECT_EQ(r.refused_frees, 0U);
    EXPECT_GT(r.reported_mib, 1);
    EXPECT_EQ(r.broken_invariant, nullptr);
  }
}

TEST_F(Replay, ReadsThroughAPipeTwice) {
  const ReplayOptions from_file = options_for(trace::busy());
  const ReplayResult expected = run(from_file);
  const std::string pipe = from_file.trace + ".pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe, std::ios::binary) << trace::busy(); });
  ReplayOptions options;
  options.trace = pipe;
  const ReplayResult r = run(options);
  writer.join();
  EXPECT_EQ(r.memory, expected.memory);
  EXPECT_EQ(r.mean_resident_mib, expected.mean_resident_mib);
}

TEST_F(Replay, StopsWhenAsked) {
  std::atomic<bool> stop{false};
  struct Stopper final : ReplayObserver {
    explicit Stopper(std::atomic<bool>& s) : flag(s) {}
    void sample(const ReplaySample&) override { flag = true; }
    void scanning(double) override {}
    std::atomic<bool>& flag;
  } stopper(stop);
  ReplayOptions options = options_for(one_block());
  options.stop = &stop;
  options.compare_linux = false;
  options.speed = 1;  // the replay would take nine seconds
  const ReplayResult r = run(options, &stopper);
  EXPECT_TRUE(r.stopped);
  EXPECT_LT(r.wall_seconds, 3);
}

TEST_F(Replay, LongGapsTakeLittleTime) {
  const ReplayResult r =
      run(options_for(trace::alloc_line("1.0", "0x1", 0) + trace::free_line("3000000.0", "0x1", 0) +
                      trace::alloc_line("3000000.1", "0x2", 0)));
  EXPECT_EQ(r.events, 3U);
}

TEST_F(Replay, AnErrorNamesWhatIsAtFault) {
  ReplayOptions options = options_for("cc1-1 [000] .....  7.0: mm_page_free: pfn=0x1 order=77\n");
  EXPECT_NE(error_of(options).find("trace.txt:1: "), std::string::npos);
  options.memory = ByteCount{64 << 20};
  EXPECT_NE(error_of(options).find("trace.txt:1: "), std::string::npos);
  options.trace = "/nonexistent/trace";
  EXPECT_NE(error_of(options).find("/nonexistent/trace: "), std::string::npos);
  EXPECT_NE(error_of(options_for("# tracer: nop\n")).find("no mm_page_alloc"), std::string::npos);
}

TEST_F(Replay, RefusesOptionsThatMakeNoSense) {
  const ReplayOptions good = options_for(one_block());
  const auto with = [&](auto change) {
    ReplayOptions options = good;
    change(options);
    return error_of(options);
  };
  EXPECT_NE(with([](ReplayOptions& o) { o.order = Order{11}; }).find("order 11"), std::string::npos);
  EXPECT_NE(with([](ReplayOptions& o) { o.capacity = 0; }).find("capacity"), std::string::npos);
  EXPECT_NE(with([](ReplayOptions& o) { o.policy.age = {}; }).find("age"), std::string::npos);
  EXPECT_NE(with([](ReplayOptions& o) { o.speed = -1; }).find("speed"), std::string::npos);
  EXPECT_NE(with([](ReplayOptions& o) { o.memory = ByteCount{0}; }).find("memory"), std::string::npos);
  EXPECT_NE(with([](ReplayOptions& o) { o.verify = true; }).find("backing"), std::string::npos);
  EXPECT_NE(with([](ReplayOptions& o) { o.lazy_free = true; }).find("MADV_FREE"), std::string::npos);
}

// A machine with pages of 64 KiB: 4 MiB in a block of order 6, 512 MiB in one of order 13, the largest.
TEST_F(Replay, LargerPages) {
  ReplayOptions options =
      options_for(trace::alloc_line("1.000000", "0x40", 6) + trace::alloc_line("2.000000", "0x2000", 13) +
                  trace::free_line("3.000000", "0x2000", 13) + trace::free_line("4.000000", "0x41", 0) +
                  trace::alloc_line("5.000000", "0x80", 0));
  options.page = trace::PageShift{16};
  const ReplayResult r = run(options);
  EXPECT_EQ(r.events, 5U);
  EXPECT_EQ(r.allocs, 3U);
  EXPECT_EQ(r.frees, 2U);
  EXPECT_EQ(r.unmatched_frees, 0U);
  EXPECT_EQ(r.failed_allocs, 0U);
  EXPECT_DOUBLE_EQ(in_mib(r.memory), 1032);  // twice the peak
  EXPECT_DOUBLE_EQ(r.peak_used_mib, 516);
  EXPECT_DOUBLE_EQ(r.end_used_mib, 4);
  EXPECT_DOUBLE_EQ(r.mean_used_mib, (4 + 516 + 4 + 4 - 1.0 / 16) / 4);
  EXPECT_GE(r.reported_mib, 512);
  EXPECT_EQ(r.broken_invariant, nullptr);

  options = options_for(trace::alloc_line("1.000000", "0x40", 11));
  EXPECT_NE(error_of(options).find("order=11 is above 10, the largest order with pages of 4 KiB"),
            std::string::npos);
  options.page = trace::PageShift{17};
  EXPECT_EQ(error_of(options), "page size of 2^17 bytes: expected 4 KiB to 64 KiB");
}

// A block of which only a part fits counts once.
TEST_F(Replay, LargerPagesInTooLittleMemory) {
  ReplayOptions options =
      options_for(trace::alloc_line("1.000000", "0x2000", 13) + trace::free_line("2.000000", "0x2000", 13));
  options.page = trace::PageShift{16};
  options.memory = ByteCount{std::uint64_t{256} << 20};
  const ReplayResult r = run(options);
  EXPECT_EQ(r.failed_allocs, 1U);
  EXPECT_EQ(r.unmatched_frees, 0U);
  EXPECT_DOUBLE_EQ(r.end_used_mib, 0);
  EXPECT_EQ(r.broken_invariant, nullptr);
}

TEST_F(Replay, WhatWasNotReadIsTold) {
  const ReplayResult r =
      run(options_for("TRACE:\nwhat is this\nCPU:1 [LOST EVENTS]\nCPU:1 [LOST 7 EVENTS]\n" +
                      trace::alloc_line("1.000000", "0x40", 0) + "overrun: 3\n"));
  EXPECT_EQ(r.odd_lines, 1U);
  EXPECT_EQ(r.first_skipped,
            "line 2: not output of ftrace, trace-cmd report or perf script: \"what is this\"");
  EXPECT_EQ(r.lost_events, 10U);
  EXPECT_EQ(r.uncounted_losses, 1U);
  ReplayOptions options = options_for("what is this\n");
  EXPECT_EQ(error_of(options),
            options.trace +
                ": contains no mm_page_alloc or mm_page_free event; the first skipped line is "
                "line 1: not output of ftrace, trace-cmd report or perf script: \"what is this\"");
  options = options_for("a-1 [000] 123: mm_page_free: pfn=1 order=0\n");
  options.skip_bad_lines = true;
  EXPECT_NE(error_of(options).find("the time is in ticks of the clock x86-tsc or counter"),
            std::string::npos);
}

}  // namespace
}  // namespace fallow::replay
