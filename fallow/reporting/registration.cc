// Registers and unregisters the device (R1, R2, R9, R10).
#include <new>

#include "fallow/reporting/reporter.h"

namespace fallow {

bool Reporter::from_worker() const noexcept {
  return worker_.load(std::memory_order_relaxed) == port_.current();
}

bool Reporter::try_lock_registration() noexcept {
  // acquire: pairs with the release in unlock_registration(), so that changes by the last holder are
  // visible.
  return !registration_.exchange(true, std::memory_order_acquire);
}

void Reporter::lock_registration() noexcept {
  while (!try_lock_registration()) port_.relax();
}

// release: pairs with the acquire in try_lock_registration().
void Reporter::unlock_registration() noexcept { registration_.store(false, std::memory_order_release); }

std::span<ScatterEntry> Reporter::list_of(std::uint32_t token) const {
  return {lists_ + std::size_t{slot_of(token)} * capacity_, capacity_};
}

ByteCount Reporter::list_bytes() const { return {std::uint64_t{capacity_} * depth_ * sizeof(ScatterEntry)}; }
ByteCount Reporter::request_bytes() const { return {depth_ * sizeof(Request)}; }

Status Reporter::take_memory(std::uint32_t capacity, std::uint32_t depth) noexcept {
  // Lists whose size overflows cannot be allocated.
  if (capacity > ~std::uint64_t{0} / sizeof(ScatterEntry) / depth) return Status::NoMemory;
  capacity_ = capacity;
  depth_ = depth;
  void* const lists = port_.allocate(list_bytes());
  void* const requests = lists == nullptr ? nullptr : port_.allocate(request_bytes());
  if (requests == nullptr) {
    if (lists != nullptr) port_.release(lists, list_bytes());
    capacity_ = depth_ = 0;
    return Status::NoMemory;
  }
  lists_ = static_cast<ScatterEntry*>(lists);
  requests_ = static_cast<Request*>(requests);
  for (std::uint32_t i = 0; i < depth; ++i) new (&requests_[i]) Request;
  return Status::Ok;
}

void Reporter::release_memory() noexcept {
  port_.release(requests_, request_bytes());
  port_.release(lists_, list_bytes());
  requests_ = nullptr;
  lists_ = nullptr;
  capacity_ = depth_ = 0;
}

Status Reporter::register_device(ReportingDevice& device, Policy& policy) {
  const std::uint32_t capacity = device.capacity(), depth = device.depth();
  if (capacity == 0 || depth == 0 || depth > kMaxDepth || policy.validate() != Status::Ok ||
      policy.order() > kMaxOrder)
    return Status::InvalidArgument;
  if (!try_lock_registration()) return Status::Busy;
  const Status status = device_ != nullptr ? Status::Busy : take_memory(capacity, depth);
  if (status == Status::Ok) {
    device_ = &device;
    policy_ = &policy;
    start(policy.order(), device.content_after(), policy.delay());
  }
  unlock_registration();
  return status;
}

void Reporter::start(Order order, Content content, Nanoseconds delay) noexcept {
  if (any_reported_ && content != content_) mixed_content_.store(true, std::memory_order_relaxed);
  content_ = content;
  any_reported_ = true;
  publish_content();
  const Nanoseconds due = port_.now() + delay;
  // Ages were counted in the ticks of the last policy. In longer ticks they would seem older than they are.
  const bool longer_ticks = last_delay_.raw != 0 && delay > last_delay_;
  if (delay.raw != 0) last_delay_ = delay;  // without a delay, ages stand still
  for (std::size_t i = 0; i < zone_count_; ++i) {
    ZoneState& state = zones_[i];
    state.zone->tables().trigger().set_order(order);
    // A device with a smaller order may report blocks that the last one ignored.
    if (order < last_order_) state.zone->tables().dirty().insert_all();
    if (longer_ticks) state.zone->tables().restart_ages();
    state.delay.store(delay.raw, std::memory_order_relaxed);
    state.retry.store(0, std::memory_order_relaxed);
    state.not_before.store(0, std::memory_order_relaxed);
    state.blocked.store(false, std::memory_order_relaxed);
    state.ignore_threshold.store(true, std::memory_order_relaxed);
    state.due.store(due.raw, std::memory_order_relaxed);
    // R2: the flag is set from the start, so that existing pages count. A store suffices, because no request
    // is in flight that could fail. relaxed: no worker looks before `stopping_` lets it in.
    state.flag.store(static_cast<FlagWord>(Flag::Requested), std::memory_order_relaxed);
  }
  last_order_ = order;
  // release: MO-26, complete() finds the tables.
  accepting_.store(true, std::memory_order_release);
  // release: MO-8, a worker that is let in finds the zones' states, the device, the policy and the tables.
  stopping_.store(false, std::memory_order_release);
  port_.wake_at(due);
}

// Frames that were reported under one content guarantee say nothing about another guarantee.
void Reporter::publish_content() noexcept {
  const bool valid = !mixed_content_.load(std::memory_order_relaxed) && content_ != Content::Unknown;
  for (std::size_t i = 0; i < zone_count_; ++i) zones_[i].zone->tables().set_content_known(valid);
}

// R12: called by the thread that settles a request, before its frames become reported. relaxed: a
// thread that finds one of them reported has acquired its word (MO-1), and with the word this store. Until
// forget_reported(), nothing tells for which of the reported frames the content is still guaranteed.
void Reporter::withdraw_content() noexcept {
  mixed_content_.store(true, std::memory_order_relaxed);
  publish_content();
}

// Returns once the worker is out and nothing is in flight; keeps the worker out.
void Reporter::stop_worker() noexcept {
  stopping_.store(true, std::memory_order_seq_cst);  // MO-8, pairs with run()
  // seq_cst: MO-8, after stopping_ was set; also acquire, so that what the worker wrote is visible.
  while (worker_.load(std::memory_order_seq_cst) != 0) port_.relax();
  wait_for_pins();
}

void Reporter::wait_for_pins() noexcept {
  // seq_cst: MO-26, after the flags and `accepting_`; also acquire, so that everything the pins guarded has
  // ended.
  while (pins_.load(std::memory_order_seq_cst) != 0) port_.relax();
}

Status Reporter::unregister_device(const ReportingDevice& device) {
  if (from_worker()) return Status::Deadlock;
  lock_registration();
  if (device_ != &device) {
    unlock_registration();
    return Status::NotFound;
  }
  stop_worker();
  for (std::size_t i = 0; i < zone_count_; ++i) {
    // seq_cst: MO-26, pairs with request(): after this, no free requests a wakeup unless it holds a pin.
    zones_[i].flag.store(static_cast<FlagWord>(Flag::Off), std::memory_order_seq_cst);
    detail::ReportTrigger& trigger = zones_[i].zone->tables().trigger();
    trigger.grant(0);
    if (trigger.counts_every_free()) trigger.set_order(last_order_);
  }
  accepting_.store(false, std::memory_order_seq_cst);  // MO-26, pairs with complete()
  wait_for_pins();
  device_ = nullptr;
  policy_ = nullptr;
  release_memory();
  unlock_registration();
  return Status::Ok;
}

Status Reporter::forget_reported() {
  if (from_worker()) return Status::Deadlock;
  lock_registration();
  stop_worker();
  for (std::size_t i = 0; i < zone_count_; ++i) zones_[i].zone->forget_reported();
  any_reported_ = device_ != nullptr;
  mixed_content_.store(false, std::memory_order_relaxed);
  publish_content();
  if (device_ != nullptr) start(last_order_, content_, policy_->delay());
  unlock_registration();
  return Status::Ok;
}

}  // namespace fallow
