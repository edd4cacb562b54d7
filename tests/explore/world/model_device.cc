#include "tests/explore/world/model_device.h"

namespace fallow::explore {

// The oracle is told before the answer, because frames are put back as soon as the reporter has the answer.
void ModelDevice::settle(Scatterlist list, Status status) {
  const bool reported = status == Status::Ok || status == Status::ContentUnknown;
  oracle_.settled(list, reported, status == Status::Ok ? promises : Content::Unknown);
  (reported ? taken_ : failed_) += 1;
}

// R7, RPT-9: a pass that begins after a failure respects its back-off. With weak memory the worker need not
// see the failure.
void ModelDevice::back_off(Status status, unsigned epoch, Nanoseconds failed_at) {
  if (status == Status::Ok || status == Status::ContentUnknown || epoch != epoch_) return;
  failed_step_ = engine().now();
  not_before_ = failed_at + Reporter::kFirstRetry;
}

void ModelDevice::check_begin() {
  const Nanoseconds now = port_.now();  // read first, because other threads may run here
  if (!expected_) engine().fail("R9: report() is called when the device is not registered");
  if (reporting_ != 0) engine().fail("RPT-8: two threads are inside report()");
  if (in_flight_ >= depths) engine().fail("R13, RPT-2: more requests in flight than the device's depth");
  if (!engine().weak() && run_began_[engine().self()] > failed_step_ && now < not_before_)
    engine().fail("R7, RPT-9: a pass before the back-off has ended");
}

Status ModelDevice::report(Scatterlist list, std::uint32_t token) noexcept {
  check_begin();
  oracle_.reporting(list, entries, order);
  if (engine().tracing())
    engine().note("reports " + std::to_string(list.size()) + " entries from frame " +
                  std::to_string(list[0].first.raw));
  const Status status = requests_ < answer_count ? answers[requests_] : Status::Ok;
  ++requests_;
  for (const ScatterEntry& e : list) frames_ += e.count.raw;
  ++reporting_;
  if (inside != nullptr) inside(context);
  --reporting_;
  if (status != Status::Pending) {
    settle(list, status);
    back_off(status, epoch_, port_.now());
    return status;
  }
  for (Held& held : held_) {
    if (held.full.load(std::memory_order_acquire) != Held::kEmpty) continue;
    held.token = token;
    held.count = static_cast<std::uint32_t>(list.size());
    for (std::uint32_t i = 0; i < held.count; ++i) held.list[i] = list[i];
    ++in_flight_;
    held.full.store(Held::kFull, std::memory_order_release);
    completed_early_ |= held.full.load(std::memory_order_relaxed) != Held::kFull;
    return status;
  }
  engine().fail("RPT-2: more requests in flight than the device has places");
}

// Exactly one thread completes each request.
ModelDevice::Held* ModelDevice::take_held() {
  for (Held& held : held_) {
    std::uint32_t full = Held::kFull;
    if (held.full.load(std::memory_order_relaxed) == full &&
        held.full.compare_exchange_strong(full, Held::kLeaving, std::memory_order_acquire))
      return &held;
  }
  return nullptr;
}

std::uint32_t ModelDevice::let_go(Held& held, Status status) {
  ScatterEntry list[kMaxCapacity];
  for (std::uint32_t i = 0; i < held.count; ++i) list[i] = held.list[i];
  const std::uint32_t token = held.token, count = held.count;
  --in_flight_;
  settle({list, count}, status);
  held.full.store(Held::kEmpty, std::memory_order_release);
  return token;
}

std::uint32_t ModelDevice::let_go(Status status) {
  Held* const held = take_held();
  if (held == nullptr) engine().fail("the scenario completes a request that is not there");
  return let_go(*held, status);
}

bool ModelDevice::complete(Reporter& reporter, Status status) {
  Held* const held = take_held();
  if (held == nullptr) return false;
  const unsigned epoch = epoch_;
  // Time may pass before complete() returns.
  const Nanoseconds at = port_.now();
  if (reporter.complete(let_go(*held, status), status) != Status::Ok)
    engine().fail("a held request cannot be completed");
  back_off(status, epoch, at);
  return true;
}

}  // namespace fallow::explore
