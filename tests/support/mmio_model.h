// A virtio-mmio slot: the registers in front of one of Fallow's devices.
#pragma once

#include <cstdint>
#include <cstring>

#include "fallow/virtio/transport/mmio_transport.h"
#include "tests/support/register_model.h"

namespace fallow {

class MmioModel final : public RegisterModel {
 public:
  static constexpr std::uint64_t kSize = 0x200, kConfig = 0x100;

  explicit MmioModel(Transport& device) : RegisterModel(device) {
    registers_.read = [this](std::uint64_t at, unsigned width) { return read(at, width); };
    registers_.write = [this](std::uint64_t at, unsigned width, std::uint32_t value) {
      write(at, width, value);
    };
  }

  std::uint32_t magic = 0x74726976, version = 2, device_id = 5;
  std::uint64_t accesses = 0;

  RegisterWindow window(std::uint64_t size = kSize) { return {registers_, 0, size}; }

  // DeviceCalls: calls by the device.
  void queue_used(std::uint16_t) noexcept override { assert_line(1); }
  void config_changed() noexcept override { assert_line(2); }
  // Bits that no version defines.
  std::uint32_t odd_causes = 0;

 private:
  std::uint32_t read(std::uint64_t at, unsigned width) {
    ++accesses;
    if (at >= kConfig) {
      require(at % width == 0, "reads fields whole");
      std::uint32_t value = 0;
      device_.read_config(static_cast<std::uint32_t>(at - kConfig),
                          std::as_writable_bytes(std::span(&value, 1)).first(width));
      return value;
    }
    require(width == 4 && at % 4 == 0, "reads words");
    const std::optional<std::uint32_t> lies = lie ? lie(at) : std::nullopt;
    const std::uint32_t truth = read_register(at);
    return lies ? *lies : truth;
  }

  std::uint32_t read_register(std::uint64_t at) {
    switch (at) {
      case 0x000:
        return magic;
      case 0x004:
        return version;
      case 0x008:
        return device_id;
      case 0x010:
        require(device_half_chosen_, "chooses a half of the features before it reads them");
        return offered_half(device_half_);
      case 0x034:
        return largest();
      case 0x044:
        return selected().enabled ? 1 : 0;
      case 0x060:
        return causes_ | odd_causes;
      case 0x070:
        return read_status();
      case 0x0c0:
        return read_resetting();
      case 0x0fc:
        return device_.config_generation();
      default:
        require(false, "reads what may be read");
        return 0;
    }
  }

  void write(std::uint64_t at, unsigned width, std::uint32_t value) {
    ++accesses;
    if (at >= kConfig) {
      require(at % width == 0, "writes fields whole");
      std::byte bytes[4];
      std::memcpy(bytes, &value, sizeof bytes);
      device_.write_config(static_cast<std::uint32_t>(at - kConfig), std::span(bytes).first(width));
      return;
    }
    require(width == 4 && at % 4 == 0, "writes words");
    if (at >= 0x080 && at < 0x0a8 && at % 0x10 < 8) return set_area((at - 0x080) / 0x10, (at / 4) % 2, value);
    switch (at) {
      case 0x014:
        device_half_ = value;
        device_half_chosen_ = true;
        return;
      case 0x020:
        require(driver_half_chosen_, "chooses a half of the features before it writes them");
        return accept_half(driver_half_, value);
      case 0x024:
        driver_half_ = value;
        driver_half_chosen_ = true;
        return;
      case 0x030:
        selected_ = static_cast<std::uint16_t>(value);
        return;
      case 0x038:
        return set_size(value);
      case 0x044:
        require(value == 1, "makes queues ready");
        return enable();
      case 0x050:
        return notified(value);
      case 0x064:
        require((value & ~3U) == 0 && (value & causes_) == value, "acknowledges what there was");
        causes_ = static_cast<std::uint8_t>(causes_ & ~value);
        return;
      case 0x070:
        return write_status(static_cast<std::uint8_t>(value));
      case 0x0c0:
        require(value == 1, "writes nothing but 1 to QueueReset");
        return reset_selected();
      default:
        require(false, "writes what may be written");
    }
  }

  ModelRegisters registers_;
  std::uint32_t device_half_ = 0, driver_half_ = 0;
  bool device_half_chosen_ = false, driver_half_chosen_ = false;
};

}  // namespace fallow
