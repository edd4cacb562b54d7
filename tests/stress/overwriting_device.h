// A reporting device that overwrites the reported frames, and fails at random.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "fallow/reporting/reporter.h"
#include "tests/stress/stamped_memory.h"

namespace fallow {

struct DeviceKind {
  bool zeros = false;       // writes and promises zeros; otherwise writes garbage
  std::uint32_t depth = 1;  // if greater than 1, another thread completes the requests, in any order
  std::uint32_t capacity = 32;
};

class OverwritingDevice final : public ReportingDevice {
 public:
  OverwritingDevice(Reporter& reporter, StampedMemory& memory, const DeviceKind& kind)
      : reporter_(reporter), memory_(memory), kind_(kind) {
    if (kind.depth > 1) completes_ = std::thread([this] { complete_pending(); });
  }
  ~OverwritingDevice() {
    if (!completes_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_one();
    completes_.join();
  }
  OverwritingDevice(const OverwritingDevice&) = delete;
  OverwritingDevice& operator=(const OverwritingDevice&) = delete;

  Status report(Scatterlist list, std::uint32_t token) noexcept override {
    reports_.fetch_add(1, std::memory_order_relaxed);
    if (inside_.exchange(true)) misuses_.fetch_add(1);
    if (list.empty() || list.size() > kind_.capacity || !list.back().end) misuses_.fetch_add(1);
    Status answer = Status::Pending;
    if (kind_.depth == 1) {
      answer = treat(list, random_);
    } else {
      {
        const std::lock_guard lock(mutex_);
        pending_.push_back({list, token});
      }
      changed_.notify_one();
    }
    inside_ = false;
    return answer;
  }
  std::uint32_t capacity() const noexcept override { return kind_.capacity; }
  std::uint32_t depth() const noexcept override { return kind_.depth; }
  Content content_after() const noexcept override { return kind_.zeros ? Content::Zero : Content::Unknown; }

  std::uint64_t reports() const { return reports_; }
  // Counts requests that the contract forbids.
  std::uint64_t misuses() const { return misuses_; }

 private:
  struct Pending {
    Scatterlist list;
    std::uint32_t token;
  };

  Status treat(Scatterlist list, std::mt19937& random) {
    const bool fails = random() % 8 == 0;
    // A failed request may have been carried out in part.
    memory_.overwrite(list, kind_.zeros && !fails ? 0 : 0xdeadbeefdeadbeef,
                      kind_.zeros || random() % 16 == 0);
    return fails ? Status::Failed : Status::Ok;
  }

  void complete_pending() {
    std::mt19937 random(99);
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return over_ || !pending_.empty(); });
      if (pending_.empty()) return;
      const std::size_t at = random() % pending_.size();
      const Pending request = pending_[at];
      pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(at));
      lock.unlock();
      const Status status = treat(request.list, random);
      if (reporter_.complete(request.token, status) != Status::Ok) misuses_.fetch_add(1);
      lock.lock();
    }
  }

  Reporter& reporter_;
  StampedMemory& memory_;
  const DeviceKind kind_;
  std::mt19937 random_{7};
  std::atomic<bool> inside_{false};
  std::atomic<std::uint64_t> reports_{0}, misuses_{0};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Pending> pending_;
  bool over_ = false;
  std::thread completes_;
};

}  // namespace fallow
