// The errors that the guest detects while the workload runs.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/base/units.h"
#include "guest/kernel/machine.h"
#include "guest/protocol/text.h"

namespace fallow::guest {

// Any CPU may call. The counters are relaxed: they order no other memory access.
class GuestErrors {
 public:
  explicit GuestErrors(Machine& machine) noexcept : machine_(machine) {}

  // Records that a word of frame `pfn` differs from what its owner wrote. Only the first one writes an event.
  void corrupted(Pfn pfn, std::uint64_t expected, std::uint64_t found) noexcept;
  std::uint64_t corrupted_frames() const noexcept { return corrupted_.load(std::memory_order_relaxed); }
  // The first corrupted frame. Valid after the workload.
  Pfn first_corrupted() const noexcept { return {first_.load(std::memory_order_relaxed)}; }

  // Records an allocation that failed although memory was free.
  void allocation_failed() noexcept { failed_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t failed_allocations() const noexcept { return failed_.load(std::memory_order_relaxed); }

  // Records an error as text. Only the first text is kept.
  void record_error(StringRef sentence) noexcept;
  bool has_error() const noexcept { return has_error_.load(std::memory_order_relaxed); }
  // Valid after the workload. Empty if no error was recorded.
  StringRef error_text() const noexcept { return error_text_.text(); }

 private:
  Machine& machine_;
  std::atomic<std::uint64_t> corrupted_{0}, first_{0}, failed_{0};
  std::atomic<bool> has_error_{false};
  Sentence error_text_;  // written once, by the CPU that set has_error_
};

}  // namespace fallow::guest
