// What is found to be wrong while the workload runs.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/base/units.h"
#include "guest/kernel/machine.h"
#include "guest/protocol/fixed_string.h"

namespace fallow::guest {

// Any CPU. Counts order nothing, hence relaxed.
class GuestErrors {
 public:
  explicit GuestErrors(Machine& machine) noexcept : machine_(machine) {}

  // A word of frame `pfn` is not what its owner wrote. Said for the first one.
  void corrupted(Pfn pfn, std::uint64_t expected, std::uint64_t found) noexcept;
  std::uint64_t corrupted_frames() const noexcept { return corrupted_.load(std::memory_order_relaxed); }
  // Of the first one; after the workload.
  Pfn first_corrupted() const noexcept { return {first_.load(std::memory_order_relaxed)}; }

  // An allocation failed that should not have.
  void allocation_failed() noexcept { failed_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t failed_allocations() const noexcept { return failed_.load(std::memory_order_relaxed); }

  // A sentence; the first one stays.
  void complain(StringRef sentence) noexcept;
  bool any_complaint() const noexcept { return complaining_.load(std::memory_order_relaxed); }
  // After the workload; empty: none.
  StringRef complaint() const noexcept { return complaint_.text(); }

 private:
  Machine& machine_;
  std::atomic<std::uint64_t> corrupted_{0}, first_{0}, failed_{0};
  std::atomic<bool> complaining_{false};
  Sentence complaint_;  // who set complaining_ writes it
};

}  // namespace fallow::guest
