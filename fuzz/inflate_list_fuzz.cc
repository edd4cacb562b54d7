// Fuzzes lists of page frame numbers on the inflate and deflate queues: any numbers, in pieces of any size,
// anywhere in memory, including the pages that they name. balloon_machine.h lists the checks.
#include <cstddef>
#include <cstdint>

#include "fuzz/balloon_machine.h"
#include "fuzz/fuzz_input.h"

namespace fallow {
namespace {

class Run {
 public:
  // The first byte selects the memory, the second the negotiated features; lists follow.
  explicit Run(FuzzInput& in) : in_(in), machine_(in.u8() % BalloonMachine::kChoices) {
    features_ = (in.u8() & 1) != 0 ? kBalloonMustTellHost : 0;
    bring_up();
  }

  void operate() {
    for (unsigned lists = 0; !in_.empty() && lists < 64; ++lists) {
      const std::uint8_t what = in_.u8();
      if ((what & 0x40) != 0) machine_.back().fail_at = machine_.back().discards.size() + 1 + (what & 3);
      write_list();
      send((what & 1) != 0 ? BalloonQueue::Deflate : BalloonQueue::Inflate);
      // A list that names the page of a ring destroys the ring of the driver.
      if (!machine_.live(0) || !machine_.live(1)) bring_up();
    }
  }

 private:
  void bring_up() {
    machine_.bring_up(features_);
    published_[0] = published_[1] = 0;
  }

  // Numbers near guest memory in one byte each, or any number in four bytes.
  void write_list() {
    list_ = in_.u16() % 0x20000;
    const std::uint8_t shape = in_.u8();
    for (std::uint32_t i = 0; i < (shape & 0x3fU); ++i) {
      const std::uint32_t number = (shape & 0x40) != 0 ? in_.u32() : 0x0cU + in_.u8() % 72;
      const detail::Le32 le(number);
      machine_.write(at(list_ + 4 * i), &le, sizeof le);
    }
  }

  // A chain of up to 16 elements, most of them adjacent in memory.
  void send(BalloonQueue which) {
    const std::uint16_t queue = machine_.number(which);
    const detail::QueueAddresses ring = BalloonMachine::place(queue);
    const unsigned n = 1U + in_.u8() % 16;
    std::uint32_t next = list_;
    for (unsigned i = 0; i < n; ++i) {
      const std::uint8_t how = in_.u8();
      std::uint64_t address = at(next).raw;
      std::uint32_t length = how & 0x1fU;
      if ((how & 0x20) != 0) length = in_.u32();
      if ((how & 0x40) != 0) address = in_.u64();
      const bool last = i + 1 == n;
      const unsigned flags = (last ? 0U : detail::kDescNext) | ((how & 0x80) != 0 ? detail::kDescWrite : 0U);
      const detail::VirtqDesc d{detail::Le64(address), detail::Le32(length),
                                detail::Le16(static_cast<std::uint16_t>(flags)),
                                detail::Le16(static_cast<std::uint16_t>(i + 1))};
      machine_.write(ring.descriptors + ByteCount{i * sizeof d}, &d, sizeof d);
      next += length;
    }
    const detail::Le16 head(0), idx(++published_[queue]);
    machine_.write(ring.driver_area + ByteCount{4 + std::uint64_t{2} * ((idx.load() - 1U) % 16)}, &head, 2);
    machine_.write(ring.driver_area + ByteCount{2}, &idx, 2);
    machine_.kick(queue);
  }

  static GuestPhys at(std::uint32_t offset) { return address_of(BalloonMachine::kBase) + ByteCount{offset}; }

  FuzzInput& in_;
  BalloonMachine machine_;
  Features features_;
  std::uint32_t list_ = 0;
  std::uint16_t published_[2] = {};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput in(data, size);
  Run(in).operate();
  return 0;
}

}  // namespace fallow
