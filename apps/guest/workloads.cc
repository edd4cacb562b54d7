#include "apps/guest/workloads.h"

#include "apps/guest/fill.h"

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
    default:
      context.findings.complain("this workload is not there");
      return nullptr;
  }
}

}  // namespace fallow::guest
