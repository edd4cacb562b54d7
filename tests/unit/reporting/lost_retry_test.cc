// R7 retry: a request that fails while the worker is coming to rest is retried.
#include "tests/support/rig.h"

namespace fallow::detail {
namespace {

// A policy that lets the test act when the worker has decided that nothing is left to do: after a call of
// credit(), and before the zone rests.
class HookedPolicy final : public Policy {
 public:
  HookedPolicy(Order order, std::uint32_t threshold) : inner_(order, threshold) {}

  Status validate() const noexcept override { return inner_.validate(); }
  Order order() const noexcept override { return inner_.order(); }
  Nanoseconds delay() const noexcept override { return inner_.delay(); }
  std::int64_t credit(const UnreportedCounts& counts) const noexcept override {
    const std::int64_t credit = inner_.credit(counts);
    ++looks_;
    if (on_look) on_look(looks_);
    return credit;
  }
  PassResult pass(ReportingPass& pass) noexcept override {
    looks_ = 0;
    return inner_.pass(pass);
  }

  std::function<void(int look)> on_look;

 private:
  HwmPolicy inner_;
  mutable int looks_ = 0;  // since the last pass began
};

// Eight blocks, below the threshold of 32 and above the threshold of 1. Their request fails at the given
// call of credit(): 1 is before the flag is cleared, 2 is after the credit was granted.
class R7LostRetry : public ::testing::TestWithParam<std::tuple<std::uint32_t, int>> {};

TEST_P(R7LostRetry, AFailureWhileTheWorkerComesToRestIsTriedAgain) {
  const auto [threshold, at_look] = GetParam();
  Rig rig(mebibytes(512));
  rig.box().fill();
  rig.box().free_blocks({mebibytes(256).raw}, kOrder9, 8, 1024);
  TestDevice device(rig.port, 64, 2);
  HookedPolicy policy(kOrder9, threshold);
  std::vector<std::uint32_t> tokens;
  device.answer = [&](Scatterlist, std::uint32_t token) {
    tokens.push_back(token);
    return device.batches.size() == 1 ? Status::Pending : Status::Ok;
  };
  bool failed = false;
  policy.on_look = [&, at_look = at_look](int look) {
    // With a threshold of 1 the worker loops until everything that it may isolate is in flight.
    if (failed || look != at_look || device.batches.empty()) return;
    failed = true;
    EXPECT_EQ(rig.reporter().complete(tokens.at(0), Status::Failed), Status::Ok);
  };
  rig.register_device(device, policy);
  rig.pass_time(milliseconds(99));
  ASSERT_TRUE(failed);
  rig.pass_time(seconds(10));
  EXPECT_EQ(rig.box().stats().reported, rig.box().stats().free) << "the failed request was not retried";
  EXPECT_EQ(rig.reporter().stats().failures, 1u);
  EXPECT_FALSE(rig.reporter().reporting_requested(0));
  EXPECT_EQ(rig.port.next_deadline(), kNever);
  rig.unregister_device(device);
}

INSTANTIATE_TEST_SUITE_P(ReportBitsAndLooks, R7LostRetry,
                         ::testing::Combine(::testing::Values(1U, 32U), ::testing::Values(1, 2)));

}  // namespace
}  // namespace fallow::detail
