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
  // After so long without a report, they are found not to have resumed: churn frees what was not reported
  // in each of its breaths.
  static constexpr Nanoseconds kPatience = seconds(5);

  void rebind_if_due() noexcept;

  Context& context_;
  Churn churn_;
  Nanoseconds bound_at_;
  std::uint64_t requests_ = 0;  // when it was bound
  std::uint64_t times_ = 0;
};

}  // namespace fallow::guest
