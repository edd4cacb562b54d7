// Calls of a reporter with wrong arguments, in a wrong state or from the wrong thread: each is answered with
// a Status, or stops the program with an instruction.
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/support/rig.h"

namespace fallow {
namespace {

constexpr PfnCount kSize = mebibytes(16);

TEST(ReporterDeathTest, DestroyedWhileADeviceIsRegistered) {
  EXPECT_DEATH(
      {
        FakePort port;
        ZoneBox box(port, kSize);
        Zone* const zones[] = {&box.zone()};
        TestDevice device(port);
        Reporter reporter(port, zones);
        static_cast<void>(reporter.register_device(device));
      },
      "call unregister_device\\(\\) first");
}

TEST(ReporterDeathTest, DestroyedInsideRun) {
  FakePort port;
  ZoneBox box(port, kSize);
  Zone* const zones[] = {&box.zone()};
  TestDevice device(port);
  std::optional<Reporter> reporter(std::in_place, port, zones);
  HwmPolicy policy({9}, 1);
  ASSERT_EQ(reporter->register_device(device, policy), Status::Ok);
  Status answer = Status::Ok;
  device.answer = [&](Scatterlist, std::uint32_t) {
    answer = reporter->unregister_device(device);
    EXPECT_DEATH(reporter.reset(), "stop the worker first");
    return Status::Ok;
  };
  static_cast<void>(reporter->run());
  EXPECT_FALSE(device.batches.empty());
  EXPECT_EQ(answer, Status::Deadlock) << "the worker would wait for itself";
  EXPECT_EQ(reporter->unregister_device(device), Status::Ok);
}

TEST(ReporterDeathTest, NoZoneTooManyZonesAndAZoneTwice) {
  FakePort port;
  ZoneBox box(port, kSize);
  const std::vector<Zone*> none = {nullptr}, twice = {&box.zone(), &box.zone()};
  const std::vector<Zone*> many(Reporter::kMaxZones + 1, &box.zone());
  EXPECT_DEATH(Reporter(port, none), "a zone is null");
  EXPECT_DEATH(Reporter(port, twice), "given twice");
  EXPECT_DEATH(Reporter(port, many), "make another Reporter");
}

TEST(ReporterDeathTest, AZoneOfAnotherReporter) {
  FakePort port;
  ZoneBox box(port, kSize);
  Zone* const zones[] = {&box.zone()};
  {
    const Reporter first(port, zones);
    EXPECT_DEATH(Reporter(port, zones), "belongs to another Reporter; destroy that one first");
  }
  const Reporter second(port, zones);
}

TEST(ReporterDeathTest, TheFlagOfAZoneThatThereIsNot) {
  Rig rig(kSize);
  EXPECT_FALSE(rig.reporter().reporting_requested(0));
  EXPECT_DEATH(static_cast<void>(rig.reporter().reporting_requested(1)), "there is no such zone");
}

TEST(ReporterCallerErrors, WithoutADevice) {
  Rig rig(kSize);
  const TestDevice device(rig.port);
  EXPECT_EQ(rig.reporter().unregister_device(device), Status::NotFound);
  EXPECT_EQ(rig.reporter().complete(0, Status::Ok), Status::InvalidArgument);
  EXPECT_EQ(rig.reporter().run(), kNever);
  EXPECT_EQ(rig.reporter().forget_reported(), Status::Ok);
}

// A policy of the user may be wrong in what validate() does not check.
TEST(ReporterCallerErrors, APolicyOfALargeOrder) {
  class Wrong final : public Policy {
   public:
    Status validate() const noexcept override { return Status::Ok; }
    Order order() const noexcept override { return {11}; }
    Nanoseconds delay() const noexcept override { return {}; }
    std::int64_t credit(const detail::UnreportedCounts&) const noexcept override { return 1; }
    PassResult pass(ReportingPass&) noexcept override { return PassResult::Rest; }
  } policy;
  Rig rig(kSize);
  TestDevice device(rig.port);
  EXPECT_EQ(rig.reporter().register_device(device, policy), Status::InvalidArgument);
}

// R6: a request whose completion says "pending" stays in flight, because the device still has the frames.
TEST(ReporterCallerErrors, CompleteWithPending) {
  Rig rig(kSize);
  TestDevice device(rig.port);
  device.answer = [](Scatterlist, std::uint32_t) { return Status::Pending; };
  HwmPolicy policy({9}, 1);
  rig.register_device(device, policy);
  rig.run_due();
  ASSERT_EQ(device.batches.size(), 1u);
  const std::uint32_t token = device.batches.front().token;
  EXPECT_EQ(rig.reporter().complete(token, Status::Pending), Status::InvalidArgument);
  EXPECT_EQ(rig.reporter().stats().in_flight, 1u);
  EXPECT_EQ(rig.reporter().complete(token ^ 1U << 30, Status::Ok), Status::InvalidArgument)
      << "another token";
  device.answer = {};
  EXPECT_EQ(rig.reporter().complete(token, Status::Ok), Status::Ok);
  EXPECT_EQ(rig.reporter().complete(token, Status::Ok), Status::InvalidArgument) << "settled already";
  rig.run_due();
  rig.unregister_device(device);
}

}  // namespace
}  // namespace fallow
