// A guest that accesses its balloon through registers, and its kernel's part: the handler takes interrupts,
// and the loop delivers them.
#pragma once

#include <memory>
#include <optional>

#include "tests/support/balloon_pair.h"
#include "tests/support/mmio_model.h"
#include "tests/support/pci_model.h"

namespace fallow {

// The two halves of interrupt handling.
class GuestInterrupts {
 public:
  // Whether the loop runs as soon as an interrupt is pending; otherwise it runs on deliver(), or while the
  // driver waits.
  bool prompt = true;
  std::uint64_t taken = 0;

  bool pending() const { return causes_ != 0; }
  void attach(detail::InterruptingTransport& transport) { transport_ = &transport; }
  // The handlers of a line and of a message.
  void on_line() { on_causes(transport_->acknowledge()); }
  void on_causes(std::uint8_t causes) {
    ++taken;
    causes_ |= causes;
    if (prompt) deliver();
  }
  void deliver() {
    const std::uint8_t causes = causes_;
    causes_ = 0;
    transport_->deliver(causes);
  }

 private:
  detail::InterruptingTransport* transport_ = nullptr;
  std::uint8_t causes_ = 0;
};

struct PciGuest {
  static constexpr MsiMessage kConfig{0xfee0'0000, 0x41}, kQueues{0x1'fee0'1000, 0x42};

  explicit PciGuest(BalloonPair::Config config = {}, std::uint16_t vectors = 0) {
    config.between = [&](Port& port, Transport& device) -> Transport& {
      model.emplace(device, vectors);
      model->interrupt = [this] { interrupts.on_line(); };
      model->message = [this](const MsiMessage& message) {
        const bool config_changed = message.address == kConfig.address && message.data == kConfig.data;
        interrupts.on_causes(config_changed ? detail::kCauseConfig : detail::kCauseQueues);
      };
      transport.emplace(port, *model);
      interrupts.attach(*transport);
      return *transport;
    };
    pair.emplace(config);
    pair->rig.port.on_relax(
        {[](void* self) { static_cast<GuestInterrupts*>(self)->deliver(); }, &interrupts});
  }
  ~PciGuest() { pair.reset(); }

  GuestInterrupts interrupts;
  std::optional<PciModel> model;
  std::optional<PciTransport> transport;
  std::optional<BalloonPair> pair;
};

struct MmioGuest {
  explicit MmioGuest(BalloonPair::Config config = {}, std::uint64_t window = MmioModel::kSize) {
    config.between = [&](Port& port, Transport& device) -> Transport& {
      model.emplace(device);
      model->interrupt = [this] { interrupts.on_line(); };
      transport.emplace(port, model->window(window));
      interrupts.attach(*transport);
      return *transport;
    };
    pair.emplace(config);
    pair->rig.port.on_relax(
        {[](void* self) { static_cast<GuestInterrupts*>(self)->deliver(); }, &interrupts});
  }
  ~MmioGuest() { pair.reset(); }

  GuestInterrupts interrupts;
  std::optional<MmioModel> model;
  std::optional<MmioTransport> transport;
  std::optional<BalloonPair> pair;
};

// A configuration with all rings and every feature of the balloon.
inline BalloonPair::Config everything(Features rings) {
  BalloonPair::Config config;
  config.device.features = kBalloonMustTellHost | kBalloonStatsVq | kBalloonDeflateOnOom |
                           kBalloonFreePageHint | kBalloonPageReporting | kRingFeatures;
  config.driver.features = (config.device.features & ~kRingFeatures) | rings;
  return config;
}

}  // namespace fallow
