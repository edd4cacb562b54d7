// churn: allocates and frees blocks of random orders and mobilities, while the memory in use breathes between
// a fifth and four fifths, so that reports go on; some blocks are freed by another CPU than allocated them.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "guest/kernel/context.h"
#include "guest/kernel/early_memory.h"
#include "guest/workloads/mailbox.h"
#include "guest/workloads/memory_user.h"
#include "guest/workloads/wait_until_reported.h"
#include "guest/workloads/workload.h"

namespace fallow::guest {

class Churn final : public Workload {
 public:
  enum Phase : unsigned { kFirstReports, kChurning, kEmptying, kCollecting, kLastReports };

  explicit Churn(Context& context) noexcept : context_(context), settling_(context) {}
  // False: not enough memory.
  bool create(EarlyMemory& memory) noexcept;

  Step step(std::uint32_t cpu, unsigned phase) noexcept override;
  unsigned next(unsigned phase) noexcept override;

 private:
  // From a fifth to four fifths, and back.
  static constexpr Nanoseconds kBreath = seconds(2);

  struct alignas(64) Member {
    MemoryUser tenant;
    Mailbox mailbox;
    PfnCount share;                          // of the memory
    std::atomic<std::uint64_t> sent{0};      // to other CPUs
    std::atomic<std::uint64_t> verified{0};  // while they were in use
  };

  Step churn(std::uint32_t cpu) noexcept;
  PfnCount act(std::uint32_t cpu, PfnCount target) noexcept;
  PfnCount let_go(std::uint32_t cpu) noexcept;
  Step empty(MemoryUser& tenant) noexcept;
  Step collect(Member& member) noexcept;
  PfnCount target(PfnCount share, Nanoseconds now) const noexcept;
  void say() noexcept;

  Context& context_;
  WaitUntilReported settling_;
  std::span<Member> members_;
  Nanoseconds begin_;
};

}  // namespace fallow::guest
