#include "guest/workloads/rebind.h"

namespace fallow::guest {

Workload::Step Rebind::step(std::uint32_t cpu, unsigned phase) noexcept {
  if (cpu == 0 && phase == Churn::kChurning) rebind_if_due();
  return churn_.step(cpu, phase);
}

// Reports must have resumed before the next unbind (R9). The reported state survives a rebind (R10), so only
// memory freed since is reported. Every other rebind assumes that the host lost its state, and reports all
// free memory again.
void Rebind::rebind_if_due() noexcept {
  BalloonBinding& balloon = context_.balloon;
  const Nanoseconds now = context_.machine.now();
  if (times_ == 0 && bound_at_.raw == 0) bound_at_ = now;
  if (!balloon.reporting() || now < bound_at_ + kInterval) return;
  if (balloon.stats().requests == requests_) {
    const Nanoseconds delay = balloon.policy().delay();
    if (now < bound_at_ + kTimeout + delay + delay) return;
    Sentence why;
    context_.errors.record_error(why.put("reports did not resume after binding ").number(times_).text());
  }
  balloon.unbind();
  if (times_ % 2 == 1 && balloon.reporter().forget_reported() != Status::Ok)
    context_.errors.record_error("the reported state could not be reset");
  requests_ = balloon.stats().requests;
  balloon.bind();
  bound_at_ = context_.machine.now();
  ++times_;
}

}  // namespace fallow::guest
