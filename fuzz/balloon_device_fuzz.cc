// Fuzzes the complete balloon device. The driver writes any register and any byte of its memory in any order,
// and the host changes its requests. balloon_machine.h lists the checks.
#include <cstddef>
#include <cstdint>

#include "fuzz/balloon_machine.h"
#include "fuzz/fuzz_input.h"

namespace fallow {
namespace {

// The first byte selects the memory layout; the other bytes are operations.
class Run {
 public:
  explicit Run(FuzzInput& in) : in_(in), machine_(in.u8() % BalloonMachine::kChoices) {}

  void operate() {
    for (unsigned steps = 0; !in_.empty() && steps < 200; ++steps) {
      const std::uint8_t what = in_.u8() % 18;
      if (what < 6) {
        touch_registers(what);
      } else if (what < 13) {
        touch_memory(what);
      } else {
        be_the_host(what);
      }
    }
    for (std::uint16_t queue = 0; queue < BalloonMachine::kQueues; ++queue) machine_.kick(queue);
    const BalloonDeviceStats stats = machine_.device().stats();
    for (std::size_t why = 0; why < kRefusals; ++why) {
      if (stats.refused[why] != 0) FALLOW_CHECK(describe(static_cast<Refusal>(why))[0] != '\0');
    }
  }

 private:
  void touch_registers(std::uint8_t what) {
    switch (what) {
      case 0:
        machine_.set_status(in_.u8());
        break;
      case 1:
        machine_.device().accept(in_.u64());
        break;
      case 2: {
        const std::uint8_t offset = in_.u8();
        machine_.device().write_config(offset, std::as_bytes(in_.bytes(in_.u8() % 8)));
        break;
      }
      case 3: {
        const std::uint16_t queue = in_.u8() % 8;
        const std::uint16_t size = in_.u8() % 32;
        const GuestPhys table = address(), driver = address(), device = address();
        static_cast<void>(machine_.start_queue(queue, {size, table, driver, device}, {in_.u16(), in_.u16()}));
        break;
      }
      case 4: {
        const std::uint16_t queue = in_.u8() % BalloonMachine::kQueues;
        static_cast<void>(machine_.start_queue(queue, BalloonMachine::place(queue)));
        break;
      }
      default:
        machine_.stop_queue(in_.u8() % 8);
    }
  }

  void touch_memory(std::uint8_t what) {
    switch (what) {
      case 6: {
        const GuestPhys at = address();
        const auto bytes = in_.bytes(in_.u8());
        machine_.write(at, bytes.data(), bytes.size());
        break;
      }
      case 7:
        write_split();
        break;
      case 8:
        write_packed();
        break;
      case 9:
        publish();
        break;
      case 10:
        machine_.bring_up(features());
        break;
      default:
        machine_.kick(in_.u8() % 8);
    }
  }

  void be_the_host(std::uint8_t what) {
    BalloonDevice& device = machine_.device();
    switch (what) {
      case 13:
        device.set_target({in_.u32()});
        break;
      case 14: {
        const std::uint8_t step = in_.u8() % 3;
        if (step == 0) static_cast<void>(device.start_hinting());
        if (step == 1) device.stop_hinting();
        if (step == 2) device.finish_hinting();
        break;
      }
      case 15:
        machine_.request_statistics();
        break;
      case 16:
        machine_.back().fail_at = machine_.back().discards.size() + 1 + in_.u8() % 4;
        break;
      default: {
        const std::uint8_t mood = in_.u8();
        machine_.pause((mood & 1) != 0);
        machine_.back().promised = (mood & 2) != 0 ? Content::Unknown : Content::Zero;
        if ((mood & 0xc) == 0xc) machine_.say_memory_again();
      }
    }
  }

  Features features() {
    const std::uint16_t bits = in_.u16();
    return Features{bits & 0x7fU} | ((bits & 0x80U) != 0 ? kFeatureRingPacked : 0) |
           ((bits & 0x100U) != 0 ? kFeatureEventIdx : 0) | ((bits & 0x200U) != 0 ? kFeatureIndirectDesc : 0);
  }
  // Usually an address in guest memory, sometimes any address.
  GuestPhys address() {
    const std::uint32_t raw = in_.u32();
    if ((raw >> 24) == 0xff) return {in_.u64()};
    return address_of(BalloonMachine::kBase) + ByteCount{raw % 0x40000};
  }

  void write_split() {
    const std::uint16_t queue = in_.u8() % BalloonMachine::kQueues, i = in_.u8() % 16;
    const std::uint64_t at = address().raw;
    const detail::VirtqDesc d{detail::Le64(at), detail::Le32(in_.u32()), detail::Le16(in_.u8()),
                              detail::Le16(in_.u8())};
    machine_.write(BalloonMachine::place(queue).descriptors + ByteCount{i * sizeof d}, &d, sizeof d);
  }
  void write_packed() {
    const std::uint16_t queue = in_.u8() % BalloonMachine::kQueues, i = in_.u8() % 16;
    const std::uint64_t at = address().raw;
    const detail::PvirtqDesc d{detail::Le64(at), detail::Le32(in_.u32()), detail::Le16(in_.u8()),
                               detail::Le16(in_.u16())};
    machine_.write(BalloonMachine::place(queue).descriptors + ByteCount{i * sizeof d}, &d, sizeof d);
  }
  // Split ring: heads and index.
  void publish() {
    const GuestPhys ring = BalloonMachine::place(in_.u8() % BalloonMachine::kQueues).driver_area;
    const std::uint8_t slot = in_.u8() % 16;
    const detail::Le16 head(in_.u8()), idx(in_.u8());
    machine_.write(ring + ByteCount{4 + std::uint64_t{2} * slot}, &head, sizeof head);
    machine_.write(ring + ByteCount{2}, &idx, sizeof idx);
  }

  FuzzInput& in_;
  BalloonMachine machine_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput in(data, size);
  Run(in).operate();
  return 0;
}

}  // namespace fallow
