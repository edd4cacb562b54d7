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

// A zone has no larger block than kMaxOrder: calls f(first frame, order) for each part of the event's block.
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
  books_ = ResidencyModel::create(setup_.memory);
  if (books_ == nullptr) return fmt::format("no memory for the books of {} MiB", mib_of(setup_.memory));
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
    return fmt::format("no memory for the tables of {} MiB", mib_of(setup_.memory));
  const auto zone = Zone::create(port_, config, metadata_.bytes());
  if (!zone.ok()) return fmt::format("making the zone failed: {}", describe(zone.status()));
  zone_ = zone.value();
  reporter_ = std::make_unique<Reporter>(port_, std::span<Zone* const>(&zone_, 1));
  return {};
}

std::string ReplayMachine::set_up_device() {
  if (setup_.wire.virtio()) {
    const WireSetup setup{setup_.wire, setup_.capacity, setup_.real_time};
    auto wire =
        ReplayBalloon::create(setup, port_, *zone_, zone_->cache(kDriverCache), *books_, backing_.get());
    if (!wire) return wire.error;
    wire_ = std::move(wire.object);
    ReportingDevice& driver = wire_->device();
    device_ = std::make_unique<ReplayDevice>(nullptr, &driver, driver.capacity());
    wire_->set_completion({[](void* machine, std::uint32_t token, Status status) noexcept {
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
  device_ = std::make_unique<ReplayDevice>(books_.get(), host_device_.get(), setup_.capacity);
  return {};
}

std::string ReplayMachine::register_device() {
  const Status status = reporter_->register_device(*device_, setup_.policy.get());
  if (status != Status::Ok) return fmt::format("registering the device failed: {}", describe(status));
  registered_ = true;
  return {};
}

ZoneConfig ReplayMachine::zone_config() const {
  return {Pfn{0}, setup_.memory, setup_.wire.virtio() ? kMaxCpus + 1 : kMaxCpus};
}

std::string ReplayMachine::set_up() {
  if (Zone::metadata_size(zone_config()).raw == 0 || setup_.memory.raw >= kFailed)
    return fmt::format("a zone of {} MiB is not possible", mib_of(setup_.memory));
  if (std::string error = set_up_memory(); !error.empty()) return error;
  if (std::string error = set_up_zone(); !error.empty()) return error;
  if (std::string error = set_up_device(); !error.empty()) return error;
  return register_device();
}

ReplayMachine::~ReplayMachine() { take_apart(); }

// In an order in which whatever is in flight still finds who completes it: unregistering waits for it.
void ReplayMachine::take_apart() noexcept {
  if (registered_) {
    if (!port_.worker_started()) settle();
    FALLOW_CHECK(reporter_->unregister_device(*device_) == Status::Ok);
    registered_ = false;
  }
  port_.stop_worker();
  if (wire_ != nullptr) wire_->close();
}

Nanoseconds ReplayMachine::run() noexcept {
  const Nanoseconds wire = wire_ == nullptr ? kNever : wire_->work();
  return std::min(wire, reporter_->run());
}

// A device that asked for a reset completes nothing before its driver has worked.
void ReplayMachine::settle() noexcept {
  while (reporter_->stats().in_flight != 0) {
    if (wire_ != nullptr) port_.wake_at(wire_->work());
    port_.relax();
  }
  // Who completed the last request may still be about to wish for the worker.
  if (wire_ != nullptr) wire_->settle();
}

void ReplayMachine::disturb() noexcept {
  enum : std::uint64_t { kFail, kRegisterAgain, kBreak, kReset, kTroubles };
  switch (disturbances_++ % (wire_ == nullptr ? kBreak : kTroubles)) {
    case kFail:
      if (wire_ == nullptr) {
        device_->fail_next();
      } else {
        wire_->fail_discard();
      }
      return;
    case kRegisterAgain:
      if (!port_.worker_started()) settle();
      FALLOW_CHECK(reporter_->unregister_device(*device_) == Status::Ok);
      FALLOW_CHECK(reporter_->register_device(*device_, setup_.policy.get()) == Status::Ok);
      return;
    case kBreak:
      wire_->break_device();
      return;
    default:
      wire_->reset_device();
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
    touch(got.pfn, order, got.holds_promise);
  }
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto value = got.ok() ? static_cast<AllocationMap::Value>(got.pfn.raw + i + 1) : kFailed;
    if (live_.put(pfn + PfnCount{i}, value)) continue;
    error_ = "the page frame numbers are spread too widely to be those of one machine";
    break;
  }
  return got.ok();
}

void ReplayMachine::touch(Pfn first, Order order, bool promised_zero) noexcept {
  Pfn from = first;
  PfnCount n = frames(order);
  if (setup_.backing == BackingKind::Thp) {  // the host brings in whole blocks
    from = Pfn{first.raw & ~(frames(kHugePage).raw - 1)};
    n = std::min(std::max(n, frames(kHugePage)), PfnCount{setup_.memory.raw - from.raw});
  }
  const PfnCount fresh = books_->touch(from, n);
  peak_on_books_ = std::max(peak_on_books_, books_->resident());
  if (memory_ == nullptr) return;
  if (setup_.backing == BackingKind::Thp && fresh.raw != 0) memory_->populate(from, n);
  memory_->allocated(first, frames(order), promised_zero);
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
    const AllocationMap::Value value = live_.take(pfn);
    if (value != AllocationMap::kNotLive && value != kFailed) free_frames(Pfn{value - 1U}, order);
    return value == AllocationMap::kNotLive ? 0 : 1;
  }
  std::array<AllocationMap::Value, std::size_t{1} << kMaxOrder.raw> values;
  const std::uint64_t n = frames(order).raw;
  std::uint64_t live = 0;
  bool together = true;
  for (std::uint64_t i = 0; i < n; ++i) {
    values[i] = live_.take(pfn + PfnCount{i});
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
  take_apart();
  if (memory_ != nullptr) memory_->check_all();
  for (std::uint32_t i = 0; i < caches_; ++i) zone_->cache(i).retire();
  if (wire_ != nullptr) zone_->cache(kDriverCache).retire();
  return zone_check(*zone_).invariant;
}

}  // namespace fallow::replay
