// A zone of any size, its reporter and a checking device, for tests of zones with few spare frames.
#pragma once

#include <optional>
#include <string>

#include "fallow/zone/detail/isolation.h"
#include "tests/support/rig.h"

namespace fallow::detail {

enum class Kind : std::uint8_t { HwmOne, HwmDefault, Aged, LinuxOne, Linux };
constexpr Kind kKinds[] = {Kind::HwmOne, Kind::HwmDefault, Kind::Aged, Kind::LinuxOne, Kind::Linux};

struct Policies {
  explicit Policies(unsigned order)
      : hwm_one({static_cast<std::uint8_t>(order)}, 1),
        hwm({static_cast<std::uint8_t>(order)}),
        aged({static_cast<std::uint8_t>(order)}),
        linux_policy({static_cast<std::uint8_t>(order)}) {}
  Policy& of(Kind kind) {
    if (kind == Kind::HwmOne) return hwm_one;
    if (kind == Kind::HwmDefault) return hwm;
    if (kind == Kind::Aged) return aged;
    return linux_policy;
  }
  HwmPolicy hwm_one, hwm;
  AgedPolicy aged;
  LinuxPolicy linux_policy;
};

// One zone at any base, its reporter, and a device that checks RPT-7 on each request.
class Small {
 public:
  Small(Kind kind, unsigned order, std::uint64_t size, std::uint64_t base, std::uint32_t depth = 1)
      : box(port, {size}, 2, {base}),
        policies_(order),
        policy_(policies_.of(kind)),
        linux_rule_(kind == Kind::Linux || kind == Kind::LinuxOne),
        capacity_(kind == Kind::Linux      ? 32
                  : kind == Kind::LinuxOne ? 1
                                           : 7),
        device(port, capacity_, depth) {
    Zone* const zones[] = {&box.zone()};
    reporter.emplace(port, zones);
    device.answer = [this](Scatterlist list, std::uint32_t) {
      check(list);
      return Status::Ok;
    };
  }
  ~Small() {
    device.answer = nullptr;
    static_cast<void>(reporter->unregister_device(device));
    EXPECT_FALSE(reporter->reporting_requested(0));
    device.expect_shown_once();
    device.expect_batches_well_formed(policy_.order());
  }
  Small(const Small&) = delete;
  Small& operator=(const Small&) = delete;

  void start() { ASSERT_EQ(reporter->register_device(device, policy_), Status::Ok); }

  void check(Scatterlist list) {
    PfnCount taken;
    for (const ScatterEntry& e : list) taken += e.count;
    const std::uint64_t left = free_frames(box.zone()).raw, low = box.zone().low_watermark().raw;
    EXPECT_GE(left, low) << "RPT-7";
    const std::uint64_t half = (left + taken.raw - low) / 2, one = frames(policy_.order()).raw;
    EXPECT_LE(taken.raw, std::max(half, one)) << "RPT-7";
  }

  // How many frames above the low watermark the policy needs before it does anything.
  std::uint64_t room() const { return (linux_rule_ ? capacity_ : 1) * frames(policy_.order()).raw; }
  std::uint64_t unreported() const {
    const UnreportedCounts counts = count_unreported(box_of().zone().tables(), policy_.order());
    std::uint64_t sum = 0;
    for (unsigned o = policy_.order().raw; o <= kMaxOrder.raw; ++o) sum += counts.of[o] << o;
    return sum;
  }

  // Checks that everything that may be reported is reported, and that the worker sleeps. At most `left`
  // frames may stay unreported.
  void expect_at_rest(std::uint64_t left = 0) {
    port.run_until(port.now() + seconds(3600), worker_of(*reporter));
    const std::uint64_t free = free_frames(box.zone()).raw, low = box.zone().low_watermark().raw;
    if (free >= low + room()) {
      EXPECT_LE(unreported(), left) << free << " free, low watermark " << low;
    }
    EXPECT_FALSE(reporter->reporting_requested(0));
    EXPECT_EQ(port.next_deadline(), kNever);
    EXPECT_EQ(reporter->run(), kNever);
    EXPECT_EQ(port.next_deadline(), kNever);
    box.check();
  }

  FakePort port;
  ZoneBox box;

 private:
  ZoneBox& box_of() const { return const_cast<ZoneBox&>(box); }

  Policies policies_;
  Policy& policy_;
  const bool linux_rule_;
  const std::uint32_t capacity_;

 public:
  TestDevice device;
  std::optional<Reporter> reporter;
};

}  // namespace fallow::detail
