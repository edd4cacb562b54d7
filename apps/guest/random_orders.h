// random: allocates all there is in blocks of random orders, and frees them in random order; over and over.
#pragma once

#include <cstdint>
#include <span>

#include "apps/guest/context.h"
#include "apps/guest/early_memory.h"
#include "apps/guest/settling.h"
#include "apps/guest/tenant.h"
#include "apps/guest/workload.h"

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

  Step take(Tenant& tenant) noexcept;
  Step free(Tenant& tenant) noexcept;

  Context& context_;
  Settling settling_;
  std::span<Tenant> tenants_;
  Nanoseconds end_;
};

}  // namespace fallow::guest
