// Zones, a reporter and virtual time: the fixture of the tests of the reporting contract.
#pragma once

#include <memory>
#include <vector>

#include "fallow/reporting/policies.h"
#include "fallow/reporting/reporter.h"
#include "tests/support/fake_port.h"
#include "tests/support/test_device.h"
#include "tests/support/zone_box.h"

namespace fallow {

// `count` zones of the same size; the i-th starts at frame i * kGap.
class Rig {
 public:
  static constexpr std::uint64_t kGap = std::uint64_t{1} << 24;

  explicit Rig(PfnCount frames, std::size_t count = 1, std::uint32_t caches = 1) {
    std::vector<Zone*> zones;
    for (std::size_t i = 0; i < count; ++i) {
      boxes_.push_back(std::make_unique<ZoneBox>(port, frames, caches, Pfn{i * kGap}));
      zones.push_back(&boxes_.back()->zone());
    }
    reporter_ = std::make_unique<Reporter>(port, zones);
  }
  ~Rig() {
    // Only a failed test leaves a device registered.
    if (device_ != nullptr) static_cast<void>(reporter_->unregister_device(*device_));
    reporter_.reset();
    boxes_.clear();
    EXPECT_EQ(port.live_allocations(), 0u) << "memory of the port was lost";
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  ZoneBox& box(std::size_t i = 0) { return *boxes_[i]; }
  Zone& zone(std::size_t i = 0) { return boxes_[i]->zone(); }
  LocalCache& cache(std::size_t i = 0) { return boxes_[i]->cache(); }
  Reporter& reporter() { return *reporter_; }

  // Runs the worker at each deadline during the next `time`.
  void pass_time(Nanoseconds time) { port.run_until(port.now() + time, worker_of(*reporter_)); }
  // Runs only the work that is due now.
  void run_due() { pass_time({}); }

  void register_device(TestDevice& device, Policy& policy) {
    ASSERT_EQ(reporter_->register_device(device, policy), Status::Ok);
    device_ = &device;
  }
  void unregister_device(TestDevice& device) {
    ASSERT_EQ(reporter_->unregister_device(device), Status::Ok);
    device_ = nullptr;
    for (const auto& box : boxes_) box->check();
  }

  FakePort port;

 private:
  std::vector<std::unique_ptr<ZoneBox>> boxes_;
  std::unique_ptr<Reporter> reporter_;
  ReportingDevice* device_ = nullptr;
};

}  // namespace fallow
