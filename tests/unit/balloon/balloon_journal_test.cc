// The calls that a device makes to its journal, and how a successor uses the journal.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/balloon_rig.h"

namespace fallow::detail {
namespace {

class WordsJournal final : public RingJournal {
 public:
  void taken(std::uint16_t queue, const Chain& chain, QueuePosition position) noexcept override {
    say("taken", queue, chain.id);
    last = position;
  }
  void kept(std::uint16_t queue, std::uint16_t id, std::uint16_t) noexcept override {
    say("kept", queue, id);
  }
  void returning(std::uint16_t queue, std::uint16_t id, std::uint16_t) noexcept override {
    say("returning", queue, id);
  }
  void returned(std::uint16_t queue, std::uint16_t id, QueuePosition position) noexcept override {
    say("returned", queue, id);
    last = position;
  }
  std::string words;
  QueuePosition last;

 private:
  void say(const char* word, unsigned queue, unsigned id) {
    words += std::string(word) + " " + std::to_string(queue) + ":" + std::to_string(id) + " ";
  }
};

TEST(BalloonJournal, IsToldOfEachStep) {
  BalloonRig rig{{}};
  WordsJournal journal;
  rig.device().set_journal(&journal);
  rig.bring_up(kBalloonStatsVq | kBalloonPageReporting);
  rig.driver->add(2, {{BalloonRig::kRoom, 10, false}});
  rig.driver->kick(2);
  EXPECT_EQ(journal.words, "taken 2:0 kept 2:0 ");
  journal.words.clear();
  EXPECT_EQ(rig.device().request_statistics(), Status::Ok);
  EXPECT_EQ(journal.words, "returning 2:0 returned 2:0 ");
  journal.words.clear();
  const std::uint16_t reporting = rig.number(BalloonQueue::Reporting);
  for (int i = 0; i < 2; ++i) rig.driver->add(reporting, {{BalloonRig::kRoom, 4096, true}});
  rig.driver->kick(reporting);
  const std::string r = std::to_string(reporting);
  EXPECT_EQ(journal.words, "taken " + r + ":0 returning " + r + ":0 returned " + r + ":0 taken " + r +
                               ":1 returning " + r + ":1 returned " + r + ":1 ");
  EXPECT_EQ(journal.last.next_used, 2u);
  EXPECT_EQ(journal.last.next_avail, 2u);
}

// A chain that was taken but not returned: the queue continues after the chain, and the chain is returned
// unserved.
TEST(BalloonJournal, WhatWasTakenIsHandedBack) {
  for (const Features ring : {Features{0}, kFeatureRingPacked}) {
    BalloonRig rig{{}};
    WordsJournal journal;
    rig.device().set_journal(&journal);
    rig.bring_up(kBalloonPageReporting | ring);
    const std::uint16_t reporting = rig.number(BalloonQueue::Reporting);
    rig.driver->add(reporting, {{BalloonRig::kRoom, 4096, true}, {BalloonRig::kRoom, 4096, true}}, 7);
    const QueueAddresses addresses = rig.driver->queue(reporting).addresses();
    const QueuePosition before = rig.device().stop_queue(reporting);
    QueuePosition behind = before;
    behind.next_avail = static_cast<std::uint16_t>(before.next_avail + (ring != 0 ? 2 : 1));
    ASSERT_EQ(rig.device().start_queue(reporting, addresses, behind), Status::Ok);
    rig.device().hand_back(reporting, 0, ring != 0 ? 2 : 1);
    const auto used = rig.driver->take(reporting);
    ASSERT_TRUE(used.has_value());
    EXPECT_EQ(used->token, 7u);
    EXPECT_EQ(used->length, 0u);
    EXPECT_EQ(rig.driver->exchange(reporting, {{BalloonRig::kRoom, 4096, true}}), 4096u);
  }
}

}  // namespace
}  // namespace fallow::detail
