// The worker: passes over flagged zones, and requests to the device. Registration: registration.cc.
#include "fallow/reporting/reporter.h"

#include "fallow/base/check.h"

namespace fallow {

// What makes a request a reported one.
static constexpr bool taken(Status status) noexcept {
  return status == Status::Ok || status == Status::NotPromised;
}

// Fills and submits the requests of one pass.
class Reporter::Sink final : public RequestSink {
 public:
  Sink(Reporter& reporter, ZoneState& state) : reporter_(reporter), state_(state) {}

  // All places taken: the pass ends, and the next completion wakes the worker (MO-9). Waiting here would be
  // for ever where the completions come from the thread of the worker.
  std::span<ScatterEntry> open() noexcept override {
    if (reporter_.stopping_.load(std::memory_order_relaxed)) return {};
    if (take_place()) return reporter_.list_of(token_);
    state_.due.store(kNever.raw, std::memory_order_relaxed);
    state_.blocked.store(true, std::memory_order_seq_cst);
    blocked_ = !take_place();
    if (blocked_) return {};
    state_.blocked.store(false, std::memory_order_relaxed);
    // The pass goes on; should the device fail, the zone is due as soon as the back-off ends.
    state_.due.store(reporter_.port_.now().raw, std::memory_order_relaxed);
    return reporter_.list_of(token_);
  }

  // The pass ended for want of a place.
  bool blocked() const { return blocked_; }

  void abandon() noexcept override { slot().place.store(Place::Free, std::memory_order_release); }

  bool submit(std::uint32_t entries) noexcept override {
    const std::span<ScatterEntry> list = reporter_.list_of(token_).first(entries);
    list.back().end = true;
    Request& request = slot();
    request.entries = entries;
    request.started = reporter_.port_.now();
    reporter_.in_flight_.fetch_add(1, std::memory_order_relaxed);
    reporter_.unsettled_.fetch_add(1, std::memory_order_relaxed);
    // release: complete() on another thread finds the request as filled.
    request.place.store(Place::InFlight, std::memory_order_release);
    std::atomic<std::uintptr_t>& mark = state_.zone->reporter();
    mark.store(reporter_.port_.current(), std::memory_order_relaxed);
    const Status status = reporter_.device_->report(list, token_);
    mark.store(0, std::memory_order_relaxed);
    if (status == Status::Pending) return true;
    static_cast<void>(reporter_.complete(token_, status));
    return taken(status);
  }

 private:
  Request& slot() { return reporter_.requests_[token_]; }

  bool take_place() noexcept {
    for (token_ = 0; token_ < reporter_.depth_; ++token_) {
      Place free = Place::Free;
      // seq_cst: MO-9, after blocked; and acquire, settle() was the last to read the list.
      if (!slot().place.compare_exchange_strong(free, Place::Filling, std::memory_order_seq_cst)) continue;
      slot().state = &state_;
      return true;
    }
    return false;
  }

  Reporter& reporter_;
  ZoneState& state_;
  std::uint32_t token_ = 0;
  bool blocked_ = false;
};

Reporter::Reporter(Port& port, std::span<Zone* const> zones) : port_(port), zone_count_(zones.size()) {
  FALLOW_CHECK(zones.size() <= kMaxZones);
  for (std::size_t i = 0; i < zone_count_; ++i) {
    zones_[i].reporter = this;
    zones_[i].zone = zones[i];
    zones[i]->trigger().attach(fired, &zones_[i]);
  }
}

Reporter::~Reporter() { FALLOW_CHECK(device_ == nullptr); }

// R3, on the free path: the mark may have been crossed.
void Reporter::fired(void* zone_state) noexcept {
  ZoneState& state = *static_cast<ZoneState*>(zone_state);
  Reporter& self = *state.reporter;
  self.request(state, self.port_.now() + Nanoseconds{state.delay.load(std::memory_order_relaxed)});
}

// Flags the zone, unless it is flagged already or no device is there.
void Reporter::request(ZoneState& state, Nanoseconds due) noexcept {
  Flag resting = Flag::Resting;
  if (state.flag.load(std::memory_order_relaxed) != resting) return;
  state.due.store(due.raw, std::memory_order_relaxed);
  // release: the worker that sees the flag sees when the zone is due.
  if (state.flag.compare_exchange_strong(resting, Flag::Requested, std::memory_order_release,
                                         std::memory_order_relaxed)) {
    port_.wake_at(due);
  }
}

bool Reporter::reporting_requested(std::size_t zone) const noexcept {
  return zones_[zone].flag.load(std::memory_order_relaxed) == Flag::Requested;
}

// Whoever calls has taken a wish from the port. One that finds the worker busy leaves it word, and the worker
// goes round again: it may have passed the zone that the wish was about.
Nanoseconds Reporter::run() noexcept {
  Nanoseconds next = kNever;
  // seq_cst: either this load sees the word that a second caller left, or that caller finds nobody inside.
  for (called_.store(true, std::memory_order_seq_cst); called_.load(std::memory_order_seq_cst);) {
    std::uintptr_t nobody = 0;
    // seq_cst: MO-8, either this sees stopping_, or who stops sees the worker inside.
    if (!worker_.compare_exchange_strong(nobody, port_.current(), std::memory_order_seq_cst)) return kNever;
    called_.store(false, std::memory_order_seq_cst);
    next = stopping_.load(std::memory_order_seq_cst) ? kNever : round();
    // seq_cst: MO-8; and what this round wrote happens before the worker is seen to be out.
    worker_.store(0, std::memory_order_seq_cst);
  }
  return next;
}

// Once over all zones that are due. Returns when the next one is.
Nanoseconds Reporter::round() noexcept {
  Nanoseconds next = kNever;
  const Nanoseconds now = port_.now();
  for (std::size_t i = 0; i < zone_count_; ++i) {
    ZoneState& state = zones_[(next_zone_ + i) % zone_count_];
    if (state.flag.load(std::memory_order_acquire) != Flag::Requested) continue;
    if (state.when() <= now) pass(state);
    if (state.flag.load(std::memory_order_acquire) != Flag::Requested) continue;
    next = state.when() < next ? state.when() : next;
  }
  next_zone_ = zone_count_ == 0 ? 0 : (next_zone_ + 1) % zone_count_;
  return next;
}

void Reporter::pass(ZoneState& state) noexcept {
  Sink sink(*this, state);
  const bool everything = state.everything.exchange(false, std::memory_order_relaxed);
  ZonePass zone_pass(*state.zone, sink, capacity_, everything);
  const Next next = policy_->pass(zone_pass);
  if (everything && (zone_pass.starved() || sink.blocked()))
    state.everything.store(true, std::memory_order_relaxed);
  if (zone_pass.failed() || stopping_.load(std::memory_order_relaxed)) return;  // when back_off() says
  if (sink.blocked()) return;                                                   // when a request completes
  if (zone_pass.starved()) {
    again(state, kFirstRetry);
  } else if (next == Next::Again) {
    again(state, policy_->delay());
  } else {
    rest(state, zone_pass.progressed());
  }
}

void Reporter::again(ZoneState& state, Nanoseconds wait) noexcept {
  state.due.store((port_.now() + wait).raw, std::memory_order_relaxed);
}

// R4: the flag goes only when all is below the mark, and no free is lost between the last look and the
// clearing: the credit is granted first (MO-5), and what a second look finds is taken off it.
void Reporter::rest(ZoneState& state, bool progress) noexcept {
  Zone& zone = *state.zone;
  const auto look = [&] { return policy_->credit(count_unreported(zone, policy_->order())); };
  std::int64_t credit = look();
  if (credit <= 0) {
    // What a pass could not get at, it does not try again at once.
    again(state, progress || policy_->delay().raw != 0 ? policy_->delay() : kFirstRetry);
    return;
  }
  state.flag.store(Flag::Resting, std::memory_order_seq_cst);
  for (;;) {
    zone.trigger().grant(credit);
    const std::int64_t left = look();
    if (left >= credit) return;
    if (left <= 0) {
      zone.trigger().grant(0);
      request(state, port_.now());
      return;
    }
    credit = left;
  }
}

// R7: a failed pass is tried again on a timer.
void Reporter::back_off(ZoneState& state) noexcept {
  const std::uint64_t last = state.retry.load(std::memory_order_relaxed);
  const std::uint64_t doubled = last == 0 ? kFirstRetry.raw : last * 2;
  const std::uint64_t retry = doubled < kLastRetry.raw ? doubled : kLastRetry.raw;
  state.retry.store(retry, std::memory_order_relaxed);
  state.everything.store(true, std::memory_order_relaxed);
  const Nanoseconds due = port_.now() + Nanoseconds{retry};
  state.not_before.store(due.raw, std::memory_order_relaxed);
  if (state.flag.load(std::memory_order_relaxed) == Flag::Requested) {
    port_.wake_at(due);
  } else {
    request(state, due);
  }
}

Status Reporter::complete(std::uint32_t token, Status status) noexcept {
  Place in_flight = Place::InFlight;
  // acquire: pairs with the release in submit(). A token is settled once, whoever comes first.
  if (token >= depth_ ||
      !requests_[token].place.compare_exchange_strong(in_flight, Place::Settling, std::memory_order_acquire,
                                                      std::memory_order_relaxed)) {
    return Status::InvalidArgument;
  }
  settle(requests_[token], token, status);
  return Status::Ok;
}

void Reporter::settle(Request& request, std::uint32_t token, Status status) noexcept {
  const std::span<const ScatterEntry> list = list_of(token).first(request.entries);
  const bool reported = taken(status);
  if (status == Status::NotPromised) withdraw_promise();
  PfnCount total;
  for (const ScatterEntry& entry : list) total += entry.count;
  nanoseconds_.fetch_add((port_.now() - request.started).raw, std::memory_order_relaxed);
  put_back(*request.state->zone, list, reported);
  if (reported) {
    request.state->retry.store(0, std::memory_order_relaxed);
    requests_done_.fetch_add(1, std::memory_order_relaxed);
    entries_done_.fetch_add(list.size(), std::memory_order_relaxed);
    frames_done_.fetch_add(total.raw, std::memory_order_relaxed);
  } else {
    failures_.fetch_add(1, std::memory_order_relaxed);
    back_off(*request.state);
  }
  in_flight_.fetch_sub(1, std::memory_order_relaxed);
  request.place.store(Place::Free, std::memory_order_seq_cst);
  unblock();
  // release: unregister_device() waits for this before the lists go, and the reporter may go with them.
  unsettled_.fetch_sub(1, std::memory_order_release);
}

// MO-9: a place is freed first and blocked is read afterwards, while a pass sets blocked first and looks for
// a place afterwards. So either the pass finds the place, or this finds the pass.
void Reporter::unblock() noexcept {
  for (std::size_t i = 0; i < zone_count_; ++i) {
    if (!zones_[i].blocked.load(std::memory_order_seq_cst) || !zones_[i].blocked.exchange(false)) continue;
    const Nanoseconds now = port_.now();
    zones_[i].due.store(now.raw, std::memory_order_relaxed);
    port_.wake_at(now);
  }
}

ReportingStats Reporter::stats() const noexcept {
  ReportingStats s;
  s.requests = requests_done_.load(std::memory_order_relaxed);
  s.entries = entries_done_.load(std::memory_order_relaxed);
  s.reported = {frames_done_.load(std::memory_order_relaxed)};
  s.failures = failures_.load(std::memory_order_relaxed);
  s.in_report = {nanoseconds_.load(std::memory_order_relaxed)};
  s.in_flight = in_flight_.load(std::memory_order_relaxed);
  return s;
}

}  // namespace fallow
