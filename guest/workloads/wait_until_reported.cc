#include "guest/workloads/wait_until_reported.h"

#include "guest/kernel/event.h"

namespace fallow::guest {

bool WaitUntilReported::done() noexcept {
  BalloonBinding& balloon = context_.balloon;
  if (!balloon.reporting()) return true;
  const Nanoseconds now = context_.machine.now();
  const std::uint64_t requests = balloon.stats().requests;
  if (!under_way_ || requests != requests_) since_ = now;
  under_way_ = true;
  requests_ = requests;
  if (balloon.all_reported()) {
    under_way_ = false;
    return true;
  }
  const Nanoseconds delay = balloon.policy().delay();
  if (now < since_ + seconds(1) + delay + delay) return false;
  const MemoryFigures figures = context_.zones.figures();
  const PfnCount left = figures.free > figures.reported ? figures.free - figures.reported : PfnCount{};
  Event("left").number("kib", bytes(left).raw / 1024).write_to(context_.machine);
  under_way_ = false;
  return true;
}

}  // namespace fallow::guest
