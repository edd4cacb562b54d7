// rebind: churn on every CPU, while CPU 0 unbinds the driver, resets the device and binds it again.
#pragma once

#include <cstdint>

#include "guest/kernel/context.h"
#include "guest/kernel/early_memory.h"
#include "guest/workloads/churn.h"
#include "guest/workloads/workload.h"

namespace fallow::guest {

class Rebind final : public Workload {
 public:
  explicit Rebind(Context& context) noexcept : context_(context), churn_(context) {}
  bool create(EarlyMemory& memory) noexcept { return churn_.create(memory); }

  Step step(std::uint32_t cpu, unsigned phase) noexcept override;
  unsigned next(unsigned phase) noexcept override { return churn_.next(phase); }

 private:
  static constexpr Nanoseconds kInterval = milliseconds(500);
  // Without a report for this long, reporting has failed to resume: churn frees unreported memory in each
  // of its periods.
  static constexpr Nanoseconds kTimeout = seconds(5);

  void rebind_if_due() noexcept;

  Context& context_;
  Churn churn_;
  Nanoseconds bound_at_;
  std::uint64_t requests_ = 0;  // requests at the last bind
  std::uint64_t times_ = 0;
};

}  // namespace fallow::guest
