// random: allocates all there is in blocks of random orders, and frees them in random order; over and over.
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
  explicit RandomOrders(Context& context) noexcept : context_(context), settling_(context) {}
  // False: not enough memory.
  bool create(EarlyMemory& memory) noexcept;

  Step step(std::uint32_t cpu, unsigned phase) noexcept override;
  unsigned next(unsigned phase) noexcept override;

 private:
  enum Phase : unsigned { kFirstReports, kTaking, kFreeing, kLastReports };

  Step take(MemoryUser& tenant) noexcept;
  Step free(MemoryUser& tenant) noexcept;

  Context& context_;
  WaitUntilReported settling_;
  std::span<MemoryUser> tenants_;
  Nanoseconds end_;
};

}  // namespace fallow::guest
