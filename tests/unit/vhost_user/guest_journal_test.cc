// VH-3: each chain that a device took is returned exactly once, whenever its process died.
#include "vhost_user/daemon/guest_journal.h"

#include <gtest/gtest.h>

#include <map>

#include "fallow/virtio/ring/detail/split_layout.h"
#include "tests/support/balloon_rig.h"
#include "tests/support/ring_box.h"

namespace fallow::vhost {
namespace {

// Captures the world before and after each step, and keeps a copy of the n-th capture.
class DyingJournal final : public RingJournal {
 public:
  DyingJournal(GuestRecord& record, std::span<std::byte> rings, std::size_t dies_at)
      : record_(record), journal_(record), rings_(rings), dies_at_(dies_at) {}

  void taken(std::uint16_t queue, const Chain& chain, QueuePosition position) noexcept override {
    look();
    journal_.taken(queue, chain, position);
    look();
  }
  void kept(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept override {
    look();
    journal_.kept(queue, id, slots);
    look();
  }
  void returning(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept override {
    look();
    journal_.returning(queue, id, slots);
    look();
  }
  void returned(std::uint16_t queue, std::uint16_t id, QueuePosition position) noexcept override {
    look();
    journal_.returned(queue, id, position);
    look();
  }

  GuestJournal& journal() { return journal_; }
  bool died() const { return looks_ >= dies_at_; }
  // Restores the world to that copy.
  void go_back() {
    record_ = record_then_;
    std::copy(rings_then_.begin(), rings_then_.end(), rings_.begin());
  }

 private:
  void look() {
    if (++looks_ != dies_at_) return;
    record_then_ = record_;
    rings_then_.assign(rings_.begin(), rings_.end());
  }
  GuestRecord& record_;
  GuestJournal journal_;
  std::span<std::byte> rings_;
  const std::size_t dies_at_;
  std::size_t looks_ = 0;
  GuestRecord record_then_;
  std::vector<std::byte> rings_then_;
};

constexpr std::uint16_t kStats = 2;

class Death : public testing::TestWithParam<Features> {
 protected:
  Death() { rig.bring_up(kBalloonStatsVq | kBalloonPageReporting | GetParam()); }

  bool packed() const { return (GetParam() & kFeatureRingPacked) != 0; }
  std::uint16_t reporting() { return rig.number(BalloonQueue::Reporting); }
  std::span<std::byte> rings() {
    constexpr std::uint64_t kBytes = BalloonRig::kRingsFrames << kFrameShift;
    return {rig.map.guest().translate(BalloonRig::kRings, {kBytes}), kBytes};
  }

  // A statistics buffer is given, requested and given again; in between, reports of one and of three
  // elements.
  void live(DyingJournal& journal) {
    rig.device().set_journal(&journal);
    for (const std::uint16_t queue : {kStats, reporting()})
      journal.journal().started(queue, 0, QueuePosition::fresh(packed()));
    const detail::QueueBuffer page{BalloonRig::kRoom + ByteCount{8192}, 4096, true};
    rig.driver->add(kStats, {{BalloonRig::kRoom, 20, false}}, 100);
    rig.driver->add(reporting(), {page}, 1);
    rig.driver->add(reporting(), {page, page, page}, 2);
    rig.driver->add(reporting(), {page}, 3);
    rig.driver->kick(kStats);
    rig.driver->kick(reporting());
    static_cast<void>(rig.device().request_statistics());
    rig.driver->add(reporting(), {page, page}, 4);
    rig.driver->kick(reporting());
    rig.device().set_journal(nullptr);
  }

  // Another process takes over, and also serves the chains that no process has taken.
  void inherit(GuestRecord& record) {
    GuestJournal journal(record);
    for (const std::uint16_t queue : {kStats, reporting()}) {
      const detail::QueueAddresses at = rig.driver->queue(queue).addresses();
      static_cast<void>(rig.device().stop_queue(queue));
      const auto chains = journal.owed_chains(queue, rig.map.guest(), at, packed());
      ASSERT_TRUE(chains.running);
      rig.device().set_journal(&journal);
      ASSERT_EQ(rig.device().start_queue(queue, at, chains.position), Status::Ok);
      for (unsigned i = 0; i < chains.count; ++i)
        rig.device().hand_back(queue, chains.owed[i].id, chains.owed[i].slots);
      rig.driver->kick(queue);
      const auto after = journal.owed_chains(queue, rig.map.guest(), at, packed());
      EXPECT_EQ(after.position.next_used, rig.device().stop_queue(queue).next_used);
      rig.device().set_journal(nullptr);
    }
  }

  BalloonRig rig{{.regions = {{0x100, 1024, 0}}}};
};
INSTANTIATE_TEST_SUITE_P(GuestJournal, Death, testing::Values(Features{0}, kFeatureRingPacked));

TEST_P(Death, AtEachStepEachChainComesBackOnce) {
  std::size_t moments = 0;
  for (std::size_t at = 1;; ++at) {
    SCOPED_TRACE("died at look " + std::to_string(at));
    rig.bring_up(kBalloonStatsVq | kBalloonPageReporting | GetParam());
    GuestRecord record{};
    DyingJournal dying(record, rings(), at);
    live(dying);
    if (!dying.died()) break;
    ++moments;
    dying.go_back();
    // Chains that the driver had not added at that moment are nevertheless in flight for the driver, but lie
    // in the ring's memory only if they had been added. Those are returned once; no chain is returned twice.
    inherit(record);
    std::map<std::uint64_t, int> back;
    Used used;
    for (const std::uint16_t queue : {kStats, reporting()}) {
      Taken taken = Taken::Nothing;
      while ((taken = rig.driver->queue(queue).take(used)) == Taken::Used) ++back[used.token];
      EXPECT_EQ(taken, Taken::Nothing) << describe(rig.driver->queue(queue).fault());
    }
    for (const std::uint64_t token : {1u, 2u, 3u}) EXPECT_EQ(back[token], 1) << token;
    EXPECT_LE(back[4], 1);
    EXPECT_LE(back[100], 1);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(moments, 20u);
}

// The first process dies after it returns a chain and before it records the return; the second dies while it
// hands back another.
TEST(GuestJournalTwice, WhatCameBackIsNotLookedForAgain) {
  GuestBox box(8192);
  const detail::QueueAddresses at{16, box.base(), box.base() + ByteCount{1024}, box.base() + ByteCount{4096}};
  detail::UsedRing used(box.at(at.device_area), at.size);
  GuestRecord record{};
  GuestJournal journal(record);
  journal.started(2, 0, {0, 0});
  journal.taken(2, {1, 1, {}}, {1, 0});
  journal.kept(2, 1, 1);
  journal.taken(2, {2, 1, {}}, {2, 0});
  journal.returning(2, 2, 1);
  used.idx().store(1);

  const auto first = journal.owed_chains(2, box.map(), at, false);
  ASSERT_EQ(first.count, 1U);
  EXPECT_EQ(first.owed[0].id, 1);
  EXPECT_EQ(first.position.next_used, 1);
  journal.continued(2, first);
  journal.returning(2, 1, 1);

  const auto second = journal.owed_chains(2, box.map(), at, false);
  ASSERT_EQ(second.count, 1U);
  EXPECT_EQ(second.owed[0].id, 1);
  EXPECT_EQ(second.position.next_used, 1);
  used.idx().store(2);
  EXPECT_EQ(journal.owed_chains(2, box.map(), at, false).count, 0U);
}

TEST(GuestJournalWords, KeepWhatTheyAreGiven) {
  for (const std::uint16_t value : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{0x3fff}}) {
    const RingProgress p{{0x8001, 0xfffe}, 0xabcd, value, RingProgress::Step::Returning};
    const RingProgress q = RingProgress::of(p.word());
    EXPECT_EQ(q.position.next_avail, p.position.next_avail);
    EXPECT_EQ(q.position.next_used, p.position.next_used);
    EXPECT_EQ(q.id, p.id);
    EXPECT_EQ(q.slots, p.slots);
    EXPECT_EQ(q.step, p.step);
  }
}

}  // namespace
}  // namespace fallow::vhost
