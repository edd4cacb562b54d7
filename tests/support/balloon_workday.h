// Runs a balloon's whole life over any transport: it reports, inflates and deflates, its reporting queue is
// reset, and the driver is recovered, unbound and bound again. Nothing is lost, and no rule is broken.
#pragma once

#include "tests/support/register_guest.h"

namespace fallow {

// The kernel's loop, until nothing is due.
template <class Guest>
void settle(Guest& guest) {
  do {
    guest.interrupts.deliver();
    guest.pair->run_due();
  } while (guest.interrupts.pending());
}

template <class Guest>
void expect_all_reported(Guest& guest) {
  settle(guest);
  EXPECT_EQ(guest.pair->rig.box().stats().reported, mebibytes(64));
}

template <class Guest>
void expect_no_rule_broken(Guest& guest) {
  for (const std::string& rule : guest.model->broken_rules) ADD_FAILURE() << "does not keep: " << rule;
  const DriverMistakes mistakes = guest.pair->device().mistakes();
  EXPECT_EQ(mistakes.status + mistakes.features + mistakes.config + mistakes.queues + mistakes.kicks, 0u);
  EXPECT_EQ(mistakes.rings, 0u);
  EXPECT_EQ(guest.pair->device().stats().refused_all(), 0u);
  EXPECT_EQ(guest.pair->driver.stats().ring_faults, 0u);
}

template <class Guest>
void live_through_a_workday(Guest& guest, bool resets_queues) {
  BalloonPair& pair = *guest.pair;
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  ASSERT_TRUE(pair.driver.reports());
  HwmPolicy policy(kOrder9, 1);
  pair.register_driver(policy);
  expect_all_reported(guest);
  EXPECT_EQ(pair.device().stats().released, bytes(mebibytes(64)));

  pair.set_target(mebibytes(16));
  settle(guest);
  EXPECT_EQ(pair.driver.stats().inflated, mebibytes(16));
  EXPECT_EQ(pair.device().actual(), mebibytes(16));
  pair.set_target({0});
  settle(guest);
  EXPECT_EQ(pair.device().actual().raw, 0u);

  EXPECT_EQ(pair.driver.reset_reporting_queue(), resets_queues ? Status::Ok : Status::NotFound);
  expect_all_reported(guest);
  EXPECT_EQ(pair.driver.recover(), Status::Ok);
  expect_all_reported(guest);
  pair.unregister();
  pair.driver.remove();
  EXPECT_EQ(pair.device().status(), 0);

  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  pair.register_driver(policy);
  pair.rig.box().fill();
  for (Pfn frame{0}; frame < Pfn{0} + mebibytes(64); frame = frame + frames(kOrder9))
    ASSERT_EQ(pair.rig.box().cache().free(frame, kOrder9), Status::Ok);
  pair.rig.box().cache().drain();
  expect_all_reported(guest);
  pair.expect_whole();
  expect_no_rule_broken(guest);
  EXPECT_GT(guest.interrupts.taken, 0u);
}

}  // namespace fallow
