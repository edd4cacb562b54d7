// The backing of the balloon device in a replay: updates the residency model and forwards to the host memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>

#include "fallow/base/memory_backing.h"
#include "fallow/host/backing.h"
#include "replay/residency_model.h"

namespace fallow::replay {

// Covers frames 0 to size - 1.
class AccountedBacking final : public MemoryBacking {
 public:
  // `host` is null if the replay uses only the residency model. `residency` and `host` must outlive this
  // object.
  AccountedBacking(ResidencyModel& residency, PfnCount size, Backing* host)
      : residency_(residency), size_(size), host_(host) {}

  Status discard(Pfn first, PfnCount n) noexcept override {
    if (!contains(first, n)) return Status::OutsideZone;
    // relaxed: any later discard may take the flag.
    if (fail_next_.exchange(false, std::memory_order_relaxed)) return Status::Failed;
    const Status status = host_ == nullptr ? Status::Ok : host_->discard(first, n);
    if (status == Status::Ok) residency_.report(first, n);
    return status;
  }

  void discard_all(std::span<const ScatterEntry> runs, Status* answers) noexcept override {
    // relaxed: as in discard(), which consumes the flag.
    if (host_ == nullptr || fail_next_.load(std::memory_order_relaxed))
      return MemoryBacking::discard_all(runs, answers);
    host_->discard_all(runs, answers);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      if (answers[i] == Status::Ok) residency_.report(runs[i].first, runs[i].count);
    }
  }

  Status populate(Pfn first, PfnCount n) noexcept override {
    if (!contains(first, n)) return Status::OutsideZone;
    return host_ == nullptr ? Status::Ok : host_->populate(first, n);
  }

  Result<PfnCount> resident() noexcept override {
    if (host_ == nullptr) return residency_.resident();
    return host_->resident();
  }

  Content content_after() const noexcept override {
    return host_ == nullptr ? Content::Zero : host_->content_after();
  }
  PfnCount page() const noexcept override { return host_ == nullptr ? PfnCount{1} : host_->page(); }

  // Makes the next discard fail. Any thread may call this function.
  void fail_next() noexcept { fail_next_.store(true, std::memory_order_relaxed); }

 private:
  bool contains(Pfn first, PfnCount n) const noexcept {
    return n.raw != 0 && first.raw < size_.raw && n.raw <= size_.raw - first.raw;
  }

  ResidencyModel& residency_;
  PfnCount size_;
  Backing* host_;
  std::atomic<bool> fail_next_{false};
};

}  // namespace fallow::replay
