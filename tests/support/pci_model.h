// A virtio function on a PCI bus, laid out like QEMU's: the registers in front of one of Fallow's devices.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

#include "fallow/virtio/transport/detail/pci_capabilities.h"
#include "fallow/virtio/transport/pci_transport.h"
#include "tests/support/register_model.h"

namespace fallow {

class PciModel final : public PciFunction, public RegisterModel {
 public:
  // Capabilities; a test may change any of them in `space`.
  static constexpr std::uint8_t kMsixCap = 0x40, kCommonCap = 0x50, kIsrCap = 0x60, kDeviceCap = 0x70,
                                kNotifyCap = 0x80, kAccessCap = 0x94;
  static constexpr std::uint8_t kMsixBar = 1, kBar = 4;  // 4 is 64 bits wide, 0 is an I/O BAR
  static constexpr std::uint64_t kBarAddress = 0x38'0000'0000, kBarSize = 0x4000;
  static constexpr std::uint32_t kCommon = 0x0000, kIsr = 0x1000, kDevice = 0x2000, kNotify = 0x3000;
  static constexpr std::uint32_t kMultiplier = 4;
  static constexpr std::uint32_t kMsixTable = 0x100;  // in its BAR, of 4 KiB

  explicit PciModel(Transport& device, std::uint16_t vectors = 0) : RegisterModel(device), vectors_(vectors) {
    put16(kPciVendor, 0x1af4);
    put16(kPciDevice, 0x1045);
    put16(kPciStatus, kPciStatusCapabilities);
    put32(kPciFirstBar, 0xc001);
    put32(kPciFirstBar + 4, 0xfebd'0000);
    put32(kPciFirstBar + 16, static_cast<std::uint32_t>(kBarAddress) | 0xc);
    put32(kPciFirstBar + 20, static_cast<std::uint32_t>(kBarAddress >> 32));
    space[kPciFirstCapability] = vectors != 0 ? kMsixCap : kCommonCap;
    if (vectors != 0) put_msix();
    put_structure(kCommonCap, kIsrCap, 1, kCommon, 0x1000);
    put_structure(kIsrCap, kDeviceCap, 3, kIsr, 0x1000);
    put_structure(kDeviceCap, kNotifyCap, 4, kDevice, 0x1000);
    put_structure(kNotifyCap, kAccessCap, 2, kNotify, 0x1000, 20);
    put32(kNotifyCap + 16, kMultiplier);
    put_structure(kAccessCap, 0, 5, 0, 0, 20);
    for (std::uint8_t bar = 0; bar < kPciBars; ++bar) {
      bars_[bar].read = [this, bar](std::uint64_t at, unsigned width) { return read(bar, at, width); };
      bars_[bar].write = [this, bar](std::uint64_t at, unsigned width, std::uint32_t value) {
        write(bar, at, width, value);
      };
    }
  }

  std::array<std::uint8_t, 256> space{};
  // Whether map() succeeds; a kernel may run out of address space.
  bool maps = true;
  // Accepts vectors for events below this limit; further ones read back as none.
  std::uint16_t vectors_to_give = 0xffff;
  // Called when a message was sent.
  std::function<void(const MsiMessage&)> message;

  void put16(unsigned at, std::uint16_t value) { std::memcpy(&space[at], &value, 2); }
  void put32(unsigned at, std::uint32_t value) { std::memcpy(&space[at], &value, 4); }
  std::uint16_t get16(unsigned at) const { return get<std::uint16_t>(at); }
  bool masters_bus() const { return (get16(kPciCommand) & kPciCommandMaster) != 0; }
  bool msix_enabled() const { return vectors_ != 0 && (get16(kMsixCap + 2) & 0x8000) != 0; }

  // struct virtio_pci_cap.
  void put_structure(std::uint8_t at, std::uint8_t next, std::uint8_t type, std::uint32_t offset,
                     std::uint32_t length, std::uint8_t cap_len = 16) {
    const std::uint8_t head[] = {0x09, next, cap_len, type, kBar};
    std::memcpy(&space[at], head, sizeof head);
    put32(at + 8U, offset);
    put32(at + 12U, length);
  }

  // ---- PciFunction. ----

  std::uint8_t config8(std::uint8_t at) noexcept override { return space[at]; }
  std::uint16_t config16(std::uint8_t at) noexcept override { return get<std::uint16_t>(at); }
  std::uint32_t config32(std::uint8_t at) noexcept override { return get<std::uint32_t>(at); }
  void set_config16(std::uint8_t at, std::uint16_t value) noexcept override {
    const bool control = vectors_ != 0 && at == kMsixCap + 2;
    require(at == kPciCommand || control, "writes to no capability but its own");
    if (at == kPciCommand) put16(at, value);
    if (control) put16(at, static_cast<std::uint16_t>((value & 0xc000) | (get16(at) & 0x7ff)));
  }
  void set_config32(std::uint8_t at, std::uint32_t value) noexcept override {
    require(at >= kPciFirstBar && at < kPciFirstBar + 4 * kPciBars, "writes to no capability but its own");
    require((get16(kPciCommand) & 3) == 0, "looks for the size of a BAR while nothing is decoded");
    const unsigned bar = (at - kPciFirstBar) / 4U;
    constexpr std::uint32_t kWritable[kPciBars] = {
        0xffff'ffe0, 0xffff'f000, 0, 0, static_cast<std::uint32_t>(~(kBarSize - 1)), 0xffff'ffff};
    put32(at, (value & kWritable[bar]) | (config32(at) & ~kWritable[bar]));
  }
  PciMapping map(std::uint8_t bar, std::uint64_t offset, std::uint64_t length) noexcept override {
    const PciMapStatus status = read_pci_bar(*this, bar).check(offset, length);
    if (status != PciMapStatus::Ok) return {status, {}};
    if (!maps) return {PciMapStatus::NotMapped, {}};
    return {status, RegisterWindow(bars_[bar], offset, length)};
  }

  // ---- DeviceCalls: calls by the device. ----

  void queue_used(std::uint16_t queue) noexcept override {
    if (!msix_enabled()) return assert_line(1);
    send(queues_[queue].vector);
  }
  void config_changed() noexcept override {
    if (!msix_enabled()) return assert_line(2);
    send(config_vector_);
  }

 private:
  template <class T>
  T get(unsigned at) const {
    T value = 0;
    if (at + sizeof(T) <= space.size()) std::memcpy(&value, &space[at], sizeof(T));
    return value;
  }

  void put_msix() {
    space[kMsixCap] = 0x11;
    space[kMsixCap + 1] = kCommonCap;
    put16(kMsixCap + 2, static_cast<std::uint16_t>(vectors_ - 1));
    put32(kMsixCap + 4, kMsixTable | kMsixBar);
    table_.assign(std::size_t{vectors_} * 4, 0);
    for (std::size_t i = 3; i < table_.size(); i += 4) table_[i] = 1;  // masked
  }

  void send(std::uint16_t vector) {
    if (vector >= vectors_ || (get16(kMsixCap + 2) & 0x4000) != 0) return;
    const std::uint32_t* const entry = &table_[std::size_t{vector} * 4];
    if ((entry[3] & 1) != 0) return;
    require(masters_bus(), "enables bus mastering before messages");
    if (message) message({entry[0] | std::uint64_t{entry[1]} << 32, entry[2]});
  }

  std::uint32_t read(std::uint8_t bar, std::uint64_t at, unsigned width) {
    require((get16(kPciCommand) & kPciCommandMemory) != 0, "enables memory accesses");
    if (bar == kMsixBar) return 0;
    if (at >= kNotify) return 0;
    if (at >= kDevice) return read_device(at - kDevice, width);
    if (at >= kIsr) {
      require(!msix_enabled(), "leaves the ISR status alone with MSI-X");
      const std::uint8_t causes = causes_;
      causes_ = 0;
      return causes;
    }
    const std::optional<std::uint32_t> lies = lie ? lie(at) : std::nullopt;
    const std::uint32_t truth = read_common(at, width);
    return lies ? *lies : truth;
  }

  void write(std::uint8_t bar, std::uint64_t at, unsigned width, std::uint32_t value) {
    require((get16(kPciCommand) & kPciCommandMemory) != 0, "enables memory accesses");
    if (bar == kMsixBar) {
      require(width == 4 && at >= kMsixTable && (at - kMsixTable) / 4 < table_.size(),
              "writes whole words of the table that there is");
      table_.at((at - kMsixTable) / 4) = value;
      return;
    }
    if (at >= kNotify) {
      require(width == 2 && at - kNotify == value * kMultiplier, "notifies where the queue says");
      require(masters_bus(), "enables bus mastering before there is work");
      notified(value);
    } else if (at >= kDevice) {
      require(at % width == 0, "writes fields whole");
      std::byte bytes[4];
      std::memcpy(bytes, &value, sizeof bytes);
      device_.write_config(static_cast<std::uint32_t>(at - kDevice), std::span(bytes).first(width));
    } else {
      require(at < kIsr, "reads the ISR status only");
      write_common(at, width, value);
    }
  }

  std::uint32_t read_device(std::uint64_t at, unsigned width) {
    require(at % width == 0, "reads fields whole");
    std::uint32_t value = 0;
    device_.read_config(static_cast<std::uint32_t>(at),
                        std::as_writable_bytes(std::span(&value, 1)).first(width));
    return value;
  }

  // 4.1.3.1: the width of each field.
  static unsigned width_of(std::uint64_t at) {
    if (at == detail::kPciDeviceStatus || at == detail::kPciConfigGeneration) return 1;
    return at < detail::kPciConfigMsixVector ||
                   (at >= detail::kPciQueueDesc && at < detail::kPciQueueNotifyData)
               ? 4
               : 2;
  }

  std::uint32_t read_common(std::uint64_t at, unsigned width) {
    require(width == width_of(at) && at % width == 0, "reads fields whole");
    switch (at) {
      case detail::kPciDeviceFeature:
        return offered_half(device_half_);
      case detail::kPciConfigMsixVector:
        return config_vector_;
      case detail::kPciNumQueues: {
        std::uint16_t count = 0;
        while (count < kQueues && device_.max_queue_size(count) != 0) ++count;
        return count;
      }
      case detail::kPciDeviceStatus:
        return read_status();
      case detail::kPciConfigGeneration:
        return static_cast<std::uint8_t>(device_.config_generation());
      case detail::kPciQueueSize:
        return selected().size != 0 ? selected().size : largest();
      case detail::kPciQueueMsixVector:
        return selected().vector;
      case detail::kPciQueueEnable:
        return selected().enabled ? 1 : 0;
      case detail::kPciQueueNotifyOff:
        return selected_;
      case detail::kPciQueueReset:
        return read_resetting();
      default:
        return 0;
    }
  }

  void write_common(std::uint64_t at, unsigned width, std::uint32_t value) {
    require(width == width_of(at) && at % width == 0, "writes fields whole");
    switch (at) {
      case detail::kPciDeviceFeatureSelect:
        device_half_ = value;
        return;
      case detail::kPciDriverFeatureSelect:
        driver_half_ = value;
        return;
      case detail::kPciDriverFeature:
        return accept_half(driver_half_, value);
      case detail::kPciConfigMsixVector:
        return map_vector(config_vector_, value);
      case detail::kPciDeviceStatus:
        if (value == 0) config_vector_ = detail::kPciNoVector;
        return write_status(static_cast<std::uint8_t>(value));
      case detail::kPciQueueSelect:
        selected_ = static_cast<std::uint16_t>(value);
        return;
      case detail::kPciQueueSize:
        return set_size(value);
      case detail::kPciQueueMsixVector:
        return map_vector(selected().vector, value);
      case detail::kPciQueueEnable:
        require(value == 1, "writes nothing but 1 to queue_enable");
        return enable();
      case detail::kPciQueueReset:
        require(value == 1, "writes nothing but 1 to queue_reset");
        return reset_selected();
      default:
        break;
    }
    const bool area = at >= detail::kPciQueueDesc && at < detail::kPciQueueNotifyData;
    require(area, "leaves read-only fields alone");
    if (area) set_area((at - detail::kPciQueueDesc) / 8, (at / 4) % 2, value);
  }

  void map_vector(std::uint16_t& field, std::uint32_t vector) {
    require(vector == detail::kPciNoVector || vector < vectors_,
            "maps no event to a vector that does not exist");
    const bool given = vector < vectors_ && vector < vectors_to_give;
    field = given ? static_cast<std::uint16_t>(vector) : detail::kPciNoVector;
  }

  std::array<ModelRegisters, kPciBars> bars_;
  const std::uint16_t vectors_;
  std::vector<std::uint32_t> table_;  // the MSI-X table
  std::uint32_t device_half_ = 0, driver_half_ = 0;
  std::uint16_t config_vector_ = detail::kPciNoVector;
};

}  // namespace fallow
