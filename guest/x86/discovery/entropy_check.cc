#include "guest/x86/discovery/entropy_check.h"

#include <cstddef>
#include <cstdint>

#include "fallow/virtio/ring/detail/split_driver_queue.h"
#include "fallow/virtio/transport/pci_transport.h"
#include "guest/kernel/event.h"
#include "guest/protocol/command_line.h"
#include "guest/x86/discovery/pci_bus.h"
#include "guest/x86/discovery/transport_port.h"

namespace fallow::guest::x86 {
namespace {

constexpr std::uint16_t kRequests = 0;  // 5.4.2
constexpr Nanoseconds kTimeout = seconds(5);

// The memory that the device accesses. It is in the image, which is identity-mapped.
alignas(4096) constinit std::byte ring[4096] = {};
constinit std::byte bytes[64] = {};
alignas(8) constinit std::byte ring_copy[1024] = {};

GuestPhys physical(const std::byte* at) { return {reinterpret_cast<std::uint64_t>(at)}; }

class EntropyCheck final : public DeviceCalls {
 public:
  EntropyCheck(BareMachine& machine, PciTransport& transport) : machine_(machine), transport_(transport) {}

  void queue_used(std::uint16_t) noexcept override { called_ = true; }
  void config_changed() noexcept override {}

  // Returns the number of bytes received, or 0 on any failure or if all bytes are zero.
  std::uint32_t run() {
    transport_.set_calls(this);
    const std::uint32_t got = start() ? fill() : 0;
    transport_.set_calls(nullptr);
    transport_.set_status(0);
    return got;
  }
  // True if the device interrupted.
  bool called() const { return called_; }

 private:
  // 3.1.1.
  bool start() {
    constexpr std::uint8_t kAgreed = kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk;
    transport_.set_status(kStatusAcknowledge);
    transport_.set_status(kStatusAcknowledge | kStatusDriver);
    transport_.accept(kFeatureVersion1);
    transport_.set_status(kAgreed);
    if (transport_.status() != kAgreed) return false;

    const DriverQueueConfig config{.size = 1, .ring = {}, .indirect_tables = 0, .indirect_length = 0};
    if (queue_.start(config, {ring, physical(ring), {sizeof ring}}, ring_copy) != Status::Ok) return false;
    queue_.ask_for_notifications(true);
    if (transport_.start_queue(kRequests, queue_.addresses()) != Status::Ok) return false;
    transport_.set_status(kAgreed | kStatusDriverOk);
    return true;
  }

  std::uint32_t fill() {
    const detail::QueueBuffer buffer{physical(bytes), sizeof bytes, true};
    if (queue_.add({&buffer, 1}, 0) != Status::Ok) return 0;
    if (queue_.take_kick()) transport_.notify(kRequests);
    const Nanoseconds end = machine_.now() + kTimeout;
    while (!called_ && machine_.now() < end) {
      machine_.wait(end);
      machine_.serve_device();
    }
    Used used;
    if (queue_.take(used) != Taken::Used) return 0;
    bool all_zero = true;
    for (std::uint32_t i = 0; i < used.length; ++i) all_zero = all_zero && bytes[i] == std::byte{0};
    return all_zero ? 0 : used.length;
  }

  BareMachine& machine_;
  PciTransport& transport_;
  detail::SplitDriverQueue queue_;
  bool called_ = false;
};

void write_event(Machine& machine, StringRef interrupts, std::uint32_t got, bool called) {
  Event event("entropy");
  event.text("interrupts", interrupts).number("bytes", got).flag("called", called).write_to(machine);
}

}  // namespace

void check_entropy(BareMachine& machine, Paging& paging, StringRef command_line) noexcept {
  PciAddress address;
  if (!has_word(command_line, "entropy=check")) return;
  if (!find_virtio_function(paging, detail::kDeviceEntropy, &address))
    return write_event(machine, "no device", 0, false);
  TransportPort port(machine);
  PciAddressFunction function(address, paging);
  PciTransport transport(port, function);
  if (const detail::Unusable why = transport.open(); why != detail::Unusable::No)
    return write_event(machine, describe(why), 0, false);
  const StringRef interrupts =
      machine.device.by_messages_or_pic(machine.processors, transport, function.line());
  EntropyCheck check(machine, transport);
  const std::uint32_t got = check.run();
  machine.device.release();
  write_event(machine, interrupts, got, check.called());
}

}  // namespace fallow::guest::x86
