// The reporting device of a replay: measures, and passes what is reported on to the one that releases it.
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

  // `host` releases the memory; null with books only. `books` is null where the host keeps them. All must
  // outlive the device.
  ReplayDevice(ResidencyModel* books, ReportingDevice* host, std::uint32_t capacity)
      : books_(books),
        host_(host),
        capacity_(capacity),
        depth_(host == nullptr ? 1 : host->depth()),
        promise_(host == nullptr ? Content::Unknown : host->content_after()),
        started_(std::make_unique<Instant[]>(depth_)) {}

  Status report(Scatterlist list, std::uint32_t token) noexcept override {
    if (expected_ && hook_) hook_();
    expected_ = false;
    started_[slot_of(token)] = std::chrono::steady_clock::now();
    const Status status = pass_on(list, token);
    // Pending: complete() counts it, and may have done so already.
    if (status != Status::Pending) count_time(token);
    return status;
  }
  std::uint32_t capacity() const noexcept override { return capacity_; }
  std::uint32_t depth() const noexcept override { return depth_; }
  // As it was in the beginning: a device that is being reset promises nothing for the moment.
  Content content_after() const noexcept override { return promise_; }

  // For a request for which the host answered Pending. Any thread.
  void complete(Reporter& reporter, std::uint32_t token, Status status) noexcept {
    count_time(token);
    static_cast<void>(reporter.complete(token, status));
  }

  // For replays whose passes run on the replaying thread.
  void set_hook(Hook hook) noexcept { hook_ = hook; }
  void expect_pass() noexcept { expected_ = true; }
  // A request came since expect_pass().
  bool reported() const noexcept { return !expected_; }

  // The next request fails. Any thread.
  void fail_next() noexcept { fail_next_.store(true, std::memory_order_relaxed); }

  // Real time spent in reports.
  Nanoseconds spent() const noexcept { return {spent_.load(std::memory_order_relaxed)}; }

 private:
  using Instant = std::chrono::steady_clock::time_point;

  Status pass_on(Scatterlist list, std::uint32_t token) noexcept {
    // relaxed: whichever request comes next.
    if (fail_next_.exchange(false, std::memory_order_relaxed)) return Status::Failed;
    const Status status = host_ == nullptr ? Status::Ok : host_->report(list, token);
    if (status == Status::Ok && books_ != nullptr) {
      for (const ScatterEntry& entry : list) books_->report(entry.first, entry.count);
    }
    return status;
  }
  void count_time(std::uint32_t token) noexcept {
    const std::chrono::nanoseconds spent = std::chrono::steady_clock::now() - started_[slot_of(token)];
    // relaxed: a figure.
    spent_.fetch_add(static_cast<std::uint64_t>(spent.count()), std::memory_order_relaxed);
  }

  ResidencyModel* books_;
  ReportingDevice* host_;
  std::uint32_t capacity_, depth_;
  Content promise_;
  std::unique_ptr<Instant[]> started_;  // by slot_of() a token
  Hook hook_;
  bool expected_ = false;
  std::atomic<bool> fail_next_{false};
  std::atomic<std::uint64_t> spent_{0};
};

}  // namespace fallow::replay
