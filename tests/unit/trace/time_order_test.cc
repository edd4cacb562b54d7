#include "trace/time_order.h"

#include <gtest/gtest.h>

namespace fallow::trace {
namespace {

using Verdict = TimeOrder::Verdict;

TraceEvent at(std::uint64_t ms) { return {milliseconds(ms), Pfn{1}}; }

Verdict judge(TimeOrder& order, std::uint64_t ms) {
  TraceEvent event = at(ms);
  return order.judge(event);
}

// A TimeOrder whose latest event is at 1000 ms.
TimeOrder started() {
  TimeOrder order;
  EXPECT_EQ(judge(order, 1000), Verdict::Hold);
  order.hold(at(1000), 1);
  EXPECT_EQ(judge(order, 1000), Verdict::HeldGood);
  EXPECT_EQ(order.take_held().time, milliseconds(1000));
  EXPECT_EQ(judge(order, 1000), Verdict::InOrder);
  return order;
}

TEST(TimeOrder, small_steps) {
  TimeOrder order = started();
  EXPECT_EQ(judge(order, 1100), Verdict::InOrder);
  EXPECT_EQ(judge(order, 1101), Verdict::InOrder);
  EXPECT_EQ(order.latest(), milliseconds(1101));
}

TEST(TimeOrder, late_event_gets_the_latest_time) {
  TimeOrder order = started();
  TraceEvent event = at(900);
  EXPECT_EQ(order.judge(event), Verdict::Late);
  EXPECT_EQ(event.time, milliseconds(1000));
}

TEST(TimeOrder, too_late) {
  TimeOrder order = started();
  EXPECT_EQ(judge(order, 899), Verdict::Backward);
  EXPECT_EQ(judge(order, 1000), Verdict::InOrder);
}

TEST(TimeOrder, a_pause_is_held_until_the_next_event_agrees) {
  TimeOrder order = started();
  EXPECT_EQ(judge(order, 1101), Verdict::Hold);
  order.hold(at(1101), 7);
  EXPECT_EQ(order.held()->line, 7u);
  EXPECT_EQ(judge(order, 1001), Verdict::HeldGood);
  order.take_held();
  EXPECT_EQ(judge(order, 1001), Verdict::Late);
}

TEST(TimeOrder, a_jump_that_the_next_event_goes_back_from_is_damaged) {
  TimeOrder order = started();
  EXPECT_EQ(judge(order, 1101), Verdict::Hold);
  order.hold(at(1101), 7);
  EXPECT_EQ(judge(order, 1000), Verdict::HeldBad);
  order.drop_held();
  EXPECT_EQ(judge(order, 1000), Verdict::InOrder);
}

TEST(TimeOrder, what_is_held_outlives_an_event_that_goes_too_far_back) {
  TimeOrder order = started();
  order.hold(at(9000), 7);
  EXPECT_EQ(judge(order, 1), Verdict::Backward);
  EXPECT_EQ(judge(order, 9000), Verdict::HeldGood);
}

}  // namespace
}  // namespace fallow::trace
