// random: repeatedly allocates all memory in blocks of random orders and frees the blocks in random sequence.
#pragma once

#include <cstdint>
#include <span>

#include "guest/kernel/context.h"
#include "guest/kernel/early_memory.h"
#include "guest/workloads/memory_user.h"
#include "guest/workloads/wait_until_reported.h"
#include "guest/workloads/workload.h"

namespace fallow::guest {

class RandomOrders final : public Workload {
 public:
  explicit RandomOrders(Context& context) noexcept : context_(context), wait_until_reported_(context) {}
  // Returns false if memory is short.
  bool create(EarlyMemory& memory) noexcept;

  Step step(std::uint32_t cpu, unsigned phase) noexcept override;
  unsigned next(unsigned phase) noexcept override;

 private:
  enum Phase : unsigned { kFirstReports, kTaking, kFreeing, kLastReports };

  Step take(MemoryUser& user) noexcept;
  Step free(MemoryUser& user) noexcept;

  Context& context_;
  WaitUntilReported wait_until_reported_;
  std::span<MemoryUser> users_;
  Nanoseconds end_;
};

}  // namespace fallow::guest
