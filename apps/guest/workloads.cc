#include "apps/guest/workloads.h"

#include "apps/guest/churn.h"
#include "apps/guest/fill.h"
#include "apps/guest/fragment.h"
#include "apps/guest/idle.h"
#include "apps/guest/random_orders.h"
#include "apps/guest/rebind.h"
#include "apps/guest/trace_replay.h"

namespace fallow::guest {
namespace {

template <class Kind>
Workload* create(Context& context, EarlyMemory& memory) noexcept {
  Kind* const workload = memory.make<Kind>(context);
  return workload != nullptr && workload->create(memory) ? workload : nullptr;
}

}  // namespace

Workload* create_workload(Context& context, EarlyMemory& memory) noexcept {
  switch (context.options.workload) {
    case WorkloadKind::Fill:
      return create<Fill>(context, memory);
    case WorkloadKind::Churn:
      return create<Churn>(context, memory);
    case WorkloadKind::Random:
      return create<RandomOrders>(context, memory);
    case WorkloadKind::Fragment:
      return create<Fragment>(context, memory);
    case WorkloadKind::Idle:
      return create<Idle>(context, memory);
    case WorkloadKind::Rebind:
      return create<Rebind>(context, memory);
    case WorkloadKind::Trace:
      return create<TraceReplay>(context, memory);
  }
  return nullptr;
}

}  // namespace fallow::guest
