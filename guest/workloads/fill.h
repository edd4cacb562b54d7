// fill: takes most of the memory, writes it, and gives it all back. What Linux is measured with, too.
#pragma once

#include <cstddef>
#include <span>

#include "guest/kernel/context.h"
#include "guest/kernel/early_memory.h"
#include "guest/workloads/memory_user.h"
#include "guest/workloads/wait_until_reported.h"
#include "guest/workloads/workload.h"

namespace fallow::guest {

class Fill final : public Workload {
 public:
  explicit Fill(Context& context) noexcept : context_(context), settling_(context) {}
  // False, and a complaint: there is not that much memory.
  bool create(EarlyMemory& memory) noexcept;

  Step step(std::uint32_t cpu, unsigned phase) noexcept override;
  unsigned next(unsigned phase) noexcept override;

 private:
  enum Phase : unsigned { kFirstReports, kFilling, kHolding, kFreeing, kLastReports };

  struct alignas(64) Member {
    MemoryUser tenant;
    std::size_t verified = 0;  // of its frames, the first so many
  };

  Step fill(MemoryUser& tenant) noexcept;
  Step verify(Member& member) noexcept;
  Step free(MemoryUser& tenant) noexcept;
  void say(StringRef name) noexcept;

  Context& context_;
  WaitUntilReported settling_;
  PfnCount frames_;  // of all CPUs
  std::span<Member> members_;
  Nanoseconds held_until_;
};

}  // namespace fallow::guest
