// Fuzzes the registers and configuration space of the balloon device against a model of its four fields.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fuzz/balloon_machine.h"
#include "fuzz/fuzz_input.h"

namespace fallow {
namespace {

class Run {
 public:
  explicit Run(FuzzInput& in) : in_(in) {}

  void operate() {
    for (unsigned steps = 0; !in_.empty() && steps < 500; ++steps) {
      switch (in_.u8() % 8) {
        case 0:
          set_status(in_.u8());
          break;
        case 1:
          accept(in_.u64());
          break;
        case 2:
          write(in_.u32());
          break;
        case 3:
          write(in_.u8() % 20);
          break;
        case 4:
          read(in_.u32());
          break;
        case 5:
          read(in_.u8() % 20);
          break;
        case 6:
          be_the_host();
          break;
        default:
          static_cast<void>(device_.process(in_.u16(), 1));
      }
      FALLOW_CHECK(device_.target().raw == fields_[0] && device_.actual().raw == fields_[1]);
      FALLOW_CHECK(device_.poison() == fields_[3]);
    }
  }

 private:
  void set_status(std::uint8_t status) {
    machine_.set_status(status);
    if (status == 0) fields_[1] = fields_[2] = fields_[3] = 0;
  }

  void accept(Features raw) {
    const bool late = (device_.status() & kStatusFeaturesOk) != 0;
    const Features before = device_.accepted();
    // Half of the operations follow a well-behaved driver.
    const Features features = (raw & 1) != 0 ? (raw & BalloonMachine::kOffered) | kFeatureVersion1 : raw;
    device_.accept(features);
    FALLOW_CHECK(device_.accepted() == (late ? before : features));
  }

  void write(std::uint32_t offset) {
    std::byte bytes[64];
    const auto from = in_.bytes(in_.u8() % sizeof bytes);
    const std::uint64_t before = device_.mistakes().config;
    const auto field = [&](std::uint32_t start) {
      return !from.empty() && offset >= start && std::uint64_t{offset} + from.size() <= start + 4;
    };
    const bool poison = field(kBalloonPoisonVal) && device_.has(kBalloonPagePoison);
    const bool live = (device_.status() & (kStatusDriverOk | kStatusNeedsReset)) == kStatusDriverOk;
    device_.write_config(offset, std::as_bytes(from));
    if (field(kBalloonActual) || poison) {
      for (std::size_t i = 0; i < from.size(); ++i) {
        const std::size_t at = offset + i;
        fields_[at / 4] &= ~(0xffU << at % 4 * 8);
        fields_[at / 4] |= std::uint32_t{from[i]} << at % 4 * 8;
      }
    }
    const bool fine = field(kBalloonActual) || (poison && !live);
    FALLOW_CHECK(device_.mistakes().config == before + !fine);
  }

  void read(std::uint32_t offset) {
    constexpr std::byte kCanary{0xcd};
    std::byte bytes[64];
    std::memset(bytes, 0xcd, sizeof bytes);
    const std::size_t length = in_.u8() % (sizeof bytes - 1);
    device_.read_config(offset, {bytes, length});
    FALLOW_CHECK(bytes[length] == kCanary);
    for (std::size_t i = 0; i < length; ++i) {
      const std::uint64_t at = std::uint64_t{offset} + i;
      std::uint32_t field = at < kBalloonConfigSize ? fields_[at / 4] : 0;
      if (at / 4 == 2 && !device_.has(kBalloonFreePageHint)) field = 0;
      if (at / 4 == 3 && !device_.has(kBalloonPagePoison)) field = 0;
      FALLOW_CHECK(bytes[i] == std::byte(field >> at % 4 * 8 & 0xff));
    }
  }

  void be_the_host() {
    const std::uint32_t before = device_.config_generation();
    const std::uint32_t fields[] = {fields_[0], fields_[2]};
    const bool hints = device_.has(kBalloonFreePageHint);
    switch (in_.u8() % 4) {
      case 0: {
        const std::uint64_t target = in_.u64();
        device_.set_target({target});
        fields_[0] = static_cast<std::uint32_t>(std::min<std::uint64_t>(target, 0xffff'ffff));
        break;
      }
      case 1:
        // No driver starts a hinting round in this target, so there is none to wait for.
        FALLOW_CHECK((device_.start_hinting() == Status::Ok) == hints);
        if (hints) {
          last_id_ = last_id_ < 2 ? 2 : last_id_ + 1;
          fields_[2] = last_id_;
        }
        break;
      case 2:
        device_.stop_hinting();
        if (hints) fields_[2] = kHintStop;
        break;
      default:
        device_.finish_hinting();
        if (hints) fields_[2] = kHintDone;
    }
    const bool changed = fields[0] != fields_[0] || fields[1] != fields_[2];
    FALLOW_CHECK((device_.config_generation() != before) == changed);
  }

  FuzzInput& in_;
  BalloonMachine machine_{0};
  BalloonDevice& device_ = machine_.device();
  std::uint32_t fields_[4] = {};
  std::uint32_t last_id_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput in(data, size);
  Run(in).operate();
  return 0;
}

}  // namespace fallow
