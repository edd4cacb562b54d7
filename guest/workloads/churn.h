// churn: allocates and frees blocks of random orders and mobilities. The memory in use oscillates between one
// fifth and four fifths, so that reports continue. Some blocks are freed by a CPU that did not allocate them.
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

  explicit Churn(Context& context) noexcept : context_(context), wait_until_reported_(context) {}
  // Returns false if memory is short.
  bool create(EarlyMemory& memory) noexcept;

  Step step(std::uint32_t cpu, unsigned phase) noexcept override;
  unsigned next(unsigned phase) noexcept override;

 private:
  // The period of the oscillation, from one fifth to four fifths and back.
  static constexpr Nanoseconds kPeriod = seconds(2);

  struct alignas(64) Member {
    MemoryUser user;
    Mailbox mailbox;
    PfnCount share;                          // frames of this CPU
    std::atomic<std::uint64_t> sent{0};      // blocks sent to other CPUs
    std::atomic<std::uint64_t> verified{0};  // blocks checked while in use
  };

  Step churn(std::uint32_t cpu) noexcept;
  PfnCount act(std::uint32_t cpu, PfnCount target) noexcept;
  PfnCount let_go(std::uint32_t cpu) noexcept;
  Step empty(MemoryUser& user) noexcept;
  Step collect(Member& member) noexcept;
  PfnCount target(PfnCount share, Nanoseconds now) const noexcept;
  void write_event() noexcept;

  Context& context_;
  WaitUntilReported wait_until_reported_;
  std::span<Member> members_;
  Nanoseconds begin_;
};

}  // namespace fallow::guest
