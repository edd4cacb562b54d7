// The statistics queue of the balloon device (virtio 1.2, 5.5.6.3).
#include <gtest/gtest.h>

#include "tests/support/balloon_rig.h"

namespace fallow::detail {
namespace {

class StatsObserver final : public BalloonObserver {
 public:
  void statistics() noexcept override { ++updates; }
  int updates = 0;
};

class BalloonStatistics : public ::testing::Test {
 protected:
  BalloonStatistics() { rig.bring_up(kBalloonStatsVq); }

  static std::vector<std::byte> entry(std::uint16_t tag, std::uint64_t value) {
    std::vector<std::byte> e(10);
    tag = little_endian(tag);
    value = little_endian(value);
    std::memcpy(e.data(), &tag, 2);
    std::memcpy(e.data() + 2, &value, 8);
    return e;
  }
  static std::vector<std::byte> entries(std::initializer_list<std::pair<std::uint16_t, std::uint64_t>> list) {
    std::vector<std::byte> all;
    for (const auto& [tag, value] : list) {
      const std::vector<std::byte> e = entry(tag, value);
      all.insert(all.end(), e.begin(), e.end());
    }
    return all;
  }
  // Supplies a buffer. Returns whether the device returned it at once.
  bool give(const std::vector<std::byte>& bytes) {
    rig.put(BalloonRig::kRoom, bytes.data(), bytes.size());
    return rig.driver
        ->exchange(kQueue, {{BalloonRig::kRoom, static_cast<std::uint32_t>(bytes.size()), false}})
        .has_value();
  }
  const GuestStatistics& read() { return rig.device().guest_statistics(); }

  static constexpr std::uint16_t kQueue = 2;
  StatsObserver observer;
  BalloonRig rig{{.observer = &observer}};
};
using HostileStatistics = BalloonStatistics;

TEST_F(BalloonStatistics, ABufferIsKeptUntilTheNextRequest) {
  EXPECT_EQ(rig.device().request_statistics(), Status::Busy) << "the driver has supplied no buffer yet";
  EXPECT_FALSE(give({}));
  EXPECT_EQ(rig.device().request_statistics(), Status::Ok);
  EXPECT_EQ(rig.device().request_statistics(), Status::Busy) << "the last request is not answered yet";
  const std::optional<Used> used = rig.driver->take(kQueue);
  ASSERT_TRUE(used.has_value());
  EXPECT_EQ(used->length, 0u);
  EXPECT_FALSE(give(entries({{4, 1000}, {5, 4000}})));
  EXPECT_EQ(read().value[static_cast<std::size_t>(StatTag::MemoryFree)], 1000u);
  EXPECT_EQ(read().value[static_cast<std::size_t>(StatTag::MemoryTotal)], 4000u);
  EXPECT_EQ(read().present, 1u << 4 | 1u << 5);
  EXPECT_EQ(read().updates, 2u);
  EXPECT_EQ(observer.updates, 2);
  EXPECT_EQ(rig.stats().refused_all(), 0u);
}

// 5.5.6.3.2: statistics in any order, and unknown tags.
TEST_F(BalloonStatistics, EntriesComeInAnyOrderAndUnknownTagsAreIgnored) {
  EXPECT_FALSE(give(entries({{15, 7}, {16, 1}, {0xffff, 2}, {0, ~std::uint64_t{0}}})));
  EXPECT_EQ(read().present, 1u << 15 | 1u);
  EXPECT_EQ(read().value[0], ~std::uint64_t{0});
  EXPECT_EQ(read().unknown_tags, 2u);
  EXPECT_EQ(rig.stats().refused_all(), 0u);
}

TEST_F(BalloonStatistics, NoQueueNoStatistics) {
  rig.bring_up(0);
  EXPECT_EQ(rig.device().request_statistics(), Status::NotFound);
}

TEST_F(HostileStatistics, Case23_LengthsThatAreNoArray) {
  EXPECT_FALSE(give(std::vector<std::byte>(6)));
  EXPECT_EQ(read().present, 0u);
  ASSERT_EQ(rig.device().request_statistics(), Status::Ok);
  ASSERT_TRUE(rig.driver->take(kQueue).has_value());
  std::vector<std::byte> cut = entries({{4, 9}, {5, 8}});
  cut.resize(17);
  EXPECT_FALSE(give(cut));
  EXPECT_EQ(read().present, 1u << 4);
  EXPECT_EQ(rig.refused(Refusal::ListLength), 2u);
}

TEST_F(HostileStatistics, Case23_LengthOfAllOnes) {
  rig.driver->add(kQueue, {{BalloonRig::kRoom, ~std::uint32_t{0}, false}});
  rig.driver->kick(kQueue);
  EXPECT_EQ(rig.refused(Refusal::ListLength), 1u) << "the device reads at most 64 entries";
  EXPECT_EQ(rig.device().request_statistics(), Status::Ok);
}

TEST_F(HostileStatistics, Case23_OutsideMemory) {
  rig.driver->add(kQueue, {{{~std::uint64_t{0}}, 10, false}});
  rig.driver->kick(kQueue);
  EXPECT_EQ(rig.refused(Refusal::OutsideMemory), 1u);
  EXPECT_EQ(read().present, 0u);
  EXPECT_EQ(rig.device().request_statistics(), Status::Ok);
}

TEST_F(HostileStatistics, Case23_SplitOverManyElements) {
  const std::vector<std::byte> bytes = entries({{4, 0x0123'4567'89ab'cdef}, {5, 42}});
  rig.put(BalloonRig::kRoom, bytes.data(), bytes.size());
  std::vector<QueueBuffer> buffers;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    buffers.push_back({BalloonRig::kRoom + ByteCount{i}, 1, false});
  EXPECT_FALSE(rig.driver->exchange(kQueue, buffers).has_value());
  EXPECT_EQ(read().value[4], 0x0123'4567'89ab'cdefu);
  EXPECT_EQ(read().value[5], 42u);
}

TEST_F(HostileStatistics, Case23_ASecondBufferComesBackAtOnce) {
  EXPECT_FALSE(give(entries({{4, 1}})));
  EXPECT_TRUE(give(entries({{4, 2}})));
  EXPECT_EQ(rig.refused(Refusal::SecondBuffer), 1u);
  EXPECT_EQ(read().value[4], 1u);
  EXPECT_EQ(rig.device().request_statistics(), Status::Ok);
  EXPECT_TRUE(rig.driver->take(kQueue).has_value());
}

TEST_F(HostileStatistics, WritableWhereReadableIsDue) {
  EXPECT_FALSE(rig.driver->exchange(kQueue, {{BalloonRig::kRoom, 10, true}}).has_value());
  EXPECT_EQ(rig.refused(Refusal::NotReadable), 1u);
  EXPECT_EQ(read().present, 0u);
}

TEST_F(HostileStatistics, ResetWhileABufferIsKept) {
  EXPECT_FALSE(give(entries({{4, 1}})));
  rig.device().set_status(0);
  EXPECT_EQ(rig.device().request_statistics(), Status::NotFound);
  rig.bring_up(kBalloonStatsVq);
  EXPECT_EQ(rig.device().request_statistics(), Status::Busy);
  EXPECT_FALSE(give({}));
  static_cast<void>(rig.device().stop_queue(kQueue));
  EXPECT_EQ(rig.device().request_statistics(), Status::Busy)
      << "2.6.1: the reset dropped the buffer of the queue";
}

}  // namespace
}  // namespace fallow::detail
