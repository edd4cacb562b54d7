// fragment: fills memory frame by frame, frees a random half of the frames, writes how much of it is
// reported, fills the memory again, and frees everything.
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
  explicit Fragment(Context& context) noexcept : context_(context), wait_until_reported_(context) {}
  // Returns false if memory is short.
  bool create(EarlyMemory& memory) noexcept;

  Step step(std::uint32_t cpu, unsigned phase) noexcept override;
  unsigned next(unsigned phase) noexcept override;

 private:
  enum Phase : unsigned { kFirstReports, kFilling, kHalving, kReports, kRefilling, kEmptying, kLastReports };

  struct alignas(64) Member {
    MemoryUser user;
    std::size_t undecided = 0;  // while halving: number of frames not yet decided
  };

  Step fill(Member& member) noexcept;
  Step halve(Member& member) noexcept;
  Step empty(MemoryUser& user) noexcept;

  Context& context_;
  WaitUntilReported wait_until_reported_;
  std::span<Member> members_;
};

}  // namespace fallow::guest
