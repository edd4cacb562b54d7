#include "guest/workloads/workloads.h"

#include "guest/workloads/churn.h"
#include "guest/workloads/fill.h"
#include "guest/workloads/fragment.h"
#include "guest/workloads/idle.h"
#include "guest/workloads/random_orders.h"
#include "guest/workloads/rebind.h"
#include "guest/workloads/trace_replay.h"

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
