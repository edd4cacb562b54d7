#include "fallow/host/release_device.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

#include "fallow/host/anonymous_backing.h"
#include "tests/unit/host/memory_probe.h"
#include "tests/unit/host/scripted_backing.h"

namespace fallow::detail {
namespace {

struct ReleaseDeviceTest : testing::Test {
  using Calls = std::vector<ScriptedBacking::Call>;

  ScriptedBacking backing{Pfn{100}, PfnCount{64}};
  std::unique_ptr<ReleaseDevice> device = std::move(ReleaseDevice::create(backing, 4).object);

  Status report(std::vector<ScatterEntry> entries) {
    if (!entries.empty()) entries.back().end = true;
    return device->report(entries, 0);
  }
  static ScriptedBacking::Call call(std::uint64_t frame, std::uint64_t n) { return {frame * 4096, n * 4096}; }
};

TEST_F(ReleaseDeviceTest, StatesItsCapacityAndTheBackingsPromise) {
  EXPECT_EQ(device->capacity(), 4u);
  EXPECT_EQ(device->depth(), 1u);
  EXPECT_EQ(device->content_after(), Content::Zero);
  const auto none = ReleaseDevice::create(backing, 0);
  EXPECT_FALSE(none);
  EXPECT_NE(none.error, "");
}

TEST_F(ReleaseDeviceTest, JoinsNeighboursWhateverTheirOrder) {
  EXPECT_EQ(report({{Pfn{108}, PfnCount{4}},
                    {Pfn{100}, PfnCount{4}},
                    {Pfn{120}, PfnCount{1}},
                    {Pfn{104}, PfnCount{4}}}),
            Status::Ok);
  EXPECT_EQ(backing.calls, (Calls{call(0, 12), call(20, 1)}));
  EXPECT_EQ(device->counts().requests, 1u);
  EXPECT_EQ(device->counts().entries, 4u);
  EXPECT_EQ(device->counts().runs, 2u);
  EXPECT_EQ(device->counts().frames, PfnCount{13});
}

TEST_F(ReleaseDeviceTest, DoesNotJoinAcrossAGap) {
  EXPECT_EQ(report({{Pfn{100}, PfnCount{4}}, {Pfn{105}, PfnCount{4}}}), Status::Ok);
  EXPECT_EQ(backing.calls, (Calls{call(0, 4), call(5, 4)}));
}

TEST_F(ReleaseDeviceTest, AnEntryInsideAnotherDoesNotShortenIt) {
  EXPECT_EQ(report({{Pfn{100}, PfnCount{10}}, {Pfn{102}, PfnCount{2}}, {Pfn{110}, PfnCount{1}}}), Status::Ok);
  EXPECT_EQ(backing.calls, (Calls{call(0, 11)}));
}

TEST_F(ReleaseDeviceTest, ARequestThatIsNotWhollyInsideReleasesNothing) {
  EXPECT_EQ(report({{Pfn{100}, PfnCount{4}}, {Pfn{160}, PfnCount{5}}}), Status::InvalidArgument);
  EXPECT_EQ(report({{Pfn{100}, PfnCount{4}}, {Pfn{99}, PfnCount{1}}}), Status::InvalidArgument);
  EXPECT_EQ(report({{Pfn{100}, PfnCount{~std::uint64_t{0}}}}), Status::InvalidArgument);
  EXPECT_EQ(report({{Pfn{100}, PfnCount{0}}}), Status::InvalidArgument);
  EXPECT_TRUE(backing.calls.empty());
  EXPECT_EQ(device->counts().refused, 4u);
  EXPECT_EQ(device->counts().requests, 0u);
}

TEST_F(ReleaseDeviceTest, MoreThanItsCapacityOrNothingIsRefused) {
  EXPECT_EQ(report(std::vector<ScatterEntry>(5, {Pfn{100}, PfnCount{1}})), Status::InvalidArgument);
  EXPECT_EQ(report({}), Status::InvalidArgument);
  EXPECT_TRUE(backing.calls.empty());
}

TEST_F(ReleaseDeviceTest, APartialFailureFailsTheRequestAndReleasesTheRest) {
  for (std::size_t i = 0; i < 3; ++i) {
    backing.calls.clear();
    backing.answers.assign(3, 0);
    backing.answers[i] = EINVAL;
    EXPECT_EQ(report({{Pfn{100}, PfnCount{1}}, {Pfn{102}, PfnCount{1}}, {Pfn{104}, PfnCount{1}}}),
              Status::Failed);
    EXPECT_EQ(backing.calls, (Calls{call(0, 1), call(2, 1), call(4, 1)}));
    EXPECT_EQ(device->counts().failures, i + 1);
    EXPECT_EQ(device->counts().frames, PfnCount{2 * (i + 1)});
  }
  EXPECT_EQ(backing.last_error(), EINVAL);
}

TEST_F(ReleaseDeviceTest, RunsAreReleasedTogetherWhereTheyCanBe) {
  backing.together = {2};
  EXPECT_EQ(report({{Pfn{100}, PfnCount{1}}, {Pfn{102}, PfnCount{1}}, {Pfn{104}, PfnCount{1}}}), Status::Ok);
  EXPECT_EQ(backing.asked, std::vector<std::size_t>{3});
  EXPECT_EQ(backing.calls, (Calls{call(4, 1)}));
  EXPECT_EQ(device->counts().runs, 3u);
  EXPECT_EQ(device->counts().frames, PfnCount{3});
}

TEST(ReleaseDevice, ReleasesRealMemoryAndOnlyWhatItWasShown) {
  auto made = AnonymousBacking::create({Pfn{0}, PfnCount{2048}});
  ASSERT_TRUE(made) << made.error;
  Backing& backing = *made.object;
  auto device = ReleaseDevice::create(backing, 32);
  ASSERT_TRUE(device) << device.error;
  fill(backing, Pfn{0}, PfnCount{2048}, 0x5A);
  const ScatterEntry list[] = {
      {Pfn{512}, PfnCount{512}}, {Pfn{0}, PfnCount{512}}, {Pfn{1536}, PfnCount{1}, true}};
  EXPECT_EQ(device.object->report(list, 0), Status::Ok);
  EXPECT_EQ(device.object->counts().runs, 2u);
  EXPECT_EQ(backing.counts().frames, PfnCount{1025});
  EXPECT_EQ(backing.resident().value(), PfnCount{2048 - 1025});
  EXPECT_TRUE(holds(backing, Pfn{0}, PfnCount{1024}, 0));
  EXPECT_TRUE(holds(backing, Pfn{1024}, PfnCount{512}, 0x5A));
  EXPECT_TRUE(holds(backing, Pfn{1537}, PfnCount{511}, 0x5A));
}

}  // namespace
}  // namespace fallow::detail
