// Drivers that break the rules for reports and lists. The number in CaseNN is that of the case in
// docs/threat-model.md.
#include <numeric>

#include "tests/unit/balloon/hostile_device.h"

namespace fallow::detail {
namespace {

using Runs = std::vector<RecordingBacking::Run>;
constexpr std::uint32_t kFrame = 4096;
constexpr std::uint64_t kTop = ~std::uint64_t{0};

// ---- The content of a report ----

TEST_F(HostileDevice, Case01_ReportOutsideMemory) {
  EXPECT_EQ(rig.report({pages(0x500), pages(0x500 + (1 << 18)), pages(0xff), span_of(kTop - kFrame, 1)}), 0u);
  EXPECT_TRUE(rig.untouched_but({}));
  EXPECT_EQ(rig.refused(Refusal::OutsideMemory), 4u);
  expect_alive();
}

TEST_F(HostileDevice, Case02_ReportAcrossTheEndOfMemory) {
  EXPECT_EQ(rig.report({pages(0x4fe, 4)}), 0u) << "a range that ends outside memory is refused as a whole";
  EXPECT_EQ(rig.report({span_of(0x4ff'000, kFrame + 1)}), 0u) << "one byte is outside memory";
  EXPECT_EQ(rig.report({pages(0xfe, 4)}), 0u) << "a range that begins outside memory is refused";
  EXPECT_EQ(rig.report({span_of(0x100'000 - 1, kFrame + 1)}), 0u) << "one byte is outside memory";
  EXPECT_TRUE(rig.untouched_but({}));
  EXPECT_EQ(rig.refused(Refusal::OutsideMemory), 4u);
  EXPECT_EQ(rig.report({pages(0x4fe, 2)}), 2 * kFrame) << "the range ends at the end of memory";
  EXPECT_EQ(rig.report({pages(0x4f0, 2), pages(0x4fe, 4), pages(0x4f8, 2)}), 2 * kFrame);
  EXPECT_TRUE(rig.untouched_but({target(0x4f0, 2), target(0x4f8, 2), target(0x4fe, 2)}))
      << "the other ranges are released";
}

TEST_F(HostileDevice, Case02_ReportAcrossRegions) {
  // A hole lies between the second and the third region; the backing holds foreign memory after the first.
  BalloonRig other({.regions = {{0x100, 16, 0}, {0x110, 16, 512}, {0x130, 16, 1024}}});
  other.bring_up();
  EXPECT_EQ(other.report({pages(0x10e, 64)}), 0u);
  EXPECT_TRUE(other.untouched_but({}));
  EXPECT_EQ(other.refused(Refusal::OutsideMemory), 1u);
  EXPECT_EQ(other.report({pages(0x10e, 18)}), 18 * kFrame) << "the range contains no hole";
  EXPECT_TRUE(other.untouched_but({{{0x400e}, {2}}, {{0x4200}, {16}}}));
}

TEST_F(HostileDevice, Case03_AddressPlusLengthWraps) {
  EXPECT_EQ(rig.report({span_of(kTop, 1), span_of(kTop - 4095, 0xffff'ffff), span_of(kTop, 2)}), 0u);
  EXPECT_TRUE(rig.untouched_but({}));
  EXPECT_EQ(rig.refused(Refusal::Wraps), 3u);
  expect_alive();
}

TEST_F(HostileDevice, Case04_LengthZero) {
  EXPECT_EQ(rig.report({pages(0x110), pages(0x120, 0), pages(0x130)}), 2 * kFrame);
  EXPECT_EQ(rig.refused(Refusal::Empty), 1u);
  EXPECT_TRUE(rig.untouched_but({target(0x110, 1), target(0x130, 1)}));
}

TEST_F(HostileDevice, Case05_LengthOfAllOnes) {
  EXPECT_EQ(rig.report({span_of(0x110'000, 0xffff'ffff)}), 0u);
  EXPECT_TRUE(rig.untouched_but({}));
  EXPECT_EQ(rig.refused(Refusal::OutsideMemory), 1u);
}

TEST_F(HostileDevice, Case05_InAnIndirectTable) {
  BalloonRig other;
  other.bring_up(kBalloonPageReporting | kFeatureIndirectDesc);
  EXPECT_EQ(other.report({span_of(0x110'000, 0xffff'ffff), pages(0x120), pages(0x4ff, 2)}), 0u);
  EXPECT_TRUE(other.untouched_but({target(0x120, 1)}));
  EXPECT_EQ(other.refused(Refusal::OutsideMemory), 2u);
}

TEST_F(HostileDevice, Case06_NoByteOfANeighbouringPageIsLost) {
  EXPECT_EQ(rig.report({span_of(0x110'064, 4096)}), 0u);
  EXPECT_EQ(rig.report({span_of(0x120'000, 2048)}), 0u);
  EXPECT_EQ(rig.report({span_of(0x130'001, 2 * kFrame - 2)}), 0u);
  EXPECT_TRUE(rig.untouched_but({}));
  EXPECT_EQ(rig.refused(Refusal::PartOfPage), 3u);
  EXPECT_EQ(rig.report({span_of(0x140'fff, kFrame + 2)}), 0u);
  EXPECT_TRUE(rig.untouched_but({target(0x141, 1)}));
  EXPECT_EQ(rig.refused(Refusal::PartOfPage), 4u);
}

TEST_F(HostileDevice, Case07_EveryEdgeOfAHostPage) {
  for (const std::uint64_t page : {16u, 512u}) {
    BalloonRig other({.regions = {{0x400, 2048, 0}}, .page = page});
    other.bring_up();
    for (std::uint64_t start = page - 1; start <= page + 1; ++start) {
      for (std::uint64_t end = 2 * page - 1; end <= 2 * page + 1; ++end) {
        other.backing.forget();
        static_cast<void>(other.report({pages(0x400 + start, end - start)}));
        const bool whole = start <= page && end >= 2 * page;
        EXPECT_EQ(other.backing.discards, (whole ? Runs{{{0x4000 + page}, {page}}} : Runs{}))
            << start << " " << end;
      }
    }
  }
}

TEST_F(HostileDevice, Case08_ReadableWhereWritableIsDue) {
  EXPECT_EQ(rig.report({{address_of(Pfn{0x110}), kFrame, false}}), 0u);
  EXPECT_EQ(rig.report({{address_of(Pfn{0x110}), kFrame, false}, pages(0x120)}), kFrame)
      << "the length is counted from the first writable byte";
  EXPECT_TRUE(rig.untouched_but({target(0x120, 1)}));
  EXPECT_EQ(rig.refused(Refusal::NotWritable), 2u);
}

TEST_F(HostileDevice, Case13_AChainAsLongAsTheQueue) {
  std::vector<QueueBuffer> buffers;
  for (std::uint64_t i = 0; i < 64; ++i) buffers.push_back(pages(0x110 + 2 * i));
  EXPECT_EQ(rig.report(buffers), 64 * kFrame);
  EXPECT_EQ(rig.backing.discards.size(), 64u);
}

TEST_F(HostileDevice, Case10_ReportOfTheRingsThemselves) {
  static_cast<void>(rig.report({{BalloonRig::kRings, 160 * kFrame, true}, pages(0x110)}));
  EXPECT_TRUE(rig.untouched_but({target(0x110, 1)})) << "the chain was copied before the ring was discarded";
  EXPECT_EQ(rig.device().mistakes().rings, 1u) << "the discarded ring is not a valid ring";
  rig.bring_up(kFeatures);
  expect_alive();
}

TEST_F(HostileDevice, Case25_PoisonChangesWhileReporting) {
  rig.backing.during_discard = [&] { rig.set_config(kBalloonPoisonVal, 0xaa); };
  EXPECT_EQ(rig.report({pages(0x110), pages(0x120)}), 2 * kFrame)
      << "one request uses one value for all its pages";
  rig.backing.during_discard = nullptr;
  EXPECT_EQ(rig.report({pages(0x130)}), 0u) << "the next request uses the new value";
  EXPECT_TRUE(rig.untouched_but({target(0x110, 1), target(0x120, 1)}));
  EXPECT_EQ(rig.refused(Refusal::Poison), 1u);
  EXPECT_EQ(rig.device().mistakes().config, 2u);
}

TEST_F(HostileDevice, DescriptorChangedBetweenCheckAndUse) {
  rig.bring_up(kFeatures & ~kFeatureIndirectDesc);
  const QueueAddresses at = rig.driver->queue(reporting).addresses();
  rig.backing.during_discard = [&] {
    for (std::uint64_t i = 0; i < at.size; ++i) {
      const VirtqDesc evil{Le64(0x200'000), Le32(64 * kFrame), Le16(kDescWrite), Le16(0)};
      rig.put(at.descriptors + ByteCount{i * sizeof evil}, &evil, sizeof evil);
    }
  };
  EXPECT_EQ(rig.report({pages(0x110), pages(0x120), pages(0x130)}), 3 * kFrame);
  EXPECT_TRUE(rig.untouched_but({target(0x110, 1), target(0x120, 1), target(0x130, 1)}));
}

TEST_F(HostileDevice, Case27_AcknowledgedOnlyAfterTheDiscards) {
  const QueueAddresses at = rig.driver->queue(reporting).addresses();
  UsedRing used(rig.map.guest().translate(at.device_area, UsedRing::bytes(at.size)), at.size);
  std::vector<std::uint16_t> seen;
  rig.backing.during_discard = [&] { seen.push_back(used.idx().load()); };
  EXPECT_EQ(rig.report({pages(0x110), pages(0x120)}), 2 * kFrame);
  EXPECT_EQ(seen, (std::vector<std::uint16_t>{0, 0}));
  EXPECT_EQ(used.idx().load(), 1u);
}

TEST_F(HostileDevice, Case27_ReportAndInflateOfTheSamePage) {
  rig.inflate({0x110});
  EXPECT_EQ(rig.report({pages(0x110)}), kFrame);
  rig.inflate({0x110});
  rig.deflate({0x110});
  EXPECT_EQ(rig.report({pages(0x110)}), kFrame);
  EXPECT_TRUE(rig.untouched_but({target(0x110, 1)}));
  EXPECT_EQ(rig.stats().inflated.raw, 0u);
}

TEST_F(HostileDevice, Case36_OneFrameInTwo) {
  BalloonRig other({.regions = {{0x1000, 2048, 0}}, .queue_size = 1024});
  other.bring_up();
  std::vector<QueueBuffer> buffers;
  for (std::uint64_t i = 0; i < 1024; ++i) buffers.push_back(pages(0x1000 + (i * 997) % 1024 * 2));
  EXPECT_EQ(other.report(buffers), 1024 * kFrame)
      << "the size of the work memory depends on the queue, not on the report";
  EXPECT_EQ(other.backing.discards.size(), 1024u);
}

// ---- Lists ----

TEST_F(HostileDevice, Case09_WritableWhereReadableIsDue) {
  const std::uint32_t frame = 0x110;
  rig.put(BalloonRig::kRoom, &frame, 4);
  for (const BalloonQueue queue : {BalloonQueue::Inflate, BalloonQueue::Deflate}) {
    EXPECT_EQ(rig.driver->exchange(rig.number(queue), {{BalloonRig::kRoom, 4, true}}), 0u);
  }
  EXPECT_TRUE(rig.untouched_but({}));
  EXPECT_EQ(rig.refused(Refusal::NotReadable), 2u);
  EXPECT_EQ(rig.driver->exchange(0, {{BalloonRig::kRoom, 4, false}, pages(0x120)}), 0u);
  EXPECT_TRUE(rig.untouched_but({target(0x110, 1)})) << "the list is used, but the writable page is not";
  expect_alive();
}

TEST_F(HostileDevice, Case16_EmptyList) {
  EXPECT_EQ(rig.inflate({}), 0u);
  EXPECT_EQ(rig.deflate({}), 0u);
  EXPECT_EQ(rig.refused(Refusal::Empty), 2u);
  EXPECT_TRUE(rig.untouched_but({}));
}

TEST_F(HostileDevice, Case17_ListCutOff) {
  const std::uint32_t frames[] = {0x110, 0x112};
  rig.put(BalloonRig::kRoom, frames, sizeof frames);
  for (std::uint32_t rest = 1; rest < 4; ++rest) {
    EXPECT_EQ(rig.driver->exchange(0, {{BalloonRig::kRoom, 4 + rest, false}}), 0u);
    EXPECT_EQ(rig.driver->exchange(1, {{BalloonRig::kRoom, rest, false}}), 0u);
  }
  EXPECT_TRUE(rig.untouched_but({target(0x110, 1)})) << "complete numbers are used";
  EXPECT_EQ(rig.refused(Refusal::ListLength), 6u);
}

TEST_F(HostileDevice, Case18_MoreThan256Numbers) {
  std::vector<std::uint32_t> list(1024);
  std::iota(list.begin(), list.end(), 0x100);
  EXPECT_EQ(rig.inflate(list), 0u);
  EXPECT_EQ(rig.stats().inflated.raw, 1024u);
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x100, 1024)}));
  EXPECT_EQ(rig.stats().refused_all(), 0u);
}

TEST_F(HostileDevice, Case18_ALongListIsCutAndReturned) {
  const std::vector<std::uint32_t> list(5000, 0x110);
  EXPECT_EQ(rig.inflate(list), 0u);
  EXPECT_EQ(rig.stats().inflated_twice, 4095u);
  EXPECT_EQ(rig.refused(Refusal::ListLength), 1u);
  EXPECT_EQ(rig.deflate(list), 0u);
  EXPECT_EQ(rig.refused(Refusal::ListLength), 2u) << "the list has more numbers than the guest has frames";
  // Repeated lists of a gigabyte: the work for each is bounded.
  const QueueBuffer much{address_of(Pfn{0x100}), 1024 * kFrame, false};
  EXPECT_EQ(rig.driver->exchange(0, std::vector<QueueBuffer>(64, much)), 0u);
  EXPECT_EQ(rig.driver->exchange(1, std::vector<QueueBuffer>(64, much)), 0u);
  expect_alive();
}

TEST_F(HostileDevice, Case18_ALongDeflateIsNotCut) {
  // Frames that stayed in the balloon by mistake could be discarded with their host page while in use.
  BalloonRig other({.regions = {{0x1000, 2048, 0}, {0x4000, 2048, 0}, {0x8000, 2048, 0}}});
  other.bring_up();
  std::vector<std::uint32_t> list;
  for (const std::uint32_t first : {0x1000u, 0x4000u, 0x8000u}) {
    std::vector<std::uint32_t> part(2048);
    std::iota(part.begin(), part.end(), first);
    other.inflate(part);
    list.insert(list.end(), part.begin(), part.end());
  }
  EXPECT_EQ(other.stats().inflated.raw, 6144u);
  EXPECT_EQ(other.deflate(list), 0u);
  EXPECT_EQ(other.stats().inflated.raw, 0u);
  EXPECT_EQ(other.stats().refused_all(), 0u);
}

TEST_F(HostileDevice, Case19_NumbersOfNoFrame) {
  rig.inflate({0, 0xffff'ffff, 0xff, 0x500, 0x110});
  rig.deflate({0, 0xffff'ffff});
  EXPECT_TRUE(rig.untouched_but({target(0x110, 1)}));
  EXPECT_EQ(rig.refused(Refusal::OutsideMemory), 6u);
  EXPECT_EQ(rig.stats().inflated.raw, 1u);
}

TEST_F(HostileDevice, Case20_TheSameFrameTwice) {
  rig.inflate({0x110, 0x111, 0x110});
  rig.inflate({0x111});
  EXPECT_EQ(rig.stats().inflated.raw, 2u);
  EXPECT_EQ(rig.stats().inflated_twice, 2u);
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x110, 2)}));
  rig.deflate({0x110, 0x110, 0x110, 0x200});
  rig.deflate({0x110});
  EXPECT_EQ(rig.stats().inflated.raw, 1u) << "the count never falls below the number of inflated pages";
  EXPECT_EQ(rig.backing.populates, (Runs{target(0x110, 1)}));
}

TEST_F(HostileDevice, Case21_AListInPieces) {
  const std::vector<std::uint32_t> list = {0x110, 0x222, 0x133, 0x144, 0x155};
  // The list crosses the end of a page, and is split into elements of one to seven bytes.
  const GuestPhys at = BalloonRig::kRoom + ByteCount{kFrame - 9};
  for (std::uint32_t piece = 1; piece < 8; ++piece) {
    rig.put(at, list.data(), 20);
    std::vector<QueueBuffer> buffers;
    for (std::uint32_t start = 0; start < 20; start += piece)
      buffers.push_back({at + ByteCount{start}, std::min(piece, 20 - start), false});
    EXPECT_EQ(rig.driver->exchange(0, buffers), 0u);
    EXPECT_EQ(rig.stats().inflated.raw, 5u);
    EXPECT_EQ(rig.driver->exchange(1, buffers), 0u);
    EXPECT_EQ(rig.stats().inflated.raw, 0u) << piece;
  }
  EXPECT_EQ(rig.stats().refused_all(), 0u);
}

TEST_F(HostileDevice, Case21_AListThatLeavesMemoryCountsAsFarAsItGoes) {
  const std::uint32_t frames[] = {0x110, 0x111};
  rig.put({0x4ff'ff8}, frames, sizeof frames);
  EXPECT_EQ(rig.driver->exchange(0, {{{0x4ff'ff8}, 64, false}}), 0u);
  EXPECT_EQ(rig.driver->exchange(0, {{{kTop - 3}, 64, false}, {{0x4ff'ff8}, 8, false}}), 0u);
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x110, 2)}));
  EXPECT_EQ(rig.refused(Refusal::OutsideMemory), 2u);
}

TEST_F(HostileDevice, Case22_AListThatNamesItself) {
  // The list is in frames 0x110 and 0x111, and names them first; frame 0 of the backing is 0x100.
  std::vector<std::uint32_t> list(2048, 0x120);
  list[0] = 0x110;
  list[1] = 0x111;
  list[2047] = 0x130;
  rig.put(address_of(Pfn{0x110}), list.data(), 8192);
  EXPECT_EQ(rig.driver->exchange(0, {{address_of(Pfn{0x110}), 8192, false}}), 0u);
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x110, 2), target(0x120, 1), target(0x130, 1)}));
  EXPECT_EQ(rig.refused(Refusal::OutsideMemory), 0u) << "a number was read from a discarded page";
}

TEST_F(HostileDevice, Case22_AListThatNamesTheRing) {
  std::vector<std::uint32_t> list(192);
  std::iota(list.begin(), list.end(), static_cast<std::uint32_t>(BalloonRig::kRingsFrame));
  rig.put(BalloonRig::kRoom, list.data(), list.size() * 4);
  rig.driver->add(0, {{BalloonRig::kRoom, 768, false}});
  rig.driver->kick(0);
  EXPECT_EQ(rig.device().mistakes().rings, 1u) << "the guest discarded its own ring";
  rig.bring_up(kFeatures);
  expect_alive();
}

// ---- Kicks ----

TEST_F(HostileDevice, Case26_KicksOfQueuesOfFeaturesNotAccepted) {
  ASSERT_EQ(rig.number(BalloonQueue::Hint), kNoQueue);
  const std::uint16_t hint = 4;  // with all features accepted
  EXPECT_FALSE(rig.device().started(hint));
  EXPECT_FALSE(rig.device().process(hint, 1));
  EXPECT_FALSE(rig.device().process(99, 1));
  EXPECT_EQ(rig.device().mistakes().kicks, 2u);
  expect_alive();
}

}  // namespace
}  // namespace fallow::detail
