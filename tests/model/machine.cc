#include "tests/model/machine.h"

#include <algorithm>
#include <new>
#include <sstream>

#include "fallow/base/check.h"
#include "fallow/zone/zone_stats.h"

namespace fallow::model {

struct Machine::Policies {
  HwmPolicy hwm[6] = {HwmPolicy({9}, 32), HwmPolicy({9}, 1),  HwmPolicy({0}, 32),
                      HwmPolicy({3}, 4),  HwmPolicy({10}, 1), HwmPolicy({7}, 2)};
  LinuxPolicy linux_[3] = {LinuxPolicy({9}), LinuxPolicy({0}), LinuxPolicy({4})};
  Nanoseconds ages[5] = {milliseconds(100), milliseconds(100), milliseconds(20), milliseconds(100),
                         milliseconds(50)};
  AgedPolicy aged[5] = {AgedPolicy({9}, ages[0]), AgedPolicy({0}, ages[1]), AgedPolicy({5}, ages[2]),
                        AgedPolicy({8}, ages[3]), AgedPolicy({10}, ages[4])};
};

Policy& Machine::policy(unsigned i) {
  static_assert(kPolicies == 14);
  if (i < 6) return policies_->hwm[i];
  if (i < 9) return policies_->linux_[i - 6];
  return policies_->aged[i - 9];
}

Machine::Machine(const Shape& shape)
    : oracle_(shape.config.base, shape.config.frames),
      freed_by_(shape.config.frames.raw, 0),
      freed_at_(shape.config.frames.raw),
      policies_(std::make_unique<Policies>()) {
  const std::size_t size = Zone::metadata_size(shape.config).raw;
  memory_.reset(new (std::align_val_t{64}) std::byte[size]());
  zone_ = Zone::create(port_, shape.config, {memory_.get(), size}).value();
  for (const Hole& hole : shape.holes) {
    const Pfn first = shape.config.base + PfnCount{hole.first};
    FALLOW_CHECK(zone_->reserve(first, {hole.count}) == Status::Ok);
    oracle_.allocate(first, {hole.count});
  }
  look_every_ = std::clamp<std::uint64_t>(shape.config.frames.raw / 16, 10, kCheckEvery);
  Zone* const zones[] = {zone_};
  reporter_.emplace(port_, zones);
}

Machine::~Machine() {
  if (registered()) static_cast<void>(reporter_->unregister_device(*this));
  reporter_.reset();
  ::operator delete[](memory_.release(), std::align_val_t{64});
}

void Machine::fail(const std::string& what) {
  if (failure_.empty()) failure_ = what + " (after operation " + std::to_string(performed_) + ")";
}

template <class... Parts>
void Machine::expect(bool condition, const Parts&... what) {
  if (condition) [[likely]]
    return;
  std::ostringstream text;
  (text << ... << what);
  fail(text.str());
}

void Machine::perform(const Operation& o) {
  using Kind = Operation::Kind;
  const std::uint32_t cache = o.cache % caches();
  switch (o.kind) {
    case Kind::Allocate:
      perform_allocate(o);
      break;
    case Kind::Free:
      perform_free(cache, {o.value}, o.order);
      break;
    case Kind::Drain:
      zone_->cache(cache).drain();
      break;
    case Kind::Retire:
      zone_->cache(cache).retire();
      break;
    case Kind::RequestDrain:
      zone_->request_drain();
      break;
    case Kind::Advance:
      port_.run_until(port_.now() + Nanoseconds{o.value}, worker_of(*reporter_));
      break;
    case Kind::Register:
      perform_register(o);
      break;
    case Kind::Unregister:
      expect(reporter_->unregister_device(*this) == (registered() ? Status::Ok : Status::NotFound),
             "R9: unregister");
      policy_.reset();
      break;
    case Kind::Forget:
      expect(reporter_->forget_reported() == Status::Ok, "R10: forget");
      oracle_.forget_reported();
      break;
    case Kind::FailNext:
      fail_next_ = o.value;
      break;
    case Kind::MeddleNext:
      meddle_next_ = o.order;
      break;
  }
  if (++performed_ % kCheckEvery == 0) {
    check(performed_ / kCheckEvery % 2 == 0);
  } else if (performed_ % look_every_ == 0) {
    check_zone();
  }
}

// ---- Allocating ----

void Machine::perform_allocate(const Operation& o) {
  LocalCache& cache = zone_->cache(o.cache % caches());
  const Allocation got = cache.allocate(o.order, o.mobility);
  if (got.ok()) {
    take(got, o.order);
  } else if (o.order > kMaxOrder) {
    expect(got.status == Status::InvalidArgument, "an order that is too large: ", describe(got.status));
  } else {
    ++tally_.failed_allocations;
    expect(got.status == Status::NoMemory, "an allocation failed: ", describe(got.status));
    if (++exhausted_ % 4 == 0) check_exhausted(o);
  }
}

// An allocation is aligned, inside the zone, and consists of unowned frames that are not being reported (R6).
void Machine::take(const Allocation& got, Order order) {
  const PfnCount n = frames(order);
  ++tally_.allocations;
  expect(aligned(got.pfn, order), "allocated frame ", got.pfn.raw, " is not aligned to order ",
         int{order.raw});
  if (!oracle_.contains(got.pfn, n))
    return fail("allocated frame " + std::to_string(got.pfn.raw) + " is outside");
  if (!oracle_.can_allocate(got.pfn, n)) {
    return fail("given out twice: order " + std::to_string(order.raw) + " at " + std::to_string(got.pfn.raw));
  }
  const bool promised = oracle_.all_reported(got.pfn, n);
  tally_.promises += promised ? 1 : 0;
  expect(got.content_known == promised, "R12: frame ", got.pfn.raw, (promised ? " holds" : " does not hold"),
         " what was promised");
  oracle_.allocate(got.pfn, n);
  for (std::uint64_t i = 0; i < n.raw; ++i) freed_by_[(got.pfn - oracle_.base()).raw + i] = 0;
}

// NoMemory means that no such block is free, except for frames in other caches.
void Machine::check_exhausted(const Operation& o) {
  drain_all();
  const Allocation got = zone_->cache(o.cache % caches()).allocate(o.order, o.mobility);
  if (got.ok()) return take(got, o.order);
  expect(!oracle_.has_free_block(o.order), "out of memory, though a block of order ", int{o.order.raw},
         " is free");
}

// ---- Freeing ----

// Another cache may hold frames that were freed through it as allocated, until it leaves their word.
bool Machine::may_be_pending_elsewhere(std::uint32_t cache, Pfn pfn, Order order) const {
  for (std::uint64_t i = 0; i < frames(order).raw; ++i) {
    const unsigned by = freed_by_[(pfn - oracle_.base()).raw + i];
    if (by != 0 && by - 1 != cache && zone_->cache(by - 1).counts().pending != 0) return true;
  }
  return false;
}

void Machine::expect_misuse(std::uint32_t cache, Pfn pfn, Order order, Status why) {
  ++tally_.misuses;
  const std::uint64_t before = zone_->misuse().count;
  const Status status = zone_->cache(cache).free(pfn, order);
  const Misuse misuse = zone_->misuse();
  expect(status == why, "misuse: free of ", pfn.raw, " at order ", int{order.raw}, " was answered with ",
         describe(status), ", not ", describe(why));
  expect(misuse.count == before + 1 && misuse.last_pfn == std::min(pfn, Misuse::kLastNamed) &&
             misuse.last == why,
         "misuse of ", pfn.raw, " is not named");
}

// A second free of a frame that is pending in another cache is detected at once, or when both caches have
// drained.
void Machine::expect_late_misuse(std::uint32_t cache, Pfn pfn) {
  ++tally_.misuses;
  const unsigned other = freed_by_[(pfn - oracle_.base()).raw] - 1U;
  const std::uint64_t before = zone_->misuse().count;
  const Status status = zone_->cache(cache).free(pfn);
  expect(status == Status::Ok || status == Status::NotAllocated, "double free: ", describe(status));
  const bool other_first = pfn.raw % 2 == 0;
  zone_->cache(other_first ? other : cache).drain();
  check_zone();
  zone_->cache(other_first ? cache : other).drain();
  const Misuse misuse = zone_->misuse();
  expect(misuse.count == before + 1 && misuse.last_pfn == pfn && misuse.last == Status::NotAllocated,
         "a double free of ", pfn.raw, " by two caches is not named");
}

void Machine::perform_free(std::uint32_t cache, Pfn pfn, Order order) {
  if (order > kMaxOrder) return expect_misuse(cache, pfn, order, Status::InvalidArgument);
  const PfnCount n = frames(order);
  if (!oracle_.contains(pfn, n)) return expect_misuse(cache, pfn, order, Status::OutsideZone);
  if (!aligned(pfn, order)) return expect_misuse(cache, pfn, order, Status::Misaligned);
  if (!oracle_.all_allocated(pfn, n)) {
    if (!may_be_pending_elsewhere(cache, pfn, order)) {
      expect_misuse(cache, pfn, order, Status::NotAllocated);
    } else if (order.raw == 0) {
      expect_late_misuse(cache, pfn);
    }
    return;
  }
  ++tally_.frees;
  const Status status = zone_->cache(cache).free(pfn, order);
  expect(status == Status::Ok, "free of ", pfn.raw, " at order ", int{order.raw}, ": ", describe(status));
  oracle_.free(pfn, n);
  for (std::uint64_t i = 0; i < n.raw; ++i) {
    freed_by_[(pfn - oracle_.base()).raw + i] = static_cast<std::uint8_t>(cache + 1);
    freed_at_[(pfn - oracle_.base()).raw + i] = port_.now();
  }
}

// ---- Reporting ----

void Machine::perform_register(const Operation& o) {
  const unsigned number = o.order.raw % kPolicies;
  capacity_ = registered() ? capacity_ : static_cast<std::uint32_t>(o.value);
  const Status status = reporter_->register_device(*this, policy(number));
  const Status expected = capacity_ == 0 ? Status::InvalidArgument : registered() ? Status::Busy : Status::Ok;
  expect(status == expected, "R1: register: ", describe(status));
  if (status != Status::Ok) return;
  policy_ = number;
  last_order_ = policy(number).order();
}

Status Machine::report(Scatterlist list, std::uint32_t) noexcept {
  ++tally_.reports;
  expect(registered(), "R9: report without a registered device");
  if (registered()) check_batch(list);
  if (failed()) return Status::Failed;
  for (const ScatterEntry& e : list) oracle_.set_in_flight(e.first, e.count, true);
  if (meddle_next_) meddle(list);
  for (const ScatterEntry& e : list) oracle_.set_in_flight(e.first, e.count, false);
  if (fail_next_ > 0) {
    --fail_next_;
    ++tally_.failed_reports;
    return Status::Failed;
  }
  for (const ScatterEntry& e : list) {
    oracle_.report(e.first, e.count);
    tally_.reported_frames += e.count.raw;
  }
  return Status::Ok;
}

void Machine::check_batch(Scatterlist list) {
  const Order order = policy(*policy_).order();
  const Nanoseconds age = *policy_ < 9 ? Nanoseconds{0} : policies_->ages[*policy_ - 9];
  expect(!list.empty() && list.size() <= capacity_, "R5: ", list.size(), " entries, capacity ", capacity_);
  PfnCount total;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const ScatterEntry& e = list[i];
    expect(e.end == (i + 1 == list.size()), "R5: the end mark is on the last entry, and only there");
    expect(e.count >= frames(order) && aligned(e.first, order) && e.count.raw % frames(order).raw == 0,
           "R5: a run of ", e.count.raw, " frames at ", e.first.raw, " is not of order ", int{order.raw});
    if (!oracle_.contains(e.first, e.count)) return fail("R5: a run outside the zone");
    expect(i == 0 || e.first >= list[i - 1].first + list[i - 1].count, "R5: runs overlap at ", e.first.raw);
    for (std::uint64_t f = 0; f < e.count.raw; ++f) {
      const Pfn pfn = e.first + PfnCount{f};
      expect(!oracle_.is_allocated(pfn), "frame ", pfn.raw, " is reported and is allocated");
      // A frame that was never freed counts as free from the beginning.
      const Nanoseconds freed = freed_at_[(pfn - oracle_.base()).raw];
      expect(freed == Nanoseconds{} || port_.now() - freed >= age, "frame ", pfn.raw, " is reported after ",
             (port_.now() - freed).raw / 1000, " us, before its age");
      expect(!oracle_.is_reported(pfn), "R8: frame ", pfn.raw, " is reported again, but no thread used it");
    }
    total += e.count;
  }
  expect(zone_stats(*zone_).isolated == total, "R14: isolated while a request is in flight");
  expect(free_frames(*zone_) >= zone_->low_watermark(),
         "R11: isolated below the low watermark: ", free_frames(*zone_).raw);
}

// R6, from inside report(): reported frames can be neither allocated nor freed.
void Machine::meddle(Scatterlist list) {
  const Order order = *meddle_next_;
  meddle_next_.reset();
  ++tally_.meddled;
  expect_misuse(0, list.back().first, {}, Status::NotAllocated);
  const Allocation got = zone_->cache(0).allocate(order);
  if (!got.ok()) return;
  take(got, order);
  if (!failed()) perform_free(0, got.pfn, order);
}

void Machine::drain_all() {
  for (std::uint32_t i = 0; i < caches(); ++i) zone_->cache(i).drain();
}

}  // namespace fallow::model
