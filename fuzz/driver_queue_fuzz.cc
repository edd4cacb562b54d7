// Fuzzes the driver side of a virtqueue, split or packed, with a device that writes any value into the ring
// at any time and sometimes behaves correctly. Checks, besides the sanitizers: each chain returns once with a
// possible length or is given up at the end, and the driver does not write the device area.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <vector>

#include "fallow/base/check.h"
#include "fallow/virtio/ring/detail/packed_device_queue.h"
#include "fallow/virtio/ring/detail/packed_driver_queue.h"
#include "fallow/virtio/ring/detail/split_device_queue.h"
#include "fallow/virtio/ring/detail/split_driver_queue.h"
#include "fuzz/fuzz_input.h"

namespace fallow {
namespace {

// Has exactly the requested length, so that AddressSanitizer detects an overrun.
class Memory {
 public:
  explicit Memory(std::size_t size)
      : memory_(new (std::align_val_t{64}) std::byte[size]{}), bytes_(memory_.get(), size) {}
  std::span<std::byte> bytes() const { return bytes_; }

 private:
  struct Delete {
    void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };
  std::unique_ptr<std::byte[], Delete> memory_;
  std::span<std::byte> bytes_;
};

constexpr GuestPhys kBase{0x10'0000};

DriverQueueConfig read_config(FuzzInput& in) {
  const std::uint8_t choice = in.u8();
  const unsigned size = 1U + in.u8() % 64;
  DriverQueueConfig config;
  config.ring = {(choice & 1) != 0, (choice & 2) != 0, (choice & 4) != 0};
  config.size = static_cast<std::uint16_t>(config.ring.packed ? size : std::bit_floor(size));
  config.indirect_tables = in.u8() % 8;
  config.indirect_length = in.u8() % 16;
  return config;
}

// The first bytes select the setup; the other bytes are operations.
template <class Driver, class Device>
class Run {
 public:
  Run(FuzzInput& in, const DriverQueueConfig& config)
      : in_(in),
        config_(config),
        shared_(Driver::shared_size(config).raw),
        own_(Driver::own_size(config).raw),
        room_(config.size) {
    const GuestRegion region{kBase, {shared_.bytes().size()}, shared_.bytes().data()};
    FALLOW_CHECK(memory_.assign({&region, 1}) == Status::Ok);
    start();
  }
  ~Run() { reset(); }

  void operate() {
    while (!in_.empty()) {
      switch (in_.u8() % 8) {
        case 0:
          add();
          break;
        case 1:
          take();
          break;
        case 2:
          guarded([&] { driver_.take_kick(); });
          break;
        case 3:
          ask();
          break;
        case 4:
          scribble();
          break;
        case 5:
          lie();
          break;
        case 6:
          serve();
          break;
        case 7:
          reset();
          start();
          break;
      }
      FALLOW_CHECK(driver_.in_flight() == out_.size());
    }
  }

 private:
  void start() {
    FALLOW_CHECK(driver_.start(config_, {shared_.bytes().data(), kBase, {shared_.bytes().size()}},
                               own_.bytes()) == Status::Ok);
    held_.clear();
    FALLOW_CHECK(start_device(QueuePosition::fresh(config_.ring.packed)));
  }
  bool start_device(QueuePosition position) {
    return device_.start(memory_, driver_.addresses(), config_.ring, position, room_) == Status::Ok;
  }

  // Runs a driver operation and checks that the device area is unchanged.
  template <class Operation>
  void guarded(Operation operation) {
    const std::size_t offset = (driver_.addresses().device_area - kBase).raw;
    const auto area =
        shared_.bytes().subspan(offset, config_.ring.packed ? 4 : detail::UsedRing::bytes(config_.size).raw);
    const std::vector<std::byte> before(area.begin(), area.end());
    operation();
    FALLOW_CHECK(std::equal(before.begin(), before.end(), area.begin()));
  }

  void add() {
    const std::uint8_t shape = in_.u8();
    std::vector<detail::QueueBuffer> buffers(1U + shape % 16U);
    std::uint64_t writable = 0;
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      buffers[i] = {{in_.u8() * std::uint64_t{4096}}, in_.u32(), i >= shape / 16U};
      if (buffers[i].device_writable) writable += buffers[i].length;
    }
    Status status = Status::Ok;
    guarded([&] { status = driver_.add(buffers, next_token_); });
    FALLOW_CHECK((status == Status::Failed) == (driver_.fault() != DeviceFault::None));
    if (status == Status::Failed) return;
    FALLOW_CHECK((status == Status::InvalidArgument) == (buffers.size() > config_.size));
    // With no chain in flight, every permitted chain fits.
    FALLOW_CHECK(status != Status::NoMemory || !out_.empty());
    if (status != Status::Ok) return;
    out_[next_token_++] = writable;
    FALLOW_CHECK(out_.size() <= config_.size);
  }

  void take() {
    Used used;
    Taken taken = Taken::Nothing;
    const bool was_broken = driver_.fault() != DeviceFault::None;
    guarded([&] { taken = driver_.take(used); });
    FALLOW_CHECK((taken == Taken::Broken) == (driver_.fault() != DeviceFault::None));
    FALLOW_CHECK(!was_broken || taken == Taken::Broken);
    FALLOW_CHECK(describe(driver_.fault()) != nullptr);
    if (taken != Taken::Used) return;
    const auto chain = out_.find(used.token);
    FALLOW_CHECK(chain != out_.end());
    FALLOW_CHECK(used.length <= chain->second);
    out_.erase(chain);
  }

  void ask() {
    const bool on = in_.u8() % 2 != 0;
    bool again = false;
    guarded([&] { again = driver_.ask_for_notifications(on); });
    if (!again) return;
    const std::size_t before = out_.size();
    take();  // the queue reported a used element, valid or invalid
    FALLOW_CHECK(driver_.fault() != DeviceFault::None || out_.size() < before);
  }

  void scribble() {
    const std::size_t at = in_.u16() % shared_.bytes().size();
    const auto bytes = in_.bytes(std::min<std::size_t>(in_.u8() % 64, shared_.bytes().size() - at));
    if (!bytes.empty()) std::memcpy(shared_.bytes().data() + at, bytes.data(), bytes.size());
  }

  // Writes a plausible used element at the position of the device or anywhere.
  void lie() {
    const std::uint8_t where = in_.u8();
    const std::uint16_t id = in_.u16();
    const std::uint32_t length = in_.u32();
    const std::uint8_t choice = in_.u8();
    const detail::QueueAddresses at = driver_.addresses();
    if (config_.ring.packed) {
      detail::PackedPosition used = detail::PackedPosition::decode(device_.position().next_used);
      if (where < 128) used = {static_cast<std::uint16_t>(where % config_.size), (choice & 1) != 0};
      auto& cell = reinterpret_cast<detail::PvirtqDesc*>(shared_.bytes().data())[used.offset];
      cell.id.store(id);
      cell.len.store(length);
      cell.flags.store(static_cast<std::uint16_t>(used.used_flags() | (choice & 6U)));
    } else {
      detail::UsedRing ring(shared_.bytes().data() + (at.device_area - kBase).raw, config_.size);
      const std::uint16_t idx = ring.idx().load();
      ring.ring((where < 128 ? where : idx) % config_.size).id.store(id);
      ring.ring((where < 128 ? where : idx) % config_.size).len.store(length);
      ring.idx().store(static_cast<std::uint16_t>(idx + choice % 4));
    }
  }

  // Acts as a correct device: takes chains and returns one of the chains it holds.
  void serve() {
    const std::uint8_t choice = in_.u8();
    Chain chain;
    if (device_.pop(chain) == Popped::Chain) held_.push_back(chain);
    if (device_.fault() != RingFault::None) FALLOW_CHECK(start_device(device_.position()));
    if (choice >= 128 || held_.empty()) return;
    const auto it = held_.begin() + choice % static_cast<int>(held_.size());
    device_.push(*it, in_.u32());
    held_.erase(it);
    device_.take_notification();
  }

  // A driver that resets its device forgets the chains in flight.
  void reset() {
    FALLOW_CHECK(driver_.in_flight() == out_.size());
    out_.clear();
  }

  FuzzInput& in_;
  const DriverQueueConfig config_;
  Memory shared_, own_;
  GuestMemory memory_;
  std::vector<detail::QueueBuffer> room_;
  Driver driver_;
  Device device_;
  std::vector<Chain> held_;                     // chains held by the device
  std::map<std::uint64_t, std::uint64_t> out_;  // tokens in flight and the writable length of each
  std::uint64_t next_token_ = 1;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  const DriverQueueConfig config = read_config(input);
  if (config.ring.packed) {
    Run<detail::PackedDriverQueue, detail::PackedDeviceQueue>(input, config).operate();
  } else {
    Run<detail::SplitDriverQueue, detail::SplitDeviceQueue>(input, config).operate();
  }
  return 0;
}

}  // namespace fallow
