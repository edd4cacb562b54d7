// R11: a zone that is short of free frames rests, and any free that ends the shortage wakes the worker.
#include "tests/unit/reporting/small_zone.h"

namespace fallow::detail {
namespace {

// A zone of 4096 frames, all in use except what a test frees. One block of order 9 may be reported once 576
// frames are free.
class R11Starved : public ::testing::TestWithParam<Kind> {
 protected:
  static constexpr std::uint64_t kSize = 4096, kNeeded = 64 + 512;
  static constexpr unsigned kOrder = 9;

  explicit R11Starved(std::uint32_t depth = 1) : small_(GetParam(), kOrder, kSize, 0, depth) {}

  void SetUp() override { ASSERT_EQ(small_.box.zone().low_watermark().raw + small_.room(), kNeeded); }

  // 32 frames from each of several words, in blocks that stay in use.
  void free_words(std::uint64_t n) {
    for (std::uint64_t w = 0; w < n; ++w) small_.box.free_blocks({512 * 7 + w * 64}, Order{5}, 1, 1);
  }
  void free_singles(std::uint64_t n, std::uint64_t first = 512 * 7) {
    small_.box.free_blocks({first}, Order{0}, n, 2);
  }
  bool all_reported() { return small_.unreported() == 0; }

  Small small_;
};

// Any increase in free frames ends the shortage, even in an order that is never reported.
TEST_P(R11Starved, AFreeOfAnyOrderThatMakesRoomWakesTheWorker) {
  small_.box.fill();
  small_.box.free_blocks({512}, kOrder9, 1, 1);
  small_.start();
  free_singles(63);
  small_.expect_at_rest();
  ASSERT_EQ(free_frames(small_.box.zone()).raw, kNeeded - 1);
  ASSERT_TRUE(small_.device.batches.empty());
  free_singles(1, 512 * 6);
  EXPECT_TRUE(small_.reporter->reporting_requested(0));
  EXPECT_NE(small_.port.next_deadline(), kNever);
  small_.expect_at_rest();
  EXPECT_EQ(small_.device.frames_shown().size(), 512u);
  EXPECT_TRUE(all_reported());
}

// Frames that a cache returns untouched form no block that could be reported, but they make room for one.
TEST_P(R11Starved, ReportedFramesThatComeBackWakeTheWorker) {
  small_.box.fill();
  free_words(2);
  free_singles(2, 512 * 4);
  ASSERT_GE(free_frames(small_.box.zone()).raw, small_.box.zone().low_watermark().raw);
  {
    TestDevice fine(small_.port);
    HwmPolicy order_0(Order{0}, 1);
    ASSERT_EQ(small_.reporter->register_device(fine, order_0), Status::Ok);
    small_.port.run_until(small_.port.now(), worker_of(*small_.reporter));
    ASSERT_EQ(small_.reporter->unregister_device(fine), Status::Ok);
    ASSERT_EQ(small_.box.stats().reported.raw, 66u);
  }
  ASSERT_TRUE(small_.box.cache(1).allocate().ok());  // from the highest block, with 31 neighbours
  small_.box.free_blocks({512}, kOrder9, 1, 1);
  small_.start();
  small_.expect_at_rest();
  ASSERT_LT(free_frames(small_.box.zone()).raw, kNeeded);
  ASSERT_TRUE(small_.device.batches.empty());
  small_.box.cache(1).drain();
  ASSERT_GE(free_frames(small_.box.zone()).raw, kNeeded);
  small_.expect_at_rest();
  EXPECT_EQ(small_.device.frames_shown().size(), 512u);
}

TEST_P(R11Starved, ForgottenReportBitsAreReportedOnceThereIsRoom) {
  small_.box.fill();
  small_.box.free_blocks({512}, kOrder9, 2, 512);
  small_.start();
  small_.expect_at_rest();
  ASSERT_EQ(small_.device.frames_shown().size(), 1024u);
  small_.device.batches.clear();
  // Runs of the adjacent block are taken last.
  ASSERT_TRUE(small_.box.cache().allocate(kOrder9).ok());
  ASSERT_EQ(small_.reporter->forget_reported(), Status::Ok);
  small_.expect_at_rest();
  ASSERT_TRUE(small_.device.batches.empty());
  free_singles(64);
  small_.expect_at_rest();
  EXPECT_EQ(small_.device.frames_shown().size(), 512u);
}

// In a zone that is short of frames, the worker does not run at the pace of the frees.
TEST_P(R11Starved, TheWorkerRunsNoMoreOftenThanATimerWould) {
  small_.box.fill();
  small_.box.free_blocks({512}, kOrder9, 1, 1);
  small_.start();
  small_.expect_at_rest();
  std::uint64_t runs = 0;
  for (int i = 0; i < 10000; ++i) {
    small_.box.free_blocks({512 * 7}, Order{0}, 30, 2);
    small_.port.advance_to(small_.port.now() + Nanoseconds{100'000});
    if (small_.port.take_if_due()) {
      ++runs;
      small_.port.wake_at(small_.reporter->run());
    }
    for (int n = 0; n < 30; ++n) ASSERT_TRUE(small_.box.cache().allocate().ok());
  }
  EXPECT_LE(runs, 2 * 11u) << "in a second";
  EXPECT_TRUE(small_.device.batches.empty());
  small_.expect_at_rest();
}

// The frames that end the shortage are freed at each moment at which the core reads the clock.
TEST_P(R11Starved, AFreeAtAnyMomentOfThePassIsNotLost) {
  for (int at = 1, happened = 1; happened == at; ++at) {
    Small small(GetParam(), kOrder, kSize, 0);
    small.box.fill();
    small.box.free_blocks({512}, kOrder9, 1, 1);
    struct Moment {
      Small& small;
      int left;
      bool over = false;
    } moment{small, at};
    small.start();
    small.port.on_now({[](void* context) {
                         Moment& m = *static_cast<Moment*>(context);
                         if (m.over || --m.left > 0) return;
                         m.over = true;
                         for (std::uint64_t i = 0; i < 64; ++i) {
                           ASSERT_EQ(m.small.box.cache(1).free(Pfn{512 * 7 + 2 * i}), Status::Ok);
                         }
                         m.small.box.cache(1).drain();
                       },
                       &moment});
    for (int i = 0; i < 3; ++i) static_cast<void>(small.reporter->run());
    small.port.on_now({});
    if (moment.over) happened = at + 1;
    small.expect_at_rest();
    EXPECT_EQ(small.device.frames_shown().size(), moment.over ? 512u : 0u) << "at the moment " << at;
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, R11Starved,
                         ::testing::Values(Kind::HwmOne, Kind::HwmDefault, Kind::Aged, Kind::LinuxOne));

// Many requests in flight hold enough frames that no more may be isolated; then the frames come back.
class R11PutBack : public R11Starved {
 protected:
  R11PutBack() : R11Starved(16) {}
};

TEST_P(R11PutBack, FramesThatADevicePutsBackMakeRoom) {
  for (const Status answer : {Status::Ok, Status::Failed}) {
    Small small(GetParam(), kOrder, kSize, 0, 16);
    std::vector<std::uint32_t> tokens;
    small.device.answer = [&](Scatterlist list, std::uint32_t token) {
      EXPECT_GE(list.size(), 1u);
      tokens.push_back(token);
      return Status::Pending;
    };
    small.start();
    small.port.run_until(small.port.now() + seconds(60), worker_of(*small.reporter));
    ASSERT_GT(tokens.size(), 1u);
    ASSERT_LT(tokens.size(), 16u);
    EXPECT_LT(free_frames(small.box.zone()).raw, kNeeded);
    EXPECT_GT(small.unreported(), 0u);
    EXPECT_FALSE(small.reporter->reporting_requested(0));
    EXPECT_EQ(small.port.next_deadline(), kNever);
    Status next = answer;
    while (!tokens.empty()) {
      const std::uint32_t token = tokens.back();
      tokens.pop_back();
      ASSERT_EQ(small.reporter->complete(token, next), Status::Ok);
      next = Status::Ok;
      small.port.run_until(small.port.now() + seconds(60), worker_of(*small.reporter));
    }
    small.expect_at_rest();
    EXPECT_EQ(small.unreported(), 0u);
    if (answer == Status::Failed) small.device.batches.clear();  // its frames were reported twice
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, R11PutBack,
                         ::testing::Values(Kind::HwmOne, Kind::HwmDefault, Kind::Aged, Kind::LinuxOne));

}  // namespace
}  // namespace fallow::detail
