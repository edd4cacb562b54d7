// The worker: passes over flagged zones, and requests to the device. See registration.cc for registration.
#include "fallow/reporting/reporter.h"

#include "fallow/base/check.h"
#include "fallow/reporting/detail/zone_pass.h"
#include "fallow/zone/detail/isolation.h"

namespace fallow {

// Whether the device took the frames of a request with this status.
static constexpr bool taken(Status status) noexcept {
  return status == Status::Ok || status == Status::ContentUnknown;
}

// The minimum number of frees that can free this number of frames.
static constexpr std::uint64_t frees_of(std::uint64_t frames) noexcept {
  return (frames + detail::ReportTrigger::kMostFrames - 1) / detail::ReportTrigger::kMostFrames;
}

// Returns what free_frames() does, but counts in the entries of the blocks. Each entry changes before a free
// checks whether it counts (MO-25), whereas the counters of the local caches may lag behind. O(blocks).
static PfnCount free_in_blocks(const Zone& zone) noexcept {
  PfnCount free;
  for (std::uint32_t b = 0; b < zone.tables().blocks(); ++b)
    free += PfnCount{detail::kBlockFrames - zone.tables().entry(b).used()};
  return free;
}

// Fills and submits the requests of one pass.
class Reporter::Sink final : public detail::RequestSink {
 public:
  Sink(Reporter& reporter, ZoneState& state) : reporter_(reporter), state_(state) {}

  // If all slots are in use, the pass ends and the next completion wakes the worker (MO-9). Waiting here
  // would never end if the completions come from the worker's own thread.
  std::span<ScatterEntry> open() noexcept override {
    if (reporter_.stopping_.load(std::memory_order_relaxed)) return {};
    if (take_slot()) return reporter_.list_of(token_);
    state_.due.store(kNever.raw, std::memory_order_relaxed);
    state_.blocked.store(true, std::memory_order_seq_cst);
    blocked_ = !take_slot();
    if (blocked_) return {};
    state_.blocked.store(false, std::memory_order_relaxed);
    // The pass continues. If the device fails later, the zone is due as soon as the back-off ends.
    state_.due.store(reporter_.port_.now().raw, std::memory_order_relaxed);
    return reporter_.list_of(token_);
  }

  // True if the pass ended because no slot was free.
  bool blocked() const { return blocked_; }

  // relaxed: only the worker takes a free slot, and no other thread has seen this one.
  void abandon() noexcept override {
    slot().word.store(word_of(SlotState::Free, token_), std::memory_order_relaxed);
  }

  bool submit(std::uint32_t entries) noexcept override {
    const std::span<ScatterEntry> list = reporter_.list_of(token_).first(entries);
    list.back().end = true;
    Request& request = slot();
    request.entries = entries;
    request.started = reporter_.port_.now();
    reporter_.in_flight_.fetch_add(1, std::memory_order_relaxed);
    // relaxed: stop_worker() reads the pins once the worker is out.
    reporter_.pins_.fetch_add(1, std::memory_order_relaxed);
    // release: pairs with begin_settling(), so that complete() on another thread finds the request filled.
    request.word.store(word_of(SlotState::InFlight, token_), std::memory_order_release);
    std::atomic<std::uintptr_t>& running = state_.zone->tables().reports().reporter;
    running.store(reporter_.port_.current(), std::memory_order_relaxed);
    const Status status = reporter_.device_->report(list, token_);
    running.store(0, std::memory_order_relaxed);
    if (status == Status::Pending) return true;
    static_cast<void>(reporter_.complete(token_, status));
    return taken(status);
  }

 private:
  Request& slot() { return reporter_.requests_[slot_of(token_)]; }

  bool take_slot() noexcept {
    for (std::uint32_t i = 0; i < reporter_.depth_; ++i) {
      // seq_cst: MO-9, after blocked; also acquire, because settle() was the last to read the list.
      if (state_of(reporter_.requests_[i].word.load(std::memory_order_seq_cst)) != SlotState::Free) continue;
      token_ = ++reporter_.generation_ << kSlotBits | i;
      // relaxed: only the worker takes a free slot, and submit() publishes it.
      slot().word.store(word_of(SlotState::Filling, token_), std::memory_order_relaxed);
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
  FALLOW_REQUIRE(zones.size() <= kMaxZones,
                 "Reporter(): more than Reporter::kMaxZones zones; make another Reporter for the others");
  for (std::size_t i = 0; i < zone_count_; ++i) {
    FALLOW_REQUIRE(zones[i] != nullptr,
                   "Reporter(): a zone is null; test the result of Zone::create() with ok()");
    FALLOW_REQUIRE(
        !zones[i]->tables().trigger().attached(),
        "Reporter(): a zone is given twice, or belongs to another Reporter; destroy that one first");
    zones_[i].reporter = this;
    zones_[i].zone = zones[i];
    zones[i]->tables().trigger().attach(fired, &zones_[i]);
  }
}

Reporter::~Reporter() {
  // relaxed: best effort, for a port whose worker was not stopped.
  FALLOW_REQUIRE(worker_.load(std::memory_order_relaxed) == 0,
                 "~Reporter(): a thread is inside run(); stop the worker first, as HostedPort::stop() does");
  FALLOW_REQUIRE(device_ == nullptr, "~Reporter(): a device is registered; call unregister_device() first");
  for (std::size_t i = 0; i < zone_count_; ++i) zones_[i].zone->tables().trigger().attach(nullptr, nullptr);
}

// Runs on the free path when a threshold may have been crossed (R3).
void Reporter::fired(void* zone_state) noexcept {
  ZoneState& state = *static_cast<ZoneState*>(zone_state);
  Reporter& self = *state.reporter;
  // seq_cst: MO-26, before the flag is read in request().
  self.pins_.fetch_add(1, std::memory_order_seq_cst);
  self.request(state);
  // release: MO-26, the wakeup has been requested.
  self.pins_.fetch_sub(1, std::memory_order_release);
}

// Flags the zone, unless it is flagged already or no device is registered. The zone is due after the
// policy's delay. The delay is read after the flag, so that it belongs to the registration whose flag was
// found at rest.
void Reporter::request(ZoneState& state) noexcept {
  // seq_cst: MO-26, pairs with unregister_device(). MO-5 alone would allow relaxed: a free that used up the
  // credit has read the grant, which came after the flag.
  FlagWord word = state.flag.load(std::memory_order_seq_cst);
  if (flag_of(word) != Flag::Resting) return;
  const Nanoseconds due = port_.now() + Nanoseconds{state.delay.load(std::memory_order_relaxed)};
  state.due.store(due.raw, std::memory_order_relaxed);
  // release: pairs with the acquire in round(); a worker that sees the flag also sees when the zone is due.
  if (state.flag.compare_exchange_strong(word, with_flag(word, Flag::Requested), std::memory_order_release,
                                         std::memory_order_relaxed)) {
    port_.wake_at(due);
  }
}

bool Reporter::reporting_requested(std::size_t zone) const noexcept {
  FALLOW_REQUIRE(
      zone < zone_count_,
      "Reporter::reporting_requested(): there is no such zone; count as the constructor's list does, "
      "from 0");
  return flag_of(zones_[zone].flag.load(std::memory_order_relaxed)) == Flag::Requested;
}

// The caller has consumed the port's wakeup request. A caller that finds the worker busy sets `called_`, so
// that the running worker loops once more: the worker may already have passed the requested zone.
Nanoseconds Reporter::run() noexcept {
  Nanoseconds next = kNever;
  // seq_cst: MO-8, either this load sees what a second caller set, or that caller finds no worker inside.
  // `called_` is set and cleared by exchanges, not stores: the round that clears it must acquire what each
  // caller knew, and a store would hide an earlier caller.
  for (called_.exchange(true, std::memory_order_seq_cst); called_.load(std::memory_order_seq_cst);) {
    std::uintptr_t nobody = 0;
    // seq_cst: MO-8, either this thread sees stopping_, or the stopping thread sees the worker inside.
    if (!worker_.compare_exchange_strong(nobody, port_.current(), std::memory_order_seq_cst)) return kNever;
    called_.exchange(false, std::memory_order_seq_cst);  // MO-8, as above
    next = stopping_.load(std::memory_order_seq_cst) ? kNever : round();
    // seq_cst: MO-8; also release, so that what this round wrote happens before the worker is seen to be
    // out.
    worker_.store(0, std::memory_order_seq_cst);
  }
  return next;
}

// Visits every zone that is due. Returns when the next zone is due.
Nanoseconds Reporter::round() noexcept {
  Nanoseconds next = kNever;
  const Nanoseconds now = port_.now();
  for (std::size_t i = 0; i < zone_count_; ++i) {
    ZoneState& state = zones_[(next_zone_ + i) % zone_count_];
    // acquire: pairs with the release in request() and back_off(), which publish when the zone is due.
    if (flag_of(state.flag.load(std::memory_order_acquire)) != Flag::Requested) continue;
    if (state.when() <= now) pass(state);
    // acquire: pairs with request(): a free may have flagged the zone again since the pass.
    if (flag_of(state.flag.load(std::memory_order_acquire)) != Flag::Requested) continue;
    next = state.when() < next ? state.when() : next;
  }
  next_zone_ = zone_count_ == 0 ? 0 : (next_zone_ + 1) % zone_count_;
  return next;
}

void Reporter::pass(ZoneState& state) noexcept {
  Sink sink(*this, state);
  // acquire: MO-24, every request that failed before has put its frames back, so that this pass finds them.
  const FlagWord seen = state.flag.load(std::memory_order_acquire);
  // acquire: pairs with the release in back_off(): a pass that takes a failure's `ignore_threshold` finds its
  // frames.
  const bool ignore_threshold = state.ignore_threshold.exchange(false, std::memory_order_acquire);
  detail::ReportTrigger& trigger = state.zone->tables().trigger();
  if (trigger.counts_every_free()) trigger.set_order(policy_->order());
  detail::ZonePass zone_pass(*state.zone, sink, capacity_, ignore_threshold);
  const PassResult next = policy_->pass(zone_pass);
  const bool starved = zone_pass.starved() && wants_more(state, ignore_threshold);
  // The order matters: frames that an allocation attempt held are either still in transit, or back and
  // visible to wants_more().
  const bool missed = ignore_threshold && (state.zone->tables().in_transit() ||
                                           (!starved && !sink.blocked() && wants_more(state, true)));
  // relaxed: only the next pass depends on it, and the same thread runs that pass.
  if (ignore_threshold && (starved || sink.blocked() || missed))
    state.ignore_threshold.store(true, std::memory_order_relaxed);
  if (zone_pass.failed() || stopping_.load(std::memory_order_relaxed)) return;  // back_off() set the time
  if (sink.blocked()) return;  // the next completion sets the time
  if (starved) {
    starve(state, seen, zone_pass.needed());
  } else if (next == PassResult::Again && !zone_pass.starved()) {
    again(state, policy_->delay());
  } else if (missed) {
    again_after(state, zone_pass.progressed());
  } else {
    rest(state, seen, zone_pass.progressed());
  }
}

// Returns whether the policy would report something if enough frames were free.
bool Reporter::wants_more(const ZoneState& state, bool ignore_threshold) const noexcept {
  const detail::UnreportedCounts counts = detail::count_unreported(state.zone->tables(), policy_->order());
  if (!ignore_threshold) return policy_->credit(counts) <= 0;
  std::uint64_t any = 0;
  for (const std::uint64_t n : counts.of) any |= n;
  return any != 0;
}

void Reporter::again(ZoneState& state, Nanoseconds wait) noexcept {
  state.due.store((port_.now() + wait).raw, std::memory_order_relaxed);
}

// Does not retry at once what a pass could not reach.
void Reporter::again_after(ZoneState& state, bool progress) noexcept {
  again(state, progress || policy_->delay().raw != 0 ? policy_->delay() : kFirstRetry);
}

// Clears the flag, unless a request of the zone has failed since the pass began, when the flag was `seen`:
// back_off() then found the flag set and relies on a further pass. Returns false if the zone stays due (R7).
bool Reporter::try_rest(ZoneState& state, FlagWord seen) noexcept {
  // acquire: MO-24, pairs with back_off() if the exchange fails. If it succeeds, nothing needs ordering
  // here: the grant that follows (MO-5) releases the flag.
  if (state.flag.compare_exchange_strong(seen, with_flag(seen, Flag::Resting), std::memory_order_acquire))
    return true;
  again(state, {});
  return false;
}

// R4: the flag is cleared only when every area is below the threshold. No free is lost between the last
// count and the clearing: the credit is granted first (MO-5), and what a second count finds is deducted from
// it.
void Reporter::rest(ZoneState& state, FlagWord seen, bool progress) noexcept {
  Zone& zone = *state.zone;
  const auto look = [&] {
    return policy_->credit(detail::count_unreported(zone.tables(), policy_->order()));
  };
  std::int64_t credit = look();
  if (credit <= 0) {
    again_after(state, progress);
    return;
  }
  if (try_rest(state, seen)) grant(state, credit, look);
}

// R11: nothing may be isolated until `needed` frames are free, so the zone rests (RPT-12). Every free raises
// the number of free frames, whatever its order, so every free counts (MO-25). The number of frees that it
// takes is a lower bound: a pass that runs too early ends here again. Passes run at least kFirstRetry apart.
void Reporter::starve(ZoneState& state, FlagWord seen, PfnCount needed) noexcept {
  const auto look = [&]() -> std::int64_t {
    const std::uint64_t free = free_in_blocks(*state.zone).raw;
    return free >= needed.raw ? 0 : static_cast<std::int64_t>(frees_of(needed.raw - free));
  };
  // Keeps a back-off that ends later. relaxed: back_off() needs no more, and otherwise only this thread uses
  // it.
  const Nanoseconds sooner = port_.now() + kFirstRetry;
  std::uint64_t before = state.not_before.load(std::memory_order_relaxed);
  while (before < sooner.raw &&
         !state.not_before.compare_exchange_weak(before, sooner.raw, std::memory_order_relaxed)) {
  }
  state.zone->tables().trigger().count_every_free();
  if (try_rest(state, seen)) grant(state, look(), look);
}

// Grants the credit that `look` computes to later frees. A free that did not see the grant is seen by the
// next look (MO-5, MO-25).
template <class Look>
void Reporter::grant(ZoneState& state, std::int64_t credit, Look look) noexcept {
  while (credit > 0) {
    state.zone->tables().trigger().grant(credit);
    const std::int64_t left = look();
    if (left >= credit) return;
    credit = left;
  }
  state.zone->tables().trigger().grant(0);
  request(state);
}

// R7: retries a failed request on a timer, whether the zone rests, is about to rest, or has a pass under
// way. The frames have been put back already.
void Reporter::back_off(ZoneState& state) noexcept {
  const std::uint64_t last = state.retry.load(std::memory_order_relaxed);
  const std::uint64_t doubled = last == 0 ? kFirstRetry.raw : last * 2;
  const std::uint64_t retry = doubled < kLastRetry.raw ? doubled : kLastRetry.raw;
  state.retry.store(retry, std::memory_order_relaxed);
  const Nanoseconds due = port_.now() + Nanoseconds{retry};
  state.not_before.store(due.raw, std::memory_order_relaxed);
  // release: pairs with the acquire in pass().
  state.ignore_threshold.store(true, std::memory_order_release);
  // relaxed: the compare-exchange below checks it.
  FlagWord word = state.flag.load(std::memory_order_relaxed);
  do {
    if (flag_of(word) == Flag::Resting) state.due.store(due.raw, std::memory_order_relaxed);
    // release: MO-24, pairs with try_rest() and pass().
  } while (!state.flag.compare_exchange_weak(word, with_flag(word, Flag::Requested) + kOneFailure,
                                             std::memory_order_release, std::memory_order_relaxed));
  port_.wake_at(due);
}

// MO-26: the pinned tables may be read once `accepting_` says that they exist.
Status Reporter::complete(std::uint32_t token, Status status) noexcept {
  if (status == Status::Pending) return Status::InvalidArgument;
  // seq_cst: MO-26, the pin comes before the read of accepting_.
  pins_.fetch_add(1, std::memory_order_seq_cst);
  const bool ours = accepting_.load(std::memory_order_seq_cst) && begin_settling(token);  // MO-26
  if (ours) settle(token, status);
  // release: MO-26, unregister_device() waits for this before it frees the lists, and the caller may then
  // destroy the reporter. A request that was settled had a pin of its own.
  pins_.fetch_sub(ours ? 2 : 1, std::memory_order_release);
  return ours ? Status::Ok : Status::InvalidArgument;
}

// A request is settled exactly once, by the first thread that claims it (RPT-2), and only with its own token
// (RPT-13).
bool Reporter::begin_settling(std::uint32_t token) noexcept {
  if (slot_of(token) >= depth_) return false;
  SlotWord in_flight = word_of(SlotState::InFlight, token);
  // acquire: pairs with the release in submit().
  return requests_[slot_of(token)].word.compare_exchange_strong(
      in_flight, word_of(SlotState::Settling, token), std::memory_order_acquire, std::memory_order_relaxed);
}

void Reporter::settle(std::uint32_t token, Status status) noexcept {
  Request& request = requests_[slot_of(token)];
  const std::span<const ScatterEntry> list = list_of(token).first(request.entries);
  const bool reported = taken(status);
  if (status == Status::ContentUnknown) withdraw_content();
  PfnCount total;
  for (const ScatterEntry& entry : list) total += entry.count;
  nanoseconds_.fetch_add((port_.now() - request.started).raw, std::memory_order_relaxed);
  detail::put_back(request.state->zone->tables(), list, reported);
  // In a zone that is short of free frames, this counts as a free like any other (MO-25).
  detail::ReportTrigger& trigger = request.state->zone->tables().trigger();
  if (trigger.armed() && trigger.counts_every_free())
    trigger.spend(static_cast<unsigned>(frees_of(total.raw)));
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
  request.word.store(word_of(SlotState::Free, token), std::memory_order_seq_cst);  // MO-9, before unblock()
  unblock();
}

// MO-9: settle() frees a slot first and then reads blocked; a pass sets blocked first and then looks for a
// slot. So either the pass finds the slot, or this function finds the pass.
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
