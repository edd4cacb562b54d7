// R9, R13: a repeated or late completion settles nothing.
#include <atomic>
#include <thread>

#include "tests/support/rig.h"

namespace fallow::detail {
namespace {

// Answers Pending and records the tokens.
class R13Token : public ::testing::Test {
 protected:
  void SetUp() override {
    device_.answer = [this](Scatterlist, std::uint32_t token) {
      tokens_.push_back(token);
      return Status::Pending;
    };
  }
  void start() {
    rig_.register_device(device_, policy_);
    rig_.run_due();
  }
  Status complete(std::uint32_t token) { return rig_.reporter().complete(token, Status::Ok); }

  Rig rig_{mebibytes(256)};
  TestDevice device_{rig_.port, 4, 1};
  HwmPolicy policy_{kOrder9, 1};
  std::vector<std::uint32_t> tokens_;
};

TEST_F(R13Token, OfAnEarlierRequestDoesNotSettleTheNextOneInItsSlot) {
  start();
  for (std::size_t n = 1; n <= 3; ++n) {
    ASSERT_EQ(tokens_.size(), n);
    const PfnCount isolated = rig_.box().stats().isolated;
    for (std::size_t i = 0; i + 1 < n; ++i) {
      EXPECT_EQ(slot_of(tokens_[i]), slot_of(tokens_.back()));
      EXPECT_EQ(complete(tokens_[i]), Status::InvalidArgument) << i;
    }
    EXPECT_EQ(rig_.box().stats().isolated, isolated)
        << "a late completion put back frames that are in flight";
    EXPECT_EQ(complete(tokens_.back()), Status::Ok);
    rig_.run_due();
  }
  EXPECT_EQ(rig_.box().stats().reported, mebibytes(256));
  rig_.unregister_device(device_);
}

TEST_F(R13Token, OfAnEarlierRegistrationSettlesNothing) {
  start();
  EXPECT_EQ(complete(tokens_.at(0)), Status::Ok);
  rig_.unregister_device(device_);
  EXPECT_EQ(complete(tokens_[0]), Status::InvalidArgument);
  ASSERT_EQ(rig_.reporter().forget_reported(), Status::Ok);
  start();
  ASSERT_EQ(tokens_.size(), 2u);
  EXPECT_EQ(complete(tokens_[0]), Status::InvalidArgument);
  EXPECT_EQ(rig_.reporter().stats().in_flight, 1u);
  EXPECT_EQ(complete(tokens_[1]), Status::Ok);
  rig_.unregister_device(device_);
}

TEST_F(R13Token, HasRoomForSoManySlots) {
  TestDevice most(rig_.port, 1, kMaxDepth), more(rig_.port, 1, kMaxDepth + 1);
  EXPECT_EQ(rig_.reporter().register_device(more, policy_), Status::InvalidArgument);
  EXPECT_EQ(rig_.reporter().register_device(most, policy_), Status::Ok);
  EXPECT_EQ(rig_.reporter().unregister_device(most), Status::Ok);
}

// Without a device, a completion has nothing to look at.
TEST(R9Completion, AtAnyMomentOfRegistrationsTouchesNothingThatIsGone) {
  FakePort port;
  ZoneBox box(port, mebibytes(64));
  Zone* const zones[] = {&box.zone()};
  Reporter reporter(port, zones);
  TestDevice device(port, 8, 3);
  HwmPolicy policy(kOrder9, 1);
  std::atomic<std::uint32_t> last{0};
  device.answer = [&](Scatterlist, std::uint32_t token) {
    last = token;
    EXPECT_EQ(reporter.complete(token, Status::Ok), Status::Ok);
    return Status::Pending;
  };
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> settled{0};
  std::thread late([&] {
    while (!done) {
      for (std::uint32_t slot = 0; slot < 4; ++slot) {
        const std::uint32_t token = last - slot_of(last) + slot;
        if (slot != slot_of(last) && reporter.complete(token, Status::Failed) == Status::Ok) ++settled;
      }
    }
  });
  for (int i = 0; i < 300; ++i) {
    ASSERT_EQ(reporter.register_device(device, policy), Status::Ok);
    port.run_until(port.now(), worker_of(reporter));
    ASSERT_EQ(reporter.forget_reported(), Status::Ok);
    port.run_until(port.now(), worker_of(reporter));
    ASSERT_EQ(reporter.unregister_device(device), Status::Ok);
  }
  done = true;
  late.join();
  EXPECT_EQ(settled, 0u);
  EXPECT_EQ(reporter.stats().failures, 0u);
}

// A free that used up the credit requests a wakeup. unregister_device() waits for that free; afterwards no
// wakeup is requested.
TEST(R9Trigger, AFreeThatIsAboutToWakeTheWorkerIsWaitedFor) {
  Rig rig(mebibytes(256));
  TestDevice device(rig.port);
  HwmPolicy policy(kOrder9, 1);
  rig.box().fill();
  rig.box().free_blocks({mebibytes(128).raw}, kOrder10, 32, 1024);
  rig.register_device(device, policy);
  rig.run_due();
  struct Gate {
    std::atomic<bool> armed{true}, inside{false}, open{false};
  } gate;
  rig.port.on_now({[](void* context) {
                     Gate& g = *static_cast<Gate*>(context);
                     if (!g.armed.exchange(false)) return;
                     g.inside = true;
                     while (!g.open) std::this_thread::yield();
                   },
                   &gate});
  std::thread frees([&] { EXPECT_EQ(rig.cache().free(Pfn{0}, kOrder9), Status::Ok); });
  while (!gate.inside) std::this_thread::yield();
  std::atomic<bool> returned{false};
  std::uint64_t wakeups = 0;
  std::thread unregisters([&] {
    EXPECT_EQ(rig.reporter().unregister_device(device), Status::Ok);
    wakeups = rig.port.wakeups();
    returned = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(returned);
  gate.open = true;
  unregisters.join();
  frees.join();
  EXPECT_EQ(rig.port.wakeups(), wakeups);
  EXPECT_FALSE(rig.reporter().reporting_requested(0));
  EXPECT_EQ(rig.reporter().unregister_device(device), Status::NotFound);
  rig.register_device(device, policy);
  rig.unregister_device(device);
}

}  // namespace
}  // namespace fallow::detail
