// Which events become which allocations and frees, and that lost content is detected.
#include "replay/replay_machine.h"

#include <gtest/gtest.h>

#include "fallow/zone/zone_stats.h"

namespace fallow::replay {
namespace {

constexpr PfnCount kMemory{16384};

MachineSetup setup(BackingKind backing = BackingKind::None, bool verify = false) {
  MachineSetup s{kMemory, {PolicySpec{}, Order{9}}};
  s.backing = backing;
  s.verify = verify;
  return s;
}

std::unique_ptr<ReplayMachine> machine(const MachineSetup& s = setup()) {
  auto made = ReplayMachine::create(s);
  EXPECT_TRUE(made) << made.error;
  return std::move(made.object);
}

trace::TraceEvent event(trace::TraceEvent::Kind kind, std::uint64_t pfn, unsigned order) {
  trace::TraceEvent e;
  e.kind = kind;
  e.pfn = Pfn{pfn};
  e.order = Order{static_cast<std::uint8_t>(order)};
  return e;
}
trace::TraceEvent alloc(std::uint64_t pfn, unsigned order = 0) {
  return event(trace::TraceEvent::Kind::Alloc, pfn, order);
}
trace::TraceEvent free_of(std::uint64_t pfn, unsigned order = 0) {
  return event(trace::TraceEvent::Kind::Free, pfn, order);
}

void apply_all(ReplayMachine& m, std::initializer_list<trace::TraceEvent> events) {
  for (const trace::TraceEvent& e : events) ASSERT_TRUE(m.apply(e)) << m.error();
}

// Compares the count of the machine with that of the zone.
void expect_used(ReplayMachine& m, std::uint64_t frames) {
  EXPECT_EQ(m.used(), PfnCount{frames});
  EXPECT_EQ(zone_stats(m.zone()).used, PfnCount{frames});
  EXPECT_EQ(m.counts().refused_frees, 0U);
}

TEST(ReplayMachine, AllocatesAndFreesOfAllOrders) {
  const auto m = machine();
  std::uint64_t used = 0;
  for (unsigned order = 0; order <= 10; ++order) {
    apply_all(*m, {alloc(std::uint64_t{4096} << order, order)});
    used += std::uint64_t{1} << order;
    expect_used(*m, used);
  }
  for (unsigned order = 0; order <= 10; ++order)
    apply_all(*m, {free_of(std::uint64_t{4096} << order, order)});
  expect_used(*m, 0);
  EXPECT_EQ(m->counts().unmatched_frees, 0U);
  EXPECT_EQ(m->peak_used(), PfnCount{used});
  EXPECT_EQ(m->retire(), nullptr);
}

TEST(ReplayMachine, AFreeOfWhatIsNotLiveIsUnmatchedOnce) {
  const auto m = machine();
  apply_all(*m, {free_of(64, 3), alloc(1), free_of(1), free_of(1)});
  EXPECT_EQ(m->counts().unmatched_frees, 2U);
  expect_used(*m, 0);
}

TEST(ReplayMachine, PartsOfAnAllocationAreFreedOneByOne) {
  const auto m = machine();
  apply_all(*m, {alloc(1024, 9), free_of(1024, 5), free_of(1056)});
  expect_used(*m, 512 - 33);
  apply_all(*m, {free_of(1024, 9)});
  expect_used(*m, 0);
  EXPECT_EQ(m->counts().unmatched_frees, 1U);
  EXPECT_EQ(m->retire(), nullptr);
}

TEST(ReplayMachine, OneFreeMayTakeSeveralAllocations) {
  const auto m = machine();
  apply_all(*m, {alloc(8), alloc(100), alloc(9, 0), alloc(10, 1), free_of(8, 2)});
  expect_used(*m, 1);
  EXPECT_EQ(m->counts().unmatched_frees, 0U);
  EXPECT_EQ(m->retire(), nullptr);
}

TEST(ReplayMachine, AnAllocationOfWhatIsLiveImpliesItsFree) {
  const auto m = machine();
  apply_all(*m, {alloc(16, 2), alloc(17), alloc(17)});
  expect_used(*m, 4);
  EXPECT_EQ(m->counts().implied_frees, 2U);
  apply_all(*m, {free_of(16, 2)});
  expect_used(*m, 0);
  EXPECT_EQ(m->counts().unmatched_frees, 0U);
  EXPECT_EQ(m->retire(), nullptr);
}

TEST(ReplayMachine, TheFreeOfAFailedAllocationIsNotUnmatched) {
  const auto m = machine();
  const std::uint64_t blocks = kMemory.raw / 1024;
  for (std::uint64_t i = 0; i <= blocks; ++i) apply_all(*m, {alloc(i * 1024, 10)});
  EXPECT_EQ(m->counts().failed_allocs, 1U);
  expect_used(*m, kMemory.raw);
  apply_all(*m, {free_of(blocks * 1024, 10), free_of(0, 10)});
  EXPECT_EQ(m->counts().unmatched_frees, 0U);
  expect_used(*m, kMemory.raw - 1024);
}

TEST(ReplayMachine, TheBooksCountFramesAndHugePagesCountBlocks) {
  const auto m = machine();
  apply_all(*m, {alloc(1), alloc(64, 4)});
  EXPECT_EQ(m->residency().resident(), PfnCount{17});
  const auto huge = machine(setup(BackingKind::Thp));
  apply_all(*huge, {alloc(1), alloc(2)});
  EXPECT_EQ(huge->residency().resident(), PfnCount{512});
  EXPECT_EQ(huge->memory()->backing().resident().value(), PfnCount{512});
}

TEST(ReplayMachine, EveryAllocatedFrameIsReallyTouched) {
  for (const BackingKind kind : {BackingKind::Anonymous, BackingKind::Memfd}) {
    const auto m = machine(setup(kind));
    apply_all(*m, {alloc(1), alloc(64, 4)});
    EXPECT_EQ(m->memory()->backing().resident().value(), PfnCount{17});
  }
}

TEST(ReplayMachine, AMigrateTypeBecomesAMobility) {
  const auto m = machine();
  // Each mobility has separate blocks.
  for (std::uint8_t type = 0; type < 6; ++type) {
    trace::TraceEvent e = alloc(type);
    e.migratetype = type;
    apply_all(*m, {e});
  }
  unsigned partly_used[kMobilities] = {};
  for (std::uint32_t b = 0; b < m->zone().tables().blocks(); ++b) {
    const detail::BlockEntry entry = m->zone().tables().entry(b);
    if (entry.used() != 0) ++partly_used[static_cast<unsigned>(entry.mobility())];
  }
  for (const unsigned n : partly_used) EXPECT_EQ(n, 1U);
}

// Verification detects that the content of an allocated frame changes behind the back of the zone.
TEST(ReplayMachine, VerificationFindsAFrameThatLostItsContent) {
  const auto m = machine(setup(BackingKind::Memfd, true));
  apply_all(*m, {alloc(1), alloc(2), alloc(3), free_of(1)});
  EXPECT_EQ(m->memory()->corrupted(), 0U);
  EXPECT_EQ(m->memory()->backing().discard(Pfn{0}, kMemory), Status::Ok);
  apply_all(*m, {free_of(2)});
  EXPECT_EQ(m->memory()->corrupted(), 1U);
  EXPECT_EQ(m->retire(), nullptr);
  EXPECT_EQ(m->memory()->corrupted(), 2U);  // the frame that is still allocated counts, too
}

TEST(HostMemory, AFrameThatBreaksItsPromiseIsCorrupted) {
  const auto backing = create_backing(BackingKind::Anonymous, false, PfnCount{16});
  ASSERT_TRUE(backing) << backing.error;
  auto memory = HostMemory::create(*backing.object, true);
  memory.object->allocated(Pfn{3}, PfnCount{1}, true);
  memory.object->freeing(Pfn{3}, PfnCount{1});
  EXPECT_EQ(memory.object->corrupted(), 0U);
  memory.object->allocated(Pfn{3}, PfnCount{1}, true);  // still holds the old stamp
  EXPECT_EQ(memory.object->corrupted(), 1U);
}

TEST(HostMemory, PopulatingChangesNothing) {
  const auto backing = create_backing(BackingKind::Anonymous, false, PfnCount{16});
  auto memory = HostMemory::create(*backing.object, true);
  memory.object->allocated(Pfn{3}, PfnCount{2}, false);
  memory.object->populate(Pfn{0}, PfnCount{16});
  memory.object->check_all();
  EXPECT_EQ(memory.object->corrupted(), 0U);
  EXPECT_EQ(backing.object->resident().value(), PfnCount{16});
}

TEST(ReplayMachine, AZoneThatIsTooLargeIsAnError) {
  const auto made = ReplayMachine::create({PfnCount{std::uint64_t{1} << 40}, setup().policy});
  EXPECT_FALSE(made);
  EXPECT_NE(made.error.find("4294967296 MiB"), std::string::npos) << made.error;
}

}  // namespace
}  // namespace fallow::replay
