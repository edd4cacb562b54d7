#include "replay/replay_machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "fallow/zone/zone_check.h"

namespace fallow::replay {
namespace {

constexpr std::size_t kTableAlignment = 64;
constexpr Order kHugePage{9};

Mobility mobility_of(std::uint8_t migratetype) {
  constexpr std::uint8_t kUnmovable = 0, kReclaimable = 2;
  if (migratetype == kUnmovable) return Mobility::Unmovable;
  return migratetype == kReclaimable ? Mobility::Reclaimable : Mobility::Movable;
}

// Calls f(first frame, order) for each part of the block of the event. A zone has no block larger than
// kMaxOrder.
template <class F>
void for_each_part(const trace::TraceEvent& event, F f) {
  const Order order = std::min(event.order, kMaxOrder);
  for (PfnCount at{}; at < frames(event.order); at += frames(order)) f(event.pfn + at, order);
}

double mib_of(PfnCount n) { return static_cast<double>(bytes(n).raw) / (1 << 20); }

}  // namespace

Expected<ReplayMachine> ReplayMachine::create(const MachineSetup& setup) {
  std::unique_ptr<ReplayMachine> machine(new ReplayMachine(setup));
  std::string error = machine->set_up();
  if (!error.empty()) return error;
  return machine;
}

std::string ReplayMachine::set_up_memory() {
  residency_ = ResidencyModel::create(setup_.memory);
  if (residency_ == nullptr)
    return fmt::format("cannot allocate the residency model of {} MiB", mib_of(setup_.memory));
  if (setup_.backing != BackingKind::None) {
    auto backing = create_backing(setup_.backing, setup_.lazy_free, setup_.memory);
    if (!backing) return backing.error;
    backing_ = std::move(backing.object);
    auto memory = HostMemory::create(*backing_, setup_.verify);
    if (!memory) return memory.error;
    memory_ = std::move(memory.object);
  }
  return {};
}

std::string ReplayMachine::set_up_zone() {
  const ZoneConfig config = zone_config();
  const ByteCount tables = Zone::metadata_size(config);
  if (!metadata_.take(tables, kTableAlignment))
    return fmt::format("cannot allocate the zone tables of {} MiB", mib_of(setup_.memory));
  const auto zone = Zone::create(port_, config, metadata_.bytes());
  if (!zone.ok()) return fmt::format("cannot create the zone: {}", describe(zone.status()));
  zone_ = zone.value();
  reporter_ = std::make_unique<Reporter>(port_, std::span<Zone* const>(&zone_, 1));
  return {};
}

std::string ReplayMachine::set_up_device() {
  if (setup_.balloon.virtio()) {
    const BalloonSetup setup{setup_.balloon, setup_.capacity, setup_.real_time};
    auto balloon =
        ReplayBalloon::create(setup, port_, *zone_, zone_->cache(kDriverCache), *residency_, backing_.get());
    if (!balloon) return balloon.error;
    balloon_ = std::move(balloon.object);
    ReportingDevice& driver = balloon_->device();
    device_ = std::make_unique<ReplayDevice>(nullptr, &driver, driver.capacity());
    balloon_->set_completion({[](void* machine, std::uint32_t token, Status status) noexcept {
                                auto& self = *static_cast<ReplayMachine*>(machine);
                                self.device_->complete(*self.reporter_, token, status);
                              },
                              this});
    return {};
  }
  if (backing_ != nullptr) {
    auto device = ReleaseDevice::create(*backing_, setup_.capacity);
    if (!device) return device.error;
    host_device_ = std::move(device.object);
  }
  device_ = std::make_unique<ReplayDevice>(residency_.get(), host_device_.get(), setup_.capacity);
  return {};
}

std::string ReplayMachine::register_device() {
  const Status status = reporter_->register_device(*device_, *setup_.policy.get());
  if (status != Status::Ok) return fmt::format("cannot register the reporting device: {}", describe(status));
  registered_ = true;
  return {};
}

ZoneConfig ReplayMachine::zone_config() const {
  return {Pfn{0}, setup_.memory, setup_.balloon.virtio() ? kMaxCpus + 1 : kMaxCpus};
}

std::string ReplayMachine::set_up() {
  if (Zone::metadata_size(zone_config()).raw == 0 || setup_.memory.raw >= kFailed)
    return fmt::format("a zone of {} MiB is not supported: choose another --memory", mib_of(setup_.memory));
  if (std::string error = set_up_memory(); !error.empty()) return error;
  if (std::string error = set_up_zone(); !error.empty()) return error;
  if (std::string error = set_up_device(); !error.empty()) return error;
  return register_device();
}

ReplayMachine::~ReplayMachine() { tear_down(); }

// Unregistering waits for requests in flight, so the threads that complete them are stopped only afterwards.
void ReplayMachine::tear_down() noexcept {
  if (registered_) {
    if (!port_.worker_started()) settle();
    FALLOW_CHECK(reporter_->unregister_device(*device_) == Status::Ok);
    registered_ = false;
  }
  port_.stop_worker();
  if (balloon_ != nullptr) balloon_->close();
}

Nanoseconds ReplayMachine::run() noexcept {
  const Nanoseconds balloon = balloon_ == nullptr ? kNever : balloon_->work();
  return std::min(balloon, reporter_->run());
}

// A device that requested a reset completes nothing until its driver has worked.
void ReplayMachine::settle() noexcept {
  while (reporter_->stats().in_flight != 0) {
    if (balloon_ != nullptr) port_.wake_at(balloon_->work());
    port_.relax();
  }
  // The thread that completed the last request may still be about to request a wakeup of the worker.
  if (balloon_ != nullptr) balloon_->settle();
}

void ReplayMachine::disturb() noexcept {
  enum : std::uint64_t { kFail, kRegisterAgain, kBreak, kReset, kDisturbances };
  switch (disturbances_++ % (balloon_ == nullptr ? kBreak : kDisturbances)) {
    case kFail:
      if (balloon_ == nullptr) {
        device_->fail_next();
      } else {
        balloon_->fail_discard();
      }
      return;
    case kRegisterAgain:
      if (!port_.worker_started()) settle();
      FALLOW_CHECK(reporter_->unregister_device(*device_) == Status::Ok);
      FALLOW_CHECK(reporter_->register_device(*device_, *setup_.policy.get()) == Status::Ok);
      return;
    case kBreak:
      balloon_->break_device();
      return;
    default:
      balloon_->reset_device();
      return;
  }
}

bool ReplayMachine::apply(const trace::TraceEvent& event) noexcept {
  ++counts_.events;
  const std::uint32_t cpu = event.cpu % kMaxCpus;
  cache_ = &zone_->cache(cpu);
  caches_ = std::max(caches_, cpu + 1);
  if (event.kind == trace::TraceEvent::Kind::Alloc) return allocate(event);
  free(event);
  return true;
}

void ReplayMachine::idle() noexcept {
  for (std::uint32_t i = 0; i < caches_; ++i) zone_->cache(i).drain();
}

bool ReplayMachine::allocate(const trace::TraceEvent& event) noexcept {
  ++counts_.allocs;
  if (free_live(event) != 0) ++counts_.implied_frees;
  bool fits = true;
  for_each_part(event, [&](Pfn first, Order order) {
    fits = take(first, order, mobility_of(event.migratetype)) && fits;
  });
  if (!fits) ++counts_.failed_allocs;
  return error_.empty();
}

bool ReplayMachine::take(Pfn pfn, Order order, Mobility mobility) noexcept {
  const Allocation got = cache_->allocate(order, mobility);
  const std::uint64_t n = frames(order).raw;
  if (got.ok()) {
    used_.raw += n;
    peak_used_ = std::max(peak_used_, used_);
    touch(got.pfn, order, got.content_known);
  }
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto value = got.ok() ? static_cast<AllocationMap::Value>(got.pfn.raw + i + 1) : kFailed;
    if (allocated_.put(pfn + PfnCount{i}, value)) continue;
    error_ = "the page frame numbers are spread too widely to be those of one machine";
    break;
  }
  return got.ok();
}

void ReplayMachine::touch(Pfn first, Order order, bool must_be_zero) noexcept {
  Pfn from = first;
  PfnCount n = frames(order);
  if (setup_.backing == BackingKind::Thp) {  // the host populates whole huge pages
    from = Pfn{first.raw & ~(frames(kHugePage).raw - 1)};
    n = std::min(std::max(n, frames(kHugePage)), PfnCount{setup_.memory.raw - from.raw});
  }
  const PfnCount fresh = residency_->touch(from, n);
  peak_modelled_ = std::max(peak_modelled_, residency_->resident());
  if (memory_ == nullptr) return;
  if (setup_.backing == BackingKind::Thp && fresh.raw != 0) memory_->populate(from, n);
  memory_->allocated(first, frames(order), must_be_zero);
}

void ReplayMachine::free(const trace::TraceEvent& event) noexcept {
  ++counts_.frees;
  if (free_live(event) < frames(event.order).raw) ++counts_.unmatched_frees;
}

std::uint64_t ReplayMachine::free_live(const trace::TraceEvent& event) noexcept {
  std::uint64_t live = 0;
  for_each_part(event, [&](Pfn first, Order order) { live += free_live(first, order); });
  return live;
}

std::uint64_t ReplayMachine::free_live(Pfn pfn, Order order) noexcept {
  if (order.raw == 0) {
    const AllocationMap::Value value = allocated_.take(pfn);
    if (value != AllocationMap::kNotLive && value != kFailed) free_frames(Pfn{value - 1U}, order);
    return value == AllocationMap::kNotLive ? 0 : 1;
  }
  std::array<AllocationMap::Value, std::size_t{1} << kMaxOrder.raw> values;
  const std::uint64_t n = frames(order).raw;
  std::uint64_t live = 0;
  bool together = true;
  for (std::uint64_t i = 0; i < n; ++i) {
    values[i] = allocated_.take(pfn + PfnCount{i});
    live += values[i] != AllocationMap::kNotLive ? 1 : 0;
    together = together && values[i] != AllocationMap::kNotLive && values[i] != kFailed &&
               values[i] == values[0] + i;
  }
  if (together && aligned(Pfn{values[0] - 1U}, order)) {
    free_frames(Pfn{values[0] - 1U}, order);
    return live;
  }
  for (std::uint64_t i = 0; i < n; ++i) {
    if (values[i] != AllocationMap::kNotLive && values[i] != kFailed)
      free_frames(Pfn{values[i] - 1U}, Order{0});
  }
  return live;
}

void ReplayMachine::free_frames(Pfn pfn, Order order) noexcept {
  if (memory_ != nullptr) memory_->freeing(pfn, frames(order));
  if (cache_->free(pfn, order) == Status::Ok) {
    used_ -= frames(order);
  } else {
    ++counts_.refused_frees;
  }
}

const char* ReplayMachine::retire() {
  tear_down();
  if (memory_ != nullptr) memory_->check_all();
  for (std::uint32_t i = 0; i < caches_; ++i) zone_->cache(i).retire();
  if (balloon_ != nullptr) zone_->cache(kDriverCache).retire();
  return zone_check(*zone_).invariant;
}

}  // namespace fallow::replay
