#include "fallow/c/detail/reporter_handle.h"

#include <cstddef>

namespace fallow::detail {

// The list is passed on as it is.
static_assert(sizeof(ScatterEntry) == sizeof(fallow_scatterlist) &&
              offsetof(ScatterEntry, first) == offsetof(fallow_scatterlist, pfn) &&
              offsetof(ScatterEntry, count) == offsetof(fallow_scatterlist, nr_pages) &&
              offsetof(ScatterEntry, end) == offsetof(fallow_scatterlist, end) && sizeof(bool) == 1);

Status CDevice::attach(fallow_page_reporting_dev_info& info) noexcept {
  if (info.report == nullptr || info.capacity == 0 || info.in_flight > kMaxDepth ||
      !is_content(info.content_after))
    return Status::InvalidArgument;
  info_ = &info;
  capacity_ = info.capacity;
  depth_ = info.in_flight == 0 ? 1 : info.in_flight;
  content_ = static_cast<Content>(info.content_after);
  return Status::Ok;
}

Status CDevice::report(Scatterlist list, std::uint32_t token) noexcept {
  const auto* const entries = reinterpret_cast<const fallow_scatterlist*>(list.data());
  return from_c(info_->report(info_, entries, static_cast<std::uint32_t>(list.size()), token));
}

Result<Order> report_order(std::uint32_t order) noexcept {
  if (order == FALLOW_REPORT_SINGLE_FRAMES) return Order{0};
  if (order == 0) return Order{9};
  if (order > kMaxOrder.raw) return Status::InvalidArgument;
  return Order{static_cast<std::uint8_t>(order)};
}

bool claim(fallow_reporter& reporter, const void* key) noexcept {
  const void* nobody = nullptr;
  // acquire: pairs with the release in unclaim(), so that `device` and `policy` are seen as the last owner
  // left them.
  return reporter.registered.compare_exchange_strong(nobody, key, std::memory_order_acquire,
                                                     std::memory_order_relaxed);
}

// release: pairs with the acquire in claim().
void unclaim(fallow_reporter& reporter) noexcept {
  reporter.registered.store(nullptr, std::memory_order_release);
}

fallow_status register_claimed(fallow_reporter& reporter, ReportingDevice& device, const char* policy,
                               Result<Order> order) noexcept {
  Status status = Status::InvalidArgument;
  const Result<PolicySpec> spec = policy == nullptr ? PolicySpec{} : parse_policy(policy);
  if (order.ok() && spec.ok()) {
    reporter.policy = ConfiguredPolicy(spec.value(), order.value());
    Policy* const chosen = reporter.policy.get();  // null: "none"
    if (chosen != nullptr) status = reporter.reporter.register_device(device, *chosen);
  }
  if (status != Status::Ok) unclaim(reporter);
  return to_c(status);
}

fallow_status unregister(fallow_reporter& reporter, const void* key, const ReportingDevice& device) noexcept {
  // relaxed: the reporter orders what the registration wrote before what this call reads.
  if (reporter.registered.load(std::memory_order_relaxed) != key) return FALLOW_NOT_FOUND;
  const Status status = reporter.reporter.unregister_device(device);
  if (status == Status::Ok) unclaim(reporter);
  return to_c(status);
}

}  // namespace fallow::detail
