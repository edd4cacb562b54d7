// Fuzzes the device side of a virtqueue, split or packed, with a driver that writes any value anywhere.
// Checks, besides the sanitizers: popped chains are bounded and in order, and guest memory changes only in
// the pushed used element, its index, and the event field of the device.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "fallow/base/check.h"
#include "fallow/virtio/ring/detail/packed_device_queue.h"
#include "fallow/virtio/ring/detail/split_device_queue.h"
#include "fuzz/fuzz_input.h"

namespace fallow {
namespace {

struct Range {
  std::uint64_t at = 0, size = 0;
};

// Three regions: the second is adjacent to the first in the guest but not in the host; the third is separate.
class Guest {
 public:
  Guest() {
    std::vector<GuestRegion> map;
    for (const Range range : kRanges) {
      hosts_.emplace_back(new (std::align_val_t{64}) std::byte[range.size]{});
      copies_.emplace_back(range.size);
      map.push_back({{range.at}, {range.size}, hosts_.back().get()});
    }
    FALLOW_CHECK(memory_.assign(map) == Status::Ok);
  }
  const GuestMemory& memory() const { return memory_; }

  void write(std::uint64_t at, const void* from, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      std::byte* const host = memory_.translate({at + i}, {1});
      if (host != nullptr) *host = static_cast<const std::byte*>(from)[i];
    }
    remember();
  }
  template <class T>
  T* at(std::uint64_t address) {
    return reinterpret_cast<T*>(memory_.translate({address}, {sizeof(T)}));
  }
  void remember() {
    for (std::size_t i = 0; i < hosts_.size(); ++i)
      std::memcpy(copies_[i].data(), hosts_[i].get(), copies_[i].size());
  }
  // Checks that memory has not changed since remember(), except in `allowed`.
  void check(std::initializer_list<Range> allowed) {
    for (const Range range : allowed) {
      for (std::uint64_t i = range.at; i < range.at + range.size; ++i) {
        for (std::size_t r = 0; r < hosts_.size(); ++r) {
          const std::uint64_t offset = i - kRanges[r].at;
          if (offset < kRanges[r].size) copies_[r][offset] = hosts_[r][offset];
        }
      }
    }
    for (std::size_t i = 0; i < hosts_.size(); ++i)
      FALLOW_CHECK(std::memcmp(copies_[i].data(), hosts_[i].get(), copies_[i].size()) == 0);
  }

 private:
  static constexpr Range kRanges[] = {{0x1000, 0x2000}, {0x3000, 0x1000}, {0x8000, 0x1000}};
  struct Delete {
    void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };
  std::vector<std::unique_ptr<std::byte[], Delete>> hosts_;
  std::vector<std::vector<std::byte>> copies_;
  GuestMemory memory_;
};

constexpr std::uint64_t kRing = 0x1000, kDriverArea = 0x1800, kDeviceArea = 0x1c00, kTable = 0x2000;

// The first bytes select the setup; the other bytes are operations.
class Run {
 public:
  explicit Run(FuzzInput& in) : in_(in) {
    const std::uint8_t choice = in.u8();
    options_ = {(choice & 1) != 0, (choice & 2) != 0, (choice & 4) != 0};
    const unsigned size = 1U + in.u8() % 64;
    at_ = {static_cast<std::uint16_t>(options_.packed ? size : std::bit_floor(size)),
           {kRing},
           {kDriverArea},
           {kDeviceArea}};
    QueuePosition position = QueuePosition::fresh(options_.packed);
    if ((choice & 8) != 0) {
      at_ = {in.u16(), {in.u16()}, {in.u16()}, {in.u16()}};
      position = {in.u16(), in.u16()};
    }
    room_.resize(64);  // longer chains must be refused
    queue_ = options_.packed ? static_cast<DeviceQueue*>(&packed_) : &split_;
    started_ = start(position);
  }

  void operate() {
    if (!started_) return;
    while (!in_.empty()) {
      switch (in_.u8() % 8) {
        case 0:
          write_bytes();
          break;
        case 1:
          write_descriptor();
          break;
        case 2:
          publish();
          break;
        case 3:
          pop();
          break;
        case 4:
          push();
          break;
        case 5:
          queue_->take_notification();
          guest_.check({});
          break;
        case 6:
          ask();
          break;
        case 7:
          restart();
          break;
      }
    }
  }

 private:
  bool start(QueuePosition position) {
    const Status status = queue_->start(guest_.memory(), at_, options_, position, room_);
    guest_.check({});
    if (status != Status::Ok) return false;
    FALLOW_CHECK(at_.size != 0 && at_.size <= room_.size());
    FALLOW_CHECK(queue_->position().next_avail == position.next_avail);
    FALLOW_CHECK(queue_->position().next_used == position.next_used);
    FALLOW_CHECK(queue_->fault() == RingFault::None);
    return true;
  }

  void write_bytes() {
    const std::uint64_t at = in_.u16();
    const auto bytes = in_.bytes(in_.u8() % 64);
    guest_.write(at, bytes.data(), bytes.size());
  }

  // Writes a plausible descriptor in the ring or (index 128 and above) in a table, so that the fuzzer finds
  // long chains.
  void write_descriptor() {
    const std::uint8_t index = in_.u8();
    const std::uint64_t address = in_.u16();
    const std::uint32_t length = in_.u16();
    const std::uint8_t choice = in_.u8(), other = in_.u8();
    unsigned flags = choice & 7U;
    std::uint64_t at = kTable + 16U * (index & 0x7fU);
    if (index < 128) {
      const std::uint16_t cell = index % at_.size;
      at = at_.descriptors.raw + 16U * cell;
      const detail::PackedPosition next = detail::PackedPosition::decode(queue_->position().next_avail);
      const detail::PackedPosition here{cell, next.wrap == (cell >= next.offset)};
      if (options_.packed) flags |= here.available_flags() ^ (choice >= 128 ? 0x8080U : 0U);
    }
    std::uint8_t bytes[16];
    const std::uint16_t last[2] = {static_cast<std::uint16_t>(options_.packed ? other : flags),
                                   static_cast<std::uint16_t>(options_.packed ? flags : other)};
    std::memcpy(bytes, &address, 8);
    std::memcpy(bytes + 8, &length, 4);
    std::memcpy(bytes + 12, last, 4);
    guest_.write(at, bytes, sizeof bytes);
  }

  void publish() {
    const std::uint8_t head = in_.u8(), jump = in_.u8();
    if (options_.packed) return;
    detail::AvailRing avail(guest_.at<std::byte>(at_.driver_area.raw), at_.size);
    const std::uint16_t idx = avail.idx().load();
    avail.ring(idx % at_.size).store(head);
    avail.idx().store(static_cast<std::uint16_t>(idx + (jump >= 128 ? jump : 1)));
    guest_.remember();
  }

  void pop() {
    Chain chain;
    const bool was_broken = queue_->fault() != RingFault::None;
    const QueuePosition before = queue_->position();
    const Popped popped = queue_->pop(chain);
    guest_.check({});
    FALLOW_CHECK((popped == Popped::Broken) == (queue_->fault() != RingFault::None));
    FALLOW_CHECK(!was_broken || popped == Popped::Broken);
    FALLOW_CHECK(describe(queue_->fault()) != nullptr);
    FALLOW_CHECK(popped == Popped::Chain || before.next_avail == queue_->position().next_avail);
    if (popped != Popped::Chain) return;
    FALLOW_CHECK(!chain.buffers.empty() && chain.buffers.size() <= at_.size);
    FALLOW_CHECK(chain.buffers.data() >= room_.data());
    FALLOW_CHECK(chain.buffers.data() + chain.buffers.size() <= room_.data() + room_.size());
    for (std::size_t i = 1; i < chain.buffers.size(); ++i)
      FALLOW_CHECK(chain.buffers[i].device_writable || !chain.buffers[i - 1].device_writable);
    FALLOW_CHECK(chain.slots != 0 && chain.slots <= at_.size);
    FALLOW_CHECK(options_.packed || chain.id < at_.size);
    held_.push_back(chain);
    unsigned slots = 0;
    for (const Chain& held : held_) slots += held.slots;
    FALLOW_CHECK(!options_.packed || slots <= at_.size);
  }

  void push() {
    const std::uint8_t which = in_.u8();
    const std::uint32_t written = in_.u32();
    if (held_.empty()) return;
    const auto it = held_.begin() + which % static_cast<int>(held_.size());
    const std::uint16_t at = queue_->position().next_used;
    queue_->push(*it, written);
    held_.erase(it);
    if (options_.packed) {
      guest_.check({{at_.descriptors.raw + 16U * (at & 0x7fffU) + 8, 8}});
    } else {
      guest_.check(
          {{at_.device_area.raw + 2, 2}, {at_.device_area.raw + 4 + 8U * (at & (at_.size - 1U)), 8}});
    }
    guest_.remember();
  }

  void ask() {
    const bool again = queue_->ask_for_kicks(in_.u8() % 2 != 0);
    if (options_.packed) {
      guest_.check({{at_.device_area.raw, 4}});
    } else {
      guest_.check({{at_.device_area.raw, 2}, {at_.device_area.raw + 4 + 8U * at_.size, 2}});
    }
    guest_.remember();
    if (!again) return;
    // The queue reported available work: a valid or an invalid chain.
    const std::uint16_t before = queue_->position().next_avail;
    FALLOW_CHECK(queue_->fault() == RingFault::None || !options_.packed);
    pop();
    FALLOW_CHECK(queue_->fault() != RingFault::None || queue_->position().next_avail != before);
  }

  // Restarts at the previous position with the previous state, or at any position without state.
  void restart() {
    const std::uint8_t choice = in_.u8();
    const QueuePosition before = queue_->position();
    QueuePosition position = before;
    if (choice == 0) position = QueuePosition::fresh(options_.packed);
    if (choice >= 128) position = {in_.u16(), in_.u16()};
    const bool same = position.next_avail == before.next_avail && position.next_used == before.next_used;
    if (start(position) && !same) held_.clear();
  }

  FuzzInput& in_;
  Guest guest_;
  detail::SplitDeviceQueue split_;
  detail::PackedDeviceQueue packed_;
  DeviceQueue* queue_ = nullptr;
  detail::RingOptions options_;
  detail::QueueAddresses at_;
  std::vector<detail::QueueBuffer> room_;
  std::vector<Chain> held_;
  bool started_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  Run(input).operate();
  return 0;
}

}  // namespace fallow
