// fragment: fills memory frame by frame, frees a random half of them, says how much of that is reported,
// fills it again, and frees all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "guest/kernel/context.h"
#include "guest/kernel/early_memory.h"
#include "guest/workloads/memory_user.h"
#include "guest/workloads/wait_until_reported.h"
#include "guest/workloads/workload.h"

namespace fallow::guest {

class Fragment final : public Workload {
 public:
  explicit Fragment(Context& context) noexcept : context_(context), settling_(context) {}
  // False: not enough memory.
  bool create(EarlyMemory& memory) noexcept;

  Step step(std::uint32_t cpu, unsigned phase) noexcept override;
  unsigned next(unsigned phase) noexcept override;

 private:
  enum Phase : unsigned { kFirstReports, kFilling, kHalving, kReports, kRefilling, kEmptying, kLastReports };

  struct alignas(64) Member {
    MemoryUser tenant;
    std::size_t undecided = 0;  // of its frames, the first so many, while half of them are freed
  };

  Step fill(Member& member) noexcept;
  Step halve(Member& member) noexcept;
  Step empty(MemoryUser& tenant) noexcept;

  Context& context_;
  WaitUntilReported settling_;
  std::span<Member> members_;
};

}  // namespace fallow::guest
