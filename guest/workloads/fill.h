// fill: allocates most of the memory, writes it, and frees it all. Linux guests are measured with the same
// load.
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
  explicit Fill(Context& context) noexcept : context_(context), wait_until_reported_(context) {}
  // Returns false, with an error text, if the memory is smaller than the fill.
  bool create(EarlyMemory& memory) noexcept;

  Step step(std::uint32_t cpu, unsigned phase) noexcept override;
  unsigned next(unsigned phase) noexcept override;

 private:
  enum Phase : unsigned { kFirstReports, kFilling, kHolding, kFreeing, kLastReports };

  struct alignas(64) Member {
    MemoryUser user;
    std::size_t verified = 0;  // number of frames verified
  };

  Step fill(MemoryUser& user) noexcept;
  Step verify(Member& member) noexcept;
  Step free(MemoryUser& user) noexcept;
  void write_event(StringRef name) noexcept;

  Context& context_;
  WaitUntilReported wait_until_reported_;
  PfnCount frames_;  // over all CPUs
  std::span<Member> members_;
  Nanoseconds held_until_;
};

}  // namespace fallow::guest
