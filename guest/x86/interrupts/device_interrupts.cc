#include "guest/x86/interrupts/device_interrupts.h"

#include <atomic>

#include "guest/x86/interrupts/interrupts.h"
#include "guest/x86/interrupts/io_apic.h"
#include "guest/x86/interrupts/local_apic.h"
#include "guest/x86/interrupts/pic.h"
#include "guest/x86/interrupts/vectors.h"

namespace fallow::guest::x86 {
namespace {

constexpr std::uint8_t kNoLine = 255;
// A line that is raised this many times in a row without a cause from the device is considered stuck.
constexpr unsigned kMostUnclaimed = 10'000;

// The state of the interrupt handlers.
constinit Processors* processors = nullptr;
constinit detail::InterruptingTransport* device = nullptr;
constinit const Topology* io_apics = nullptr;
constinit std::uint32_t line = kNoLine;
constinit unsigned unclaimed = 0;
// release: pairs with the acquire in serve(), so that the calls happen after the handler's read of the device
// and after the writes that the device made before it interrupted.
constinit std::atomic<std::uint8_t> pending{0};
// relaxed: a CPU that sees it late waits once more for its deadline.
constinit std::atomic<bool> polling{false};

void record(std::uint8_t causes) {
  pending.fetch_or(causes, std::memory_order_release);  // MO-21
  processors->wake(0);
}

// Acknowledges the device if it raised the line. Returns false if the line is stuck and must be masked.
bool handle_line() {
  if (const std::uint8_t causes = device->acknowledge(); causes != 0) {
    unclaimed = 0;
    record(causes);
    return true;
  }
  if (++unclaimed < kMostUnclaimed) return true;
  polling.store(true, std::memory_order_relaxed);
  return false;
}

void handle_pic_line() {
  const auto pic_line = static_cast<std::uint8_t>(line);
  if (!handle_line()) disable_pic_line(pic_line);
  end_of_pic_interrupt(pic_line);
}
void handle_io_apic_line() {
  if (!handle_line()) mask_line(*io_apics, line);
  end_of_interrupt();
}
void handle_config_message() {
  record(detail::kCauseConfig);
  end_of_interrupt();
}
void handle_queue_message() {
  record(detail::kCauseQueues);
  end_of_interrupt();
}

MsiMessage message(std::uint32_t apic_id, std::uint32_t vector) {
  return {0xfee00000 | apic_id << 12, vector};
}

}  // namespace

void DeviceInterrupts::start(Processors& cpus, detail::InterruptingTransport& transport) noexcept {
  transport_ = &transport;
  device = &transport;
  processors = &cpus;
}

StringRef DeviceInterrupts::by_messages_or_pic(Processors& cpus, PciTransport& transport,
                                               std::uint8_t named) noexcept {
  start(cpus, transport);
  set_interrupt_handler(VECTOR_DEVICE_CONFIG, handle_config_message);
  set_interrupt_handler(VECTOR_DEVICE_QUEUES, handle_queue_message);
  const std::uint32_t cpu = local_apic_id();
  if (transport.use_msix(message(cpu, VECTOR_DEVICE_CONFIG), message(cpu, VECTOR_DEVICE_QUEUES)) ==
      Status::Ok) {
    return "msi-x";
  }
  if (named == kNoLine) {
    polling.store(true, std::memory_order_relaxed);
    return "none";
  }
  line = named;
  set_interrupt_handler(VECTOR_PIC + named, handle_pic_line);
  enable_pic_line(named);
  return "intx";
}

StringRef DeviceInterrupts::by_io_apic(Processors& cpus, detail::InterruptingTransport& transport,
                                       const Topology& topology, std::uint32_t named) noexcept {
  start(cpus, transport);
  io_apics = &topology;
  line = named;
  set_interrupt_handler(VECTOR_DEVICE_LINE, handle_io_apic_line);
  if (route_line(topology, named, local_apic_id(), VECTOR_DEVICE_LINE)) return "line";
  polling.store(true, std::memory_order_relaxed);
  return "none";
}

void DeviceInterrupts::release() noexcept {
  if (line != kNoLine) disable_pic_line(static_cast<std::uint8_t>(line));
  line = kNoLine;
  transport_ = nullptr;
  pending.store(0, std::memory_order_relaxed);  // relaxed: only CPU 0 sets and reads it
  polling.store(false, std::memory_order_relaxed);
}

bool DeviceInterrupts::polled() const noexcept { return polling.load(std::memory_order_relaxed); }

void DeviceInterrupts::serve() noexcept {
  if (transport_ == nullptr) return;
  if (polled()) {
    // acquire would suffice: MO-21, as below.
    transport_->deliver(static_cast<std::uint8_t>(transport_->acknowledge() |
                                                  pending.exchange(0, std::memory_order_seq_cst)));
    return;
  }
  // relaxed: only avoids the exchange. An interrupt that comes now wakes CPU 0, which calls serve() again.
  if (pending.load(std::memory_order_relaxed) == 0) return;
  transport_->deliver(pending.exchange(0, std::memory_order_acquire));  // MO-21
}

}  // namespace fallow::guest::x86
