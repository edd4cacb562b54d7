// A machine in this process: an array as its memory, threads as its CPUs, and the balloon device of this
// library.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fallow/balloon/device/balloon_device.h"
#include "fallow/host/hosted_port.h"
#include "fallow/virtio/transport/in_process_transport.h"
#include "guest/guest.h"
#include "tests/support/balloon_pair.h"
#include "tests/support/meddling_transport.h"
#include "tests/support/recording_backing.h"

namespace fallow::guest {

class FakeMachine final : public Machine {
 public:
  struct Config {
    std::uint64_t memory = std::uint64_t{64} << 20;  // bytes, from address 0
    std::uint32_t cpus = 1;
    BalloonDeviceConfig device = {};
  };

  explicit FakeMachine(const Config& config)
      : memory_(ByteCount{config.memory}),
        cpus_(config.cpus),
        sleepers_(config.cpus),
        backing(memory_.get(), Pfn{0}, whole_frames({config.memory})),
        transport(transport_port_,
                  {[](void* self) noexcept { static_cast<FakeMachine*>(self)->kick(); }, this},
                  {[](void* self) noexcept { static_cast<FakeMachine*>(self)->interrupt(); }, this}),
        meddler(transport) {
    const MappedRegion region{{{0}, {config.memory}, memory_.get()}, &backing, Pfn{0}};
    FALLOW_CHECK(map_.assign({&region, 1}) == Status::Ok);
    device_memory_ = std::make_unique<PageBox>(BalloonDevice::metadata_size(config.device, map_));
    const Result<BalloonDevice*> made =
        BalloonDevice::create(config.device, map_, transport, nullptr, device_memory_->bytes());
    FALLOW_CHECK(made.ok());
    device_ = made.value();
    transport.attach(*device_);
  }

  BalloonDevice& device() { return *device_; }
  std::uint32_t cpus() const { return cpus_; }
  // The number of relax() calls of all CPUs.
  std::uint64_t waits() const { return waits_; }
  // The serial output so far.
  std::string output() {
    const std::lock_guard lock(mutex_);
    return output_;
  }
  FoundDevice found() {
    FoundDevice found;
    found.transport = &meddler;
    found.bus = "pci";
    std::strcpy(found.address, "00:03.0");
    found.interrupts = "line";
    return found;
  }

  // Called for each line of output, on the CPU that writes it.
  std::function<void(const std::string&)> on_line;

  // If true, the device runs only while a CPU pauses or sleeps, instead of at each notification.
  bool device_is_late = false;
  // The factor by which the guest's clock runs faster than real time.
  std::uint64_t clock_speed = 1;

  // Runs `body` as CPU `cpu`, on this thread.
  template <class Body>
  static auto as_cpu(std::uint32_t cpu, Body body) {
    const std::uint32_t before = std::exchange(this_cpu(), cpu);
    const auto result = body();
    this_cpu() = before;
    return result;
  }

  // ---- Machine. ----

  Nanoseconds now() noexcept override { return {transport_port_.now().raw * clock_speed}; }
  void relax() noexcept override {
    ++waits_;
    if (device_is_late) transport.run_device();
    std::this_thread::yield();
  }
  std::uint32_t cpu() noexcept override { return this_cpu(); }
  void wait(Nanoseconds deadline) noexcept override {
    if (device_is_late) transport.run_device();
    std::unique_lock lock(mutex_);
    Sleeper& sleeper = sleepers_[cpu()];
    const std::uint64_t begin = now().raw;
    if (deadline.raw > begin && !sleeper.woken) {
      const std::uint64_t most = std::min<std::uint64_t>(deadline.raw - begin, 1'000'000'000) / clock_speed;
      sleeper.wakeup.wait_for(lock, std::chrono::nanoseconds(most), [&] { return sleeper.woken; });
    }
    sleeper.woken = false;
  }
  void wake(std::uint32_t cpu) noexcept override {
    const std::lock_guard lock(mutex_);
    sleepers_[cpu].woken = true;
    sleepers_[cpu].wakeup.notify_one();
  }
  void serve_device() noexcept override {
    FALLOW_CHECK(!serving_.exchange(true));  // one CPU at a time, and not reentrant
    if (interrupted_.exchange(false)) transport.run_driver();
    serving_ = false;
  }
  void write(StringRef text) noexcept override {
    const std::string line(text.data(), text.size());
    {
      const std::lock_guard lock(mutex_);
      output_ += line;
    }
    if (on_line) on_line(line);
  }
  std::byte* at(GuestPhys address) noexcept override { return memory_.get() + address.raw; }

 private:
  struct Sleeper {
    bool woken = false;
    std::condition_variable wakeup;
  };
  static std::uint32_t& this_cpu() {
    thread_local std::uint32_t cpu = 0;
    return cpu;
  }
  void kick() noexcept {
    if (!device_is_late) transport.run_device();
  }
  void interrupt() noexcept {
    interrupted_ = true;
    wake(0);
  }

  PageBox memory_;
  const std::uint32_t cpus_;
  std::mutex mutex_;
  std::vector<Sleeper> sleepers_;
  std::string output_;
  HostedPort transport_port_;
  std::atomic<bool> interrupted_{false}, serving_{false};
  std::atomic<std::uint64_t> waits_{0};

 public:
  RecordingBacking backing;
  InProcessTransport transport;
  MeddlingTransport meddler;

 private:
  MemoryMap map_;
  std::unique_ptr<PageBox> device_memory_;
  BalloonDevice* device_ = nullptr;
};

}  // namespace fallow::guest
