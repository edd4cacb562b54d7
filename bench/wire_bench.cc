// Measures the cost of a request over a virtio ring, in nanoseconds and in yardsticks. bench/README.md
// explains the figures.
#include <benchmark/benchmark.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "bench/allocation_count.h"
#include "bench/yardstick.h"
#include "fallow/balloon/device/balloon_device.h"
#include "fallow/balloon/driver/balloon_driver.h"
#include "fallow/host/anonymous_backing.h"
#include "fallow/host/detail/event_fd.h"
#include "fallow/host/hosted_port.h"
#include "fallow/virtio/transport/in_process_transport.h"
#include "fallow/zone/zone.h"

namespace fallow::bench {
namespace {

constexpr std::uint32_t kEntries = 32;
constexpr PfnCount kBlock{512};
constexpr PfnCount kZone{std::uint64_t{2} * kEntries * kBlock.raw};

[[noreturn]] void give_up(const std::string& what) {
  std::cerr << "wire_bench: " << what << "\n";
  std::exit(1);
}

double now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<double>(std::chrono::nanoseconds(since).count());
}

double median(std::vector<double>& times) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

// Zero-filled bytes, page-aligned.
class Bytes {
 public:
  explicit Bytes(ByteCount size) : bytes_(new (kAlignment) std::byte[size.raw]()), size_(size.raw) {}
  ~Bytes() { ::operator delete[](bytes_, kAlignment); }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  std::span<std::byte> get() const { return {bytes_, size_}; }

 private:
  static constexpr std::align_val_t kAlignment{4096};
  std::byte* bytes_;
  std::size_t size_;
};

// A backing whose calls succeed and do nothing.
class NoBacking final : public MemoryBacking {
 public:
  Status discard(Pfn, PfnCount) noexcept override { return Status::Ok; }
  Status populate(Pfn, PfnCount) noexcept override { return Status::Ok; }
  Result<PfnCount> resident() noexcept override { return PfnCount{0}; }
};

struct Format {
  bool packed, event_index, indirect;
  std::string name() const {
    return std::string(packed ? "packed" : "split") + (event_index ? "/event_index" : "") +
           (indirect ? "/indirect" : "");
  }
  Features features() const {
    return kBalloonPageReporting | (packed ? kFeatureRingPacked : 0) | (event_index ? kFeatureEventIdx : 0) |
           (indirect ? kFeatureIndirectDesc : 0);
  }
};

// Driver and device, and a request of kEntries blocks with gaps between them.
class Wire {
 public:
  Wire(const Format& format, Doorbell to_device, Doorbell to_driver)
      : transport_(port_, to_device, to_driver), tables_(Zone::metadata_size(kZoneConfig)) {
    driver_config_.features = device_config_.features = format.features();
    driver_config_.capacity = kEntries;
    make_device();
    make_driver();
    for (std::uint32_t i = 0; i < kEntries; ++i)
      entries_[i] = {Pfn{2 * i * kBlock.raw}, kBlock, i + 1 == kEntries};
  }
  ~Wire() { driver_->remove(); }

  Status report() { return driver_->report(entries_, 0); }
  InProcessTransport& transport() { return transport_; }
  // Counts requests for which report() returned Pending and that completed successfully.
  std::uint64_t completed() const { return completed_; }

 private:
  static constexpr ZoneConfig kZoneConfig{Pfn{0}, kZone, 1};

  void make_device() {
    AnonymousOptions addresses;
    addresses.size = kZone;
    auto room = AnonymousBacking::create(addresses);
    if (!room) give_up(room.error);
    frames_ = std::move(room.object);
    ring_ = std::make_unique<Bytes>(
        bytes(whole_frames(BalloonDriver::shared_size(driver_config_)) + PfnCount{1}));
    const Pfn behind = Pfn{0} + kZone;
    const MappedRegion regions[] = {
        {{GuestPhys{0}, bytes(kZone), frames_->address(Pfn{0})}, &backing_, Pfn{0}},
        {{address_of(behind), ByteCount{ring_->get().size()}, ring_->get().data()}, &backing_, behind}};
    if (map_.assign(regions) != Status::Ok) give_up("the memory map");
    device_memory_ = std::make_unique<Bytes>(BalloonDevice::metadata_size(device_config_, map_));
    const auto device =
        BalloonDevice::create(device_config_, map_, transport_, nullptr, device_memory_->get());
    if (!device.ok()) give_up("the device cannot be made");
    transport_.attach(*device.value());
  }

  void make_driver() {
    const Result<Zone*> zone = Zone::create(port_, kZoneConfig, tables_.get());
    if (!zone.ok()) give_up("the zone cannot be made");
    driver_memory_ = std::make_unique<Bytes>(BalloonDriver::own_size(driver_config_, *zone.value()));
    const SharedMemory shared{ring_->get().data(), address_of(Pfn{0} + kZone),
                              ByteCount{ring_->get().size()}};
    driver_ = std::make_unique<BalloonDriver>(port_, transport_, *zone.value(), zone.value()->cache(0),
                                              driver_config_, shared, driver_memory_->get());
    driver_->set_completion({[](void* self, std::uint32_t, Status status) noexcept {
                               if (status == Status::Ok) ++static_cast<Wire*>(self)->completed_;
                             },
                             this});
    if (driver_->probe() != Status::Ok || !driver_->reports()) give_up("the driver does not come up");
  }

  HostedPort port_;
  NoBacking backing_;
  InProcessTransport transport_;
  BalloonDriverConfig driver_config_;
  BalloonDeviceConfig device_config_;
  MemoryMap map_;
  std::unique_ptr<AnonymousBacking> frames_;
  Bytes tables_;
  std::unique_ptr<Bytes> ring_, device_memory_, driver_memory_;
  std::unique_ptr<BalloonDriver> driver_;
  ScatterEntry entries_[kEntries];
  std::uint64_t completed_ = 0;
};

// Times report() while the device is polled on the same thread.
void same_thread(benchmark::State& state, const Format& format) {
  Wire wire(format, {}, {});
  std::vector<double> times(static_cast<std::size_t>(state.max_iterations));
  std::size_t n = 0;
  const double before = yardstick();
  const std::uint64_t allocated = allocation_count();
  for (auto _ : state) {
    const double start = now();
    const Status status = wire.report();
    const double time = now() - start;
    if (status != Status::Ok) give_up("a report failed");
    state.SetIterationTime(time / 1e9);
    times[n++] = time;
  }
  const std::uint64_t allocations = allocation_count() - allocated;
  const double unit = std::min(before, yardstick()), one = median(times);
  state.counters["ns"] = one;
  state.counters["yardstick_ns"] = unit;
  state.counters["yardsticks"] = one / unit;
  state.counters["allocations"] = static_cast<double>(allocations);
}

// Answers each signal of one event with a signal of another.
struct Echo {
  detail::EventFd& answer;
  detail::EventThread::Work work() {
    return {[](void* self) noexcept { static_cast<Echo*>(self)->answer.ring(); }, this};
  }
};

// Pins this thread, and the threads it starts, to the current processor. Otherwise the kernel puts one pair
// of threads on one processor and the next pair on two, where waking a sleeping thread costs ten times as
// much as all other work.
class OneProcessor {
 public:
  OneProcessor() {
    sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(sched_getcpu()), &one);
    sched_setaffinity(0, sizeof one, &one);
  }
  ~OneProcessor() { sched_setaffinity(0, sizeof before_, &before_); }
  OneProcessor(const OneProcessor&) = delete;
  OneProcessor& operator=(const OneProcessor&) = delete;

 private:
  cpu_set_t before_{};
};

// Times report() until the completion, for which the reporting thread waits on an eventfd. Alternates with a
// bare round trip of two eventfds.
void two_threads(benchmark::State& state, const Format& format) {
  const OneProcessor here;
  const auto answer = detail::EventFd::create(), completion = detail::EventFd::create();
  if (!answer || !completion) give_up(answer.error + completion.error);
  Echo echo{*answer.object};
  const auto other = detail::EventThread::create(echo.work());
  std::atomic<InProcessTransport*> transport{nullptr};
  const auto device = detail::EventThread::create({[](void* where) noexcept {
                                                     auto* const made =
                                                         static_cast<decltype(transport)*>(where)->load();
                                                     if (made != nullptr) made->run_device();
                                                   },
                                                   &transport});
  if (!other || !device) give_up(other.error + device.error);
  Wire wire(format, device.object->event().doorbell(), completion.object->doorbell());
  transport = &wire.transport();

  std::vector<double> bare(static_cast<std::size_t>(state.max_iterations)), whole(bare.size());
  std::size_t n = 0;
  const std::uint64_t allocated = allocation_count();
  for (auto _ : state) {
    double start = now();
    other.object->event().ring();
    answer.object->wait();
    bare[n] = now() - start;

    const std::uint64_t completed = wire.completed();
    start = now();
    const Status status = wire.report();
    // Ok: the device finished before report() checked. The signal stays pending and is one too many later.
    if (status != Status::Ok && status != Status::Pending) give_up("a report failed");
    while (status == Status::Pending && wire.completed() == completed) {
      completion.object->wait();
      wire.transport().run_driver();
    }
    whole[n] = now() - start;
    state.SetIterationTime(whole[n++] / 1e9);
  }
  const std::uint64_t allocations = allocation_count() - allocated;
  state.counters["ns"] = median(whole);
  state.counters["bare_ns"] = median(bare);
  state.counters["over_bare"] = state.counters["ns"] / state.counters["bare_ns"];
  state.counters["allocations"] = static_cast<double>(allocations);
}

void register_all() {
  for (const bool packed : {false, true}) {
    for (const bool event_index : {false, true}) {
      for (const bool indirect : {false, true}) {
        const Format format{packed, event_index, indirect};
        benchmark::RegisterBenchmark(("same_thread/" + format.name()).c_str(),
                                     [format](benchmark::State& s) { same_thread(s, format); })
            ->UseManualTime()
            ->Unit(benchmark::kMicrosecond)
            ->Iterations(100'000);
        benchmark::RegisterBenchmark(("two_threads/" + format.name()).c_str(),
                                     [format](benchmark::State& s) { two_threads(s, format); })
            ->UseManualTime()
            ->Unit(benchmark::kMicrosecond)
            ->Iterations(20'000);
      }
    }
  }
}

}  // namespace
}  // namespace fallow::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  fallow::bench::register_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
