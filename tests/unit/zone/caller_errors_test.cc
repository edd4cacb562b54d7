// Calls of a zone and its local caches with a wrong number, size, order, alignment or state: each is answered
// with a Status, or stops the program with an instruction.
#include <vector>

#include "tests/unit/zone/test_zone.h"

namespace fallow::detail {
namespace {

class ZoneCallerErrors : public ZoneTest {
 protected:
  // The counter of LocalCache's attempts, which is odd while a thread is inside one.
  struct Attempts : LocalCache {
    static std::atomic<std::uint32_t>& of(LocalCache& cache) { return cache.*(&Attempts::attempts_); }
  };
};

using ZoneCallerErrorsDeathTest = ZoneCallerErrors;

TEST_F(ZoneCallerErrorsDeathTest, CacheOfANumberThatThereIsNot) {
  EXPECT_DEATH(static_cast<void>(zone().cache(2)), "Zone::cache.*set ZoneConfig::caches");
  EXPECT_DEATH(static_cast<void>(std::as_const(zone()).cache(~std::uint32_t{0})), "set ZoneConfig::caches");
}

TEST_F(ZoneCallerErrorsDeathTest, AllocateInACacheThatIsInUse) {
  Attempts::of(cache(0)).store(1);
  EXPECT_DEATH(static_cast<void>(cache(0).allocate(Order{3})), "give each thread or CPU a cache of its own");
  Attempts::of(cache(0)).store(0);
  EXPECT_TRUE(cache(1).allocate(Order{3}).ok()) << "other caches do not matter";
}

TEST_F(ZoneCallerErrorsDeathTest, ForgetReportedTwiceAtOnce) {
  struct Again {
    static void call(void* zone) { static_cast<Zone*>(zone)->forget_reported(); }
  };
  struct InUse : LocalCache {
    static auto& of(LocalCache& cache) { return cache.*(&InUse::uses_reported_); }
  };
  // A cache that uses reported frames makes the first call wait, and the hook makes the second call.
  InUse::of(cache(0)).store(true);
  port().on_relax({&Again::call, &zone()});
  EXPECT_DEATH(zone().forget_reported(), "call Reporter::forget_reported");
  port().on_relax({});
  InUse::of(cache(0)).store(false);
}

TEST_F(ZoneCallerErrors, AllocateOfALargeOrderOrAnUnknownMobility) {
  for (const std::uint8_t order : {std::uint8_t{11}, std::uint8_t{64}, std::uint8_t{255}})
    EXPECT_EQ(cache().allocate(Order{order}).status, Status::InvalidArgument);
  EXPECT_EQ(cache().allocate({}, static_cast<Mobility>(kMobilities)).status, Status::InvalidArgument);
  EXPECT_EQ(cache().allocate({}, static_cast<Mobility>(255)).status, Status::InvalidArgument);
  EXPECT_EQ(used().raw, 0u);
}

TEST_F(ZoneCallerErrors, ReserveOutsideTheZoneAndOfFramesInUse) {
  constexpr std::uint64_t kAll = kBlocks * kBlockFrames;
  EXPECT_EQ(zone().reserve(Pfn{kBase.raw - 1}, {1}), Status::InvalidArgument);
  EXPECT_EQ(zone().reserve(kBase, {kAll + 1}), Status::InvalidArgument);
  EXPECT_EQ(zone().reserve(kBase + PfnCount{1}, {~std::uint64_t{0}}), Status::InvalidArgument);
  EXPECT_EQ(zone().reserve(Pfn{~std::uint64_t{0}}, {1}), Status::InvalidArgument);
  EXPECT_EQ(zone().reserve(kBase, {0}), Status::Ok) << "no frames";
  EXPECT_EQ(zone().reserve(kBase, {100}), Status::Ok);
  EXPECT_EQ(zone().reserve(kBase + PfnCount{99}, {2}), Status::InvalidArgument) << "reserved already";
  EXPECT_EQ(zone().reserved().raw, 100u);
}

TEST_F(ZoneCallerErrors, ContainsNothingThatWraps) {
  EXPECT_FALSE(zone().contains(kBase, {~std::uint64_t{0}}));
  EXPECT_FALSE(zone().contains(Pfn{~std::uint64_t{0}}, {2}));
}

// The areas of orders that do not exist are empty.
TEST_F(ZoneCallerErrors, FreeAreaOfALargeOrder) {
  EXPECT_EQ(free_area(zone(), Order{11}).nr_free, 0u);
  EXPECT_EQ(free_area(zone(), Order{255}).nr_free, 0u);
}

TEST(ZoneCreateErrors, TablesOfAnotherZone) {
  FakePort port;
  const ZoneConfig config{Pfn{0}, PfnCount{4096}, 2};
  const ByteCount size = Zone::metadata_size(config);
  void* const memory = port.allocate(size);
  const std::span metadata(static_cast<std::byte*>(memory), size.raw);
  ASSERT_TRUE(Zone::create(port, config, metadata).ok());
  EXPECT_EQ(Zone::create(port, config, metadata).status(), Status::InvalidArgument) << "not zero-filled";
  std::fill(metadata.begin(), metadata.end(), std::byte{0});
  EXPECT_TRUE(Zone::create(port, config, metadata).ok());
  EXPECT_EQ(Zone::create(port, config, metadata.subspan(8)).status(), Status::InvalidArgument) << "alignment";
  EXPECT_EQ(Zone::create(port, config, {}).status(), Status::InvalidArgument) << "no memory";
  port.release(memory, size);
}

TEST(ZoneCreateErrorsDeathTest, ValueOfAZoneThatWasNotMade) {
  FakePort port;
  const Result<Zone*> made = Zone::create(port, {}, {});
  EXPECT_EQ(made.status(), Status::InvalidArgument);
  EXPECT_DEATH(static_cast<void>(made.value()), "test ok\\(\\) first");
}

}  // namespace
}  // namespace fallow::detail
