// The common behaviour of the transports over MMIO and PCI: queues, interrupts, and registers that hold
// invalid values.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/support/balloon_workday.h"
#include "tests/unit/virtio/hostile_registers.h"

namespace fallow::detail {
namespace {

constexpr std::uint16_t kReporting = 4;

template <class Kind>
class RegisterTransport : public testing::Test {};
TYPED_TEST_SUITE(RegisterTransport, TransportKinds, TransportKindName);

// ---- Queues (4.1.4.3, 4.2.2). ----

TYPED_TEST(RegisterTransport, AQueueResetThatTakesItsTime) {
  typename TypeParam::Guest guest(everything(kRingFeatures));
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  ASSERT_EQ(guest.pair->driver.probe(), Status::Ok);
  guest.model->slow_reset = 100;
  EXPECT_EQ(guest.pair->driver.reset_reporting_queue(), Status::Ok);
  EXPECT_GE(guest.pair->rig.port.relaxes(), 100u);
  expect_no_rule_broken(guest);
}

TYPED_TEST(RegisterTransport, QueuesThatAreNotStartedAreNotNotified) {
  typename TypeParam::Guest guest(everything(kRingFeatures));
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  for (const unsigned queue : {0u, 5u, 31u, 0xffffu})
    guest.transport->notify(static_cast<std::uint16_t>(queue));
  ASSERT_EQ(guest.pair->driver.probe(), Status::Ok);
  ASSERT_EQ(guest.transport->reset_queue(kReporting), Status::Ok);
  const std::uint64_t before = guest.model->notifications;
  for (const unsigned queue : {unsigned{kReporting}, 5u, 0xffffu})
    guest.transport->notify(static_cast<std::uint16_t>(queue));
  EXPECT_EQ(guest.model->notifications, before);
  expect_no_rule_broken(guest);
}

TYPED_TEST(RegisterTransport, QueuesAreNotStartedTwiceNorBeyondTheirSize) {
  typename TypeParam::Guest guest(everything(0));
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  ASSERT_EQ(guest.pair->driver.probe(), Status::Ok);
  const QueueAddresses at = guest.pair->meddler.queues[kReporting];
  EXPECT_EQ(guest.transport->start_queue(kReporting, at), Status::Failed);
  EXPECT_EQ(guest.transport->start_queue(5, at), Status::Failed) << "the device has queues 0 to 4";
  EXPECT_EQ(guest.transport->start_queue(0xffff, at), Status::Failed);
  EXPECT_EQ(guest.transport->reset_queue(0xffff), Status::Failed);
  EXPECT_EQ(guest.transport->reset_queue(kReporting), Status::Failed) << "the feature is not negotiated";
  guest.transport->set_status(0);
  EXPECT_EQ(guest.transport->status(), 0);
  EXPECT_EQ(guest.transport->start_queue(kReporting, {512, {64}, {64}, {64}}), Status::Failed);
  EXPECT_EQ(guest.transport->start_queue(kReporting, {0, {64}, {64}, {64}}), Status::Failed);
  expect_no_rule_broken(guest);
}

// ---- Interrupts (4.1.4.5, 4.1.5.4, 4.2.3.4). ----

class Listener final : public DeviceCalls {
 public:
  void queue_used(std::uint16_t queue) noexcept override {
    heard |= std::uint32_t{1} << queue;
    if (during) during();
  }
  void config_changed() noexcept override { ++changes; }
  std::uint32_t heard = 0;
  unsigned changes = 0;
  std::function<void()> during;
};

TYPED_TEST(RegisterTransport, OneInterruptMayHaveBothCauses) {
  typename TypeParam::Guest guest(everything(0));
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  ASSERT_EQ(guest.pair->driver.probe(), Status::Ok);
  Listener listener;
  guest.transport->set_calls(&listener);
  guest.model->interrupt = nullptr;
  guest.model->queue_used(0);
  guest.model->config_changed();
  const std::uint8_t causes = guest.transport->acknowledge();
  EXPECT_EQ(causes, kCauseQueues | kCauseConfig);
  EXPECT_EQ(guest.transport->acknowledge(), 0) << "both causes are acknowledged already";
  EXPECT_EQ(listener.heard, 0u) << "a handler makes no call";
  guest.transport->deliver(causes);
  EXPECT_EQ(listener.heard, 0x1fu) << "one call for each started queue";
  EXPECT_EQ(listener.changes, 1u);
  guest.transport->deliver(0);
  EXPECT_EQ(listener.changes, 1u);
  guest.transport->set_calls(&guest.pair->driver);
}

TYPED_TEST(RegisterTransport, InterruptsFromBeforeAResetAreDropped) {
  typename TypeParam::Guest guest(everything(0));
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  ASSERT_EQ(guest.pair->driver.probe(), Status::Ok);
  Listener listener;
  guest.transport->set_calls(&listener);
  guest.transport->set_status(0);
  guest.transport->deliver(kCauseQueues);
  EXPECT_EQ(listener.heard, 0u);
  guest.transport->set_calls(&guest.pair->driver);
}

TYPED_TEST(RegisterTransport, InterruptsDuringACallAreNotNested) {
  typename TypeParam::Guest guest(everything(0));
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  ASSERT_EQ(guest.pair->driver.probe(), Status::Ok);
  Listener listener;
  unsigned depth = 0, deepest = 0, calls = 0;
  listener.during = [&] {
    deepest = std::max(deepest, ++depth);
    if (++calls == 1) guest.transport->deliver(kCauseQueues);
    --depth;
  };
  guest.transport->set_calls(&listener);
  guest.transport->deliver(kCauseQueues);
  EXPECT_EQ(deepest, 1u);
  EXPECT_EQ(calls, 10u) << "each of the five queues is called twice";
  guest.transport->set_calls(&guest.pair->driver);
}

TYPED_TEST(RegisterTransport, InterruptsWithoutAListenerAreDropped) {
  typename TypeParam::Guest guest(everything(0));
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  Listener listener;
  guest.transport->deliver(kCauseQueues | kCauseConfig);
  guest.transport->set_calls(&listener);
  guest.transport->deliver(kCauseQueues);
  EXPECT_EQ(listener.heard, 0u) << "no queue is started";
  EXPECT_EQ(listener.changes, 0u);
  guest.transport->set_calls(nullptr);
}

// ---- Registers that hold invalid values. ----

TYPED_TEST_SUITE(HostileRegisters, TransportKinds, TransportKindName);

TYPED_TEST(HostileRegisters, AStatusThatNeverClears) {
  for (const std::uint32_t status : TypeParam::kStuckStatus) {
    this->lie(TypeParam::kStatus, status);
    const Nanoseconds before = this->pair.rig.port.now();
    EXPECT_EQ(this->probe(), Status::Failed) << status;
    EXPECT_EQ(this->guest.transport->open(), Unusable::DoesNotReset) << status;
    EXPECT_LE(this->pair.rig.port.now() - before, seconds(5)) << status;
  }
}

TYPED_TEST(HostileRegisters, ADeviceThatDisappears) {
  ASSERT_EQ(this->probe(), Status::Ok);
  this->guest.model->lie = [](std::uint64_t) { return std::optional(~std::uint32_t{0}); };
  EXPECT_EQ(this->pair.driver.reset_reporting_queue(), Status::Failed);
  this->pair.driver.remove();
  EXPECT_EQ(this->probe(), Status::Failed);
  this->guest.model->lie = nullptr;
  this->guest.model->broken_rules.clear();
  EXPECT_EQ(this->probe(), Status::Ok);
}

TYPED_TEST(HostileRegisters, FeaturesThatDoNotStick) {
  this->guest.model->lie = [this](std::uint64_t at) {
    const std::uint8_t status = this->pair.device().status();
    return at == TypeParam::kStatus && (status & kStatusFeaturesOk) != 0
               ? std::optional<std::uint32_t>(status & ~kStatusFeaturesOk)
               : std::nullopt;
  };
  EXPECT_EQ(this->probe(), Status::Failed);
  EXPECT_NE(this->pair.device().status() & kStatusFailed, 0);
}

TYPED_TEST(HostileRegisters, AQueueWithoutASize) {
  this->lie(TypeParam::kQueueSize, 0);
  EXPECT_EQ(this->probe(), Status::Failed);
}

// At 1, the queue is enabled before the driver starts it; at 0, it is not enabled afterwards.
TYPED_TEST(HostileRegisters, AQueueThatIsAlwaysOrNeverEnabled) {
  for (const std::uint32_t enabled : {0u, 1u}) {
    this->lie(TypeParam::kQueueEnable, enabled);
    EXPECT_EQ(this->probe(), Status::Failed) << enabled;
  }
}

TYPED_TEST(HostileRegisters, AQueueResetThatNeverEnds) {
  ASSERT_EQ(this->probe(), Status::Ok);
  this->lie(TypeParam::kQueueReset, 1);
  EXPECT_EQ(this->pair.driver.reset_reporting_queue(), Status::Failed);
  this->guest.model->lie = nullptr;
  HwmPolicy policy(kOrder9, 1);
  this->pair.register_driver(policy);
  this->pair.pass_time(seconds(1));  // in which the driver recovers
  expect_all_reported(this->guest);
  this->pair.expect_whole();
}

TYPED_TEST(HostileRegisters, AGenerationThatKeepsChanging) {
  ASSERT_EQ(this->probe(), Status::Ok);
  std::uint32_t generation = 0;
  this->guest.model->lie = [&](std::uint64_t at) {
    return at == TypeParam::kGeneration ? std::optional(++generation & 0xff) : std::nullopt;
  };
  this->pair.set_target(mebibytes(1));
  this->pair.run_due();
  EXPECT_EQ(this->pair.device().actual(), mebibytes(1));
  EXPECT_LT(generation, 200u);
}

}  // namespace
}  // namespace fallow::detail
