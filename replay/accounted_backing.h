// The backing behind a replay's balloon device: keeps the books, and passes on to the host's memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>

#include "fallow/base/memory_backing.h"
#include "fallow/host/backing.h"
#include "replay/residency_model.h"

namespace fallow::replay {

// Frames 0 to size - 1.
class AccountedBacking final : public MemoryBacking {
 public:
  // `host` is null with books only. Both must outlive it.
  AccountedBacking(ResidencyModel& books, PfnCount size, Backing* host)
      : books_(books), size_(size), host_(host) {}

  Status discard(Pfn first, PfnCount n) noexcept override {
    if (!contains(first, n)) return Status::OutsideZone;
    // relaxed: whichever discard comes next.
    if (fail_next_.exchange(false, std::memory_order_relaxed)) return Status::Failed;
    const Status status = host_ == nullptr ? Status::Ok : host_->discard(first, n);
    if (status == Status::Ok) books_.report(first, n);
    return status;
  }

  void discard_all(std::span<const ScatterEntry> runs, Status* answers) noexcept override {
    // relaxed: as in discard(), which is the one to fail.
    if (host_ == nullptr || fail_next_.load(std::memory_order_relaxed))
      return MemoryBacking::discard_all(runs, answers);
    host_->discard_all(runs, answers);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      if (answers[i] == Status::Ok) books_.report(runs[i].first, runs[i].count);
    }
  }

  Status populate(Pfn first, PfnCount n) noexcept override {
    if (!contains(first, n)) return Status::OutsideZone;
    return host_ == nullptr ? Status::Ok : host_->populate(first, n);
  }

  Result<PfnCount> resident() noexcept override {
    if (host_ == nullptr) return books_.resident();
    return host_->resident();
  }

  Content content_after() const noexcept override {
    return host_ == nullptr ? Content::Zero : host_->content_after();
  }
  PfnCount page() const noexcept override { return host_ == nullptr ? PfnCount{1} : host_->page(); }

  // The next discard fails. Any thread.
  void fail_next() noexcept { fail_next_.store(true, std::memory_order_relaxed); }

 private:
  bool contains(Pfn first, PfnCount n) const noexcept {
    return n.raw != 0 && first.raw < size_.raw && n.raw <= size_.raw - first.raw;
  }

  ResidencyModel& books_;
  PfnCount size_;
  Backing* host_;
  std::atomic<bool> fail_next_{false};
};

}  // namespace fallow::replay
