// The object behind a fallow_reporter, and registration with it.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "fallow/c/detail/c_port.h"
#include "fallow/c/detail/status_values.h"
#include "fallow/c/detail/storage.h"
#include "fallow/c/page_reporting.h"
#include "fallow/reporting/policy_spec.h"
#include "fallow/reporting/reporter.h"
#include "fallow/reporting/reporting_device.h"

namespace fallow::detail {

// The reporting device over a driver's structure.
class CDevice final : public ReportingDevice {
 public:
  // Takes the structure. InvalidArgument: a field is out of range. The previous one must not be registered.
  Status attach(fallow_page_reporting_dev_info& info) noexcept;

  Status report(Scatterlist list, std::uint32_t token) noexcept override;
  std::uint32_t capacity() const noexcept override { return capacity_; }
  std::uint32_t depth() const noexcept override { return depth_; }
  Content content_after() const noexcept override { return content_; }

 private:
  fallow_page_reporting_dev_info* info_ = nullptr;
  std::uint32_t capacity_ = 0, depth_ = 0;
  Content content_ = Content::Unknown;
};

// Returns the order that the field `order` of a driver's structure stands for.
Result<Order> report_order(std::uint32_t order) noexcept;

}  // namespace fallow::detail

/// The reporter with its port, and the registered device. The arena of the port follows.
struct alignas(fallow::detail::kStorageAlignment) fallow_reporter {
  static constexpr auto kKind = fallow::detail::HandleKind::Reporter;

  fallow_reporter(const fallow_port& functions, std::span<std::byte> arena,
                  std::span<fallow::Zone* const> of) noexcept
      : port(functions, arena), reporter(port, of), zone_count(static_cast<std::uint32_t>(of.size())) {}

  fallow::detail::HandleKind kind = fallow::detail::HandleKind::None;
  fallow::detail::CPort port;
  fallow::Reporter reporter;
  const std::uint32_t zone_count;
  fallow_zone* zones[FALLOW_MAX_ZONES] = {};
  // The structure of the driver, or the balloon driver, that is registered; null: none. A thread that sets it
  // owns `device` and `policy` until it clears it again.
  std::atomic<const void*> registered{nullptr};
  fallow::detail::CDevice device;
  fallow::ConfiguredPolicy policy{{}, {}};
  std::atomic<std::uint32_t> users{0};  // balloon drivers that complete their requests with the reporter
};

namespace fallow::detail {

// Reserves the place of the registered device for `key`. False: another one has it.
bool claim(fallow_reporter& reporter, const void* key) noexcept;
// Gives the place back.
void unclaim(fallow_reporter& reporter) noexcept;

// Registers a device with the policy that the text names, after claim(); unclaims on failure.
fallow_status register_claimed(fallow_reporter& reporter, ReportingDevice& device, const char* policy,
                               Result<Order> order) noexcept;
// Unregisters what was registered under `key`.
fallow_status unregister(fallow_reporter& reporter, const void* key, const ReportingDevice& device) noexcept;

}  // namespace fallow::detail
