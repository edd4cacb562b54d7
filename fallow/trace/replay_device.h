// The reporting device of a replay: keeps the books, and passes what is reported on to the host.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "fallow/reporting/reporting_device.h"
#include "fallow/trace/books.h"

namespace fallow {

class ReplayDevice final : public ReportingDevice {
 public:
  // Called before the first request after each expect_pass().
  struct Hook {
    void (*call)(void* context) noexcept = nullptr;
    void* context = nullptr;
  };

  // `host` releases the memory; null with books only. All must outlive the device.
  ReplayDevice(Books& books, ReportingDevice* host, std::uint32_t capacity)
      : books_(books), host_(host), capacity_(capacity) {}

  Status report(Scatterlist list, std::uint32_t token) noexcept override {
    if (expected_ && hook_.call != nullptr) hook_.call(hook_.context);
    expected_ = false;
    const auto start = std::chrono::steady_clock::now();
    const Status status = host_ == nullptr ? Status::Ok : host_->report(list, token);
    if (status == Status::Ok) {
      for (const ScatterEntry& entry : list) books_.report(entry.first, entry.count);
    }
    const std::chrono::nanoseconds spent = std::chrono::steady_clock::now() - start;
    // relaxed: a figure.
    spent_.fetch_add(static_cast<std::uint64_t>(spent.count()), std::memory_order_relaxed);
    return status;
  }
  std::uint32_t capacity() const noexcept override { return capacity_; }
  Promise promise() const noexcept override { return host_ == nullptr ? Promise::None : host_->promise(); }

  // For replays whose passes run on the replaying thread.
  void set_hook(Hook hook) noexcept { hook_ = hook; }
  void expect_pass() noexcept { expected_ = true; }
  // A request came since expect_pass().
  bool reported() const noexcept { return !expected_; }

  // Real time spent in reports.
  Nanoseconds spent() const noexcept { return {spent_.load(std::memory_order_relaxed)}; }

 private:
  Books& books_;
  ReportingDevice* host_;
  std::uint32_t capacity_;
  Hook hook_;
  bool expected_ = false;
  std::atomic<std::uint64_t> spent_{0};
};

}  // namespace fallow
