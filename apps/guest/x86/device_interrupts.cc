#include "apps/guest/x86/device_interrupts.h"

#include <atomic>

#include "apps/guest/x86/interrupts.h"
#include "apps/guest/x86/io_apic.h"
#include "apps/guest/x86/local_apic.h"
#include "apps/guest/x86/pic.h"
#include "apps/guest/x86/vectors.h"

namespace fallow::guest::x86 {
namespace {

constexpr std::uint8_t kNoLine = 255;
// So often in a row a line may be raised by somebody else before it is taken for stuck.
constexpr unsigned kMostUnclaimed = 10'000;

// What the handlers know.
constinit Processors* processors = nullptr;
constinit InterruptingTransport* device = nullptr;
constinit std::uint8_t pic_line = kNoLine;
constinit unsigned unclaimed = 0;
// release: what the handler learnt from the device, and the device wrote before it interrupted, comes before
// the calls. Pairs with the acquire in serve().
constinit std::atomic<std::uint8_t> pending{0};

void note(std::uint8_t causes) {
  pending.fetch_or(causes, std::memory_order_release);
  processors->stir(0);
}

// True if the device raised its line. Then the line falls.
bool handle_line() {
  const std::uint8_t causes = device->acknowledge();
  if (causes == 0) return false;
  unclaimed = 0;
  note(causes);
  return true;
}

void handle_pic_line() {
  if (!handle_line() && ++unclaimed == kMostUnclaimed) disable_pic_line(pic_line);
  end_of_pic_interrupt(pic_line);
}
void handle_io_apic_line() {
  handle_line();
  end_of_interrupt();
}
void handle_config_message() {
  note(kCauseConfig);
  end_of_interrupt();
}
void handle_queue_message() {
  note(kCauseQueues);
  end_of_interrupt();
}

MsiMessage message(std::uint32_t apic_id, std::uint32_t vector) {
  return {0xfee00000 | apic_id << 12, vector};
}

}  // namespace

void DeviceInterrupts::start(Processors& cpus, InterruptingTransport& transport) noexcept {
  transport_ = &transport;
  device = &transport;
  processors = &cpus;
}

Text DeviceInterrupts::by_messages_or_pic(Processors& cpus, PciTransport& transport,
                                          std::uint8_t line) noexcept {
  start(cpus, transport);
  set_interrupt_handler(VECTOR_DEVICE_CONFIG, handle_config_message);
  set_interrupt_handler(VECTOR_DEVICE_QUEUES, handle_queue_message);
  const std::uint32_t cpu = local_apic_id();
  if (transport.use_msix(message(cpu, VECTOR_DEVICE_CONFIG), message(cpu, VECTOR_DEVICE_QUEUES)) ==
      Status::Ok) {
    return "msi-x";
  }
  if (line == kNoLine) {
    polled_ = true;
    return "none";
  }
  pic_line = line;
  set_interrupt_handler(VECTOR_PIC + line, handle_pic_line);
  enable_pic_line(line);
  return "intx";
}

Text DeviceInterrupts::by_io_apic(Processors& cpus, InterruptingTransport& transport,
                                  const Topology& topology, std::uint32_t line) noexcept {
  start(cpus, transport);
  set_interrupt_handler(VECTOR_DEVICE_LINE, handle_io_apic_line);
  polled_ = !route_line(topology, line, local_apic_id(), VECTOR_DEVICE_LINE);
  return polled_ ? "none" : "line";
}

void DeviceInterrupts::serve() noexcept {
  if (transport_ == nullptr) return;
  if (polled_) {
    transport_->deliver(transport_->acknowledge());
    return;
  }
  // relaxed: it only spares the exchange. What comes right now stirs CPU 0, which comes here again.
  if (pending.load(std::memory_order_relaxed) == 0) return;
  transport_->deliver(pending.exchange(0, std::memory_order_acquire));
}

}  // namespace fallow::guest::x86
