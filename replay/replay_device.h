// The reporting device of a replay: measures requests and forwards them to the device that releases the
// memory.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "fallow/base/callback.h"
#include "fallow/reporting/reporter.h"
#include "fallow/reporting/reporting_device.h"
#include "replay/residency_model.h"

namespace fallow::replay {

class ReplayDevice final : public ReportingDevice {
 public:
  // Called before the first request after each expect_pass().
  using Hook = Callback<void()>;

  // `host` releases the memory; null if the replay uses only the residency model. `residency` is null if the
  // host updates the model. All arguments must outlive the device.
  ReplayDevice(ResidencyModel* residency, ReportingDevice* host, std::uint32_t capacity)
      : residency_(residency),
        host_(host),
        capacity_(capacity),
        depth_(host == nullptr ? 1 : host->depth()),
        content_after_(host == nullptr ? Content::Unknown : host->content_after()),
        started_(std::make_unique<Instant[]>(depth_)) {}

  Status report(Scatterlist list, std::uint32_t token) noexcept override {
    if (expected_ && hook_) hook_();
    expected_ = false;
    started_[slot_of(token)] = std::chrono::steady_clock::now();
    const Status status = pass_on(list, token);
    // For Pending, complete() counts the time and may already have done so.
    if (status != Status::Pending) count_time(token);
    return status;
  }
  std::uint32_t capacity() const noexcept override { return capacity_; }
  std::uint32_t depth() const noexcept override { return depth_; }
  // Constant: a device in reset reports Content::Unknown, but only temporarily.
  Content content_after() const noexcept override { return content_after_; }

  // Completes a request for which the host returned Pending. Any thread may call this function.
  void complete(Reporter& reporter, std::uint32_t token, Status status) noexcept {
    count_time(token);
    static_cast<void>(reporter.complete(token, status));
  }

  // For replays that run passes on the replaying thread.
  void set_hook(Hook hook) noexcept { hook_ = hook; }
  void expect_pass() noexcept { expected_ = true; }
  // Returns whether a request came since expect_pass().
  bool reported() const noexcept { return !expected_; }

  // Makes the next request fail. Any thread may call this function.
  void fail_next() noexcept { fail_next_.store(true, std::memory_order_relaxed); }

  // Returns the real time spent in reports.
  Nanoseconds spent() const noexcept { return {spent_.load(std::memory_order_relaxed)}; }

 private:
  using Instant = std::chrono::steady_clock::time_point;

  Status pass_on(Scatterlist list, std::uint32_t token) noexcept {
    // relaxed: any later request may take the flag.
    if (fail_next_.exchange(false, std::memory_order_relaxed)) return Status::Failed;
    const Status status = host_ == nullptr ? Status::Ok : host_->report(list, token);
    if (status == Status::Ok && residency_ != nullptr) {
      for (const ScatterEntry& entry : list) residency_->report(entry.first, entry.count);
    }
    return status;
  }
  void count_time(std::uint32_t token) noexcept {
    const std::chrono::nanoseconds spent = std::chrono::steady_clock::now() - started_[slot_of(token)];
    // relaxed: a counter that orders no other access.
    spent_.fetch_add(static_cast<std::uint64_t>(spent.count()), std::memory_order_relaxed);
  }

  ResidencyModel* residency_;
  ReportingDevice* host_;
  std::uint32_t capacity_, depth_;
  Content content_after_;
  std::unique_ptr<Instant[]> started_;  // indexed by slot_of(token)
  Hook hook_;
  bool expected_ = false;
  std::atomic<bool> fail_next_{false};
  std::atomic<std::uint64_t> spent_{0};
};

}  // namespace fallow::replay
