#include "tests/explore/world/world.h"

#include <bit>
#include <string>

namespace fallow::explore {
namespace {

Zone& make_zone(Port& port, const ZoneConfig& config) {
  const ByteCount size = Zone::metadata_size(config);
  auto* tables = static_cast<std::byte*>(arena().allocate(size.raw));
  return *Zone::create(port, config, {tables, size.raw}).value();
}

}  // namespace

World::World(const ZoneConfig& config)
    : zone_(&make_zone(port_, config)),
      oracle_(arena().make<Oracle>(*zone_)),
      judge_(*zone_),
      zones_{zone_},
      reporter_(port_, zones_),
      device_(oracle_, port_) {
  words_ = reinterpret_cast<const std::byte*>(&zone_->tables().word(0));
  static_cast<void>(zone_->tables().entry(0));
  entries_ = static_cast<const std::byte*>(engine().last_loaded());
  static_cast<void>(zone_->tables().forget_epoch());
  forget_epoch_ = engine().last_loaded();
  engine().observe({wrote, this});
}

void World::wrote(void* context, void* at, std::uint64_t before, std::uint64_t after) {
  World& self = *static_cast<World*>(context);
  self.judge_.wrote(at, before, after);
  const auto word = static_cast<std::size_t>(static_cast<std::byte*>(at) - self.words_);
  if (word < std::size_t{self.zone_->tables().blocks()} * detail::kBlockWords * sizeof(std::uint64_t))
    self.check_word(word / sizeof(std::uint64_t), detail::FrameWord{before}, detail::FrameWord{after});
  const auto offset = static_cast<std::size_t>(static_cast<std::byte*>(at) - self.entries_);
  if (offset < std::size_t{self.zone_->tables().blocks()} * sizeof(std::uint64_t))
    self.check_entry(detail::BlockEntry{after});
  // forget_reported() counts its beginning and its end. When it begins, the worker is out and every request
  // is settled, so the back-off of each failure so far ends with it, and of no later one (RPT-9).
  if (at != self.forget_epoch_ || after % 2 == 0) return;
  self.oracle_.forgotten();
  self.device_.end_back_off();
}

void World::check_word(std::uint64_t word, detail::FrameWord before, detail::FrameWord after) {
  for (std::uint32_t bits = after.allocated() & ~before.allocated(); bits != 0; bits &= bits - 1) {
    const Pfn pfn =
        zone_->tables().pfn_of(word * detail::kWordFrames + static_cast<unsigned>(std::countr_zero(bits)));
    if (zone_->contains(pfn, {1})) oracle_.held(pfn);
  }
}

void World::check_entry(detail::BlockEntry e) const {
  if (e.owner() > zone_->cache_count())
    engine().fail("ZONE-1: a block is owned by a cache that does not exist");
  if (e.used() > detail::kBlockFrames) engine().fail("ZONE-2: more frames of a block are used than it has");
}

void World::withhold(Pfn first, PfnCount count) {
  if (zone_->reserve(first, count) != Status::Ok) engine().fail("the scenario withholds what is not free");
  oracle_.withhold(first, count);
  judge_.restart();
}

void World::report_from(unsigned order) {
  zone_->tables().trigger().set_order(Order{static_cast<std::uint8_t>(order)});
  zone_->tables().dirty().insert_all();
}

// Covers calls that may move frames into a hand or out of it.
void World::begin_call() {
  judge_.begin_call();
  ++moves_;
  ++moving_;
}

void World::end_call() {
  --moving_;
  judge_.end_call();
}

bool World::is_misused(Pfn first, PfnCount count) const {
  for (const Misused& m : misused_) {
    if (m.count.raw != 0 && first < m.first + m.count && m.first < first + count) return true;
  }
  return false;
}

Got World::allocate(std::uint32_t cache, unsigned order, Mobility mobility) {
  const Order wanted{static_cast<std::uint8_t>(order)};
  begin_call();
  const Content promised = device_.promises;
  const bool steady = controls_ == 0;
  const unsigned controls = control_calls_;
  const Allocation got = zone_->cache(cache).allocate(wanted, mobility);
  if (got.ok()) {
    split_ = true;
    // The wrong free came after this allocation, and has become a free of owned frames.
    if (is_misused(got.pfn, frames(wanted))) engine().abandon();
    if (!aligned(got.pfn, wanted)) engine().fail("an allocation is not aligned to its size");
    // Another device with another promise may be registering meanwhile.
    // On weak memory this thread need not see it yet.
    const bool known = steady && controls == control_calls_ && !engine().weak();
    const Content before = known ? promised : offered_before_;
    oracle_.allocated(got.pfn, frames(wanted), got.content_known, {promised, before, device_.promises});
    judge_.holds(got.pfn, frames(wanted));
  } else if (got.status == Status::NoMemory) {
    judge_.had_no_memory(wanted);
    ++refusals_;
  } else {
    engine().fail("an allocation is neither Ok nor NoMemory");
  }
  end_call();
  if (engine().tracing())
    engine().note(got.ok() ? "allocated frame " + std::to_string(got.pfn.raw) + " at order " +
                                 std::to_string(order)
                           : "got NoMemory at order " + std::to_string(order));
  return {got.ok(), got.pfn};
}

void World::free(std::uint32_t cache, Pfn pfn, unsigned order) {
  const Order wanted{static_cast<std::uint8_t>(order)};
  begin_call();
  oracle_.freeing(pfn, frames(wanted));
  if (zone_->cache(cache).free(pfn, wanted) != Status::Ok) {
    // A concurrent wrong free may have freed the frame under its owner (invariants.md).
    if (misusing_ != 0) engine().abandon();
    engine().fail("a free of what is owned is refused");
  }
  end_call();
  if (engine().tracing())
    engine().note("freed frame " + std::to_string(pfn.raw) + " at order " + std::to_string(order));
}

void World::misuse(std::uint32_t cache, Pfn pfn, unsigned order) {
  judge_.begin_call();
  const bool alone = moving_ == 0;
  const unsigned moves = moves_;
  ++misusing_;
  misused_[engine().self()] = {pfn, frames(Order{static_cast<std::uint8_t>(order)})};
  const Status status = zone_->cache(cache).free(pfn, Order{static_cast<std::uint8_t>(order)});
  misused_[engine().self()] = {};
  --misusing_;
  if (status == Status::Ok) {
    // On weak memory a cache need not yet see what another cache holds.
    if (!alone || moves != moves_ || engine().weak()) engine().abandon();
    engine().fail("a free of a frame without an owner is accepted");
  }
  ++misuses_;
  judge_.end_call();
}

bool World::late_misuse(std::uint32_t cache, Pfn pfn) {
  ++misuses_;
  return free_untold(cache, pfn) == Status::Ok;
}

Status World::free_untold(std::uint32_t cache, Pfn pfn, unsigned order) {
  judge_.begin_call();
  const Status status = zone_->cache(cache).free(pfn, Order{static_cast<std::uint8_t>(order)});
  judge_.end_call();
  if (engine().tracing())
    engine().note((status == Status::Ok ? "freed frame " : "may not free frame ") + std::to_string(pfn.raw));
  return status;
}

Got World::allocate_untold(std::uint32_t cache, unsigned order) {
  judge_.begin_call();
  const Allocation got = zone_->cache(cache).allocate(Order{static_cast<std::uint8_t>(order)});
  judge_.end_call();
  return {got.ok(), got.pfn};
}

void World::drain(std::uint32_t cache) {
  begin_call();
  zone_->cache(cache).drain();
  end_call();
}

void World::retire(std::uint32_t cache) {
  begin_call();
  zone_->cache(cache).retire();
  end_call();
}

void World::register_device(Policy& policy, PfnCount above_low) {
  device_.order = policy.order();
  const bool alone = controls_ == 0;
  const unsigned calls = ++control_calls_;
  ++controls_;
  device_.expect(true);
  split_ = false;
  const Status status = reporter_.register_device(device_, policy);
  --controls_;
  // Another thread may be registering, unregistering or forgetting.
  if (status == Status::Busy && (!alone || calls != control_calls_)) return;
  if (status != Status::Ok) engine().fail("R1: registering fails");
  policy_ = &policy;
  above_low_ = above_low.raw != 0 ? above_low : frames(policy.order());
  registered_ = true;
}

void World::unregister_device() {
  const bool alone = controls_ == 0;
  const unsigned calls = ++control_calls_;
  ++controls_;
  const Status status = reporter_.unregister_device(device_);
  --controls_;
  // Another thread may have been first.
  if (status == Status::NotFound && (!alone || calls != control_calls_)) return;
  if (status != Status::Ok) engine().fail("R9: unregistering fails");
  device_.expect(false);
  registered_ = false;
  if (reporter_.reporting_requested(0) && alone && calls == control_calls_)
    engine().fail("R9: a flag stays set after unregistering");
}

void World::forget() {
  ++control_calls_;
  ++controls_;
  if (reporter_.forget_reported() != Status::Ok) engine().fail("R10: forget_reported() fails");
  --controls_;
}

void World::work(unsigned rounds, Nanoseconds wait) {
  const Nanoseconds until = port_.now() + wait;
  do {
    device_.run_begins();
  } while (rounds-- > 0 && port_.run_worker(reporter_, until));
}

void World::call_worker() {
  device_.run_begins();
  const Nanoseconds next = reporter_.run();
  if (next != kNever) port_.wake_at(next);
}

bool World::complete(Status status) {
  judge_.begin_call();
  const bool done = device_.complete(reporter_, status);
  judge_.end_call();
  return done;
}

void World::complete_next(Status status) {
  while (!complete(status)) port_.relax();
}

void World::report(const detail::Selection& want, PfnCount most, bool reported, unsigned requests) {
  constexpr std::uint32_t kEntries = ModelDevice::kMaxCapacity;
  ScatterEntry list[kEntries];
  detail::Isolation isolation(zone_->tables(), want);
  for (; requests > 0; --requests) {
    const std::uint32_t entries = isolation.fill(list, most);
    if (entries == 0) break;
    list[entries - 1].end = true;
    const std::span<const ScatterEntry> request(list, entries);
    oracle_.reporting(request, kEntries, want.order);
    if (engine().tracing()) engine().note("isolated from frame " + std::to_string(list[0].first.raw));
    if (takes_time_ && engine().concurrent()) port_.relax();
    oracle_.settled(request, reported, Content::Unknown);
    judge_.begin_call();
    detail::put_back(zone_->tables(), request, reported);
    judge_.end_call();
    if (engine().tracing()) engine().note("put back");
    list[entries - 1].end = false;
  }
}

unsigned World::begin_report(const detail::Selection& want, PfnCount most) {
  Request& request = begun_[begun_count_];
  detail::Isolation isolation(zone_->tables(), want);
  request.entries = isolation.fill(request.list, most);
  if (request.entries == 0) engine().fail("the scenario begins a report of nothing");
  request.list[request.entries - 1].end = true;
  oracle_.reporting({request.list, request.entries}, ModelDevice::kMaxCapacity, want.order);
  return begun_count_++;
}

void World::end_report(unsigned number, bool reported) {
  const Request& request = begun_[number];
  const std::span<const ScatterEntry> list(request.list, request.entries);
  oracle_.settled(list, reported, Content::Unknown);
  judge_.begin_call();
  detail::put_back(zone_->tables(), list, reported);
  judge_.end_call();
}

}  // namespace fallow::explore
