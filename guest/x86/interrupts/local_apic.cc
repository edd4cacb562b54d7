#include "guest/x86/interrupts/local_apic.h"

#include "guest/x86/cpu.h"
#include "guest/x86/interrupts/vectors.h"

namespace fallow::guest::x86 {
namespace {

constexpr std::uint32_t kBaseMsr = 0x1b;
constexpr std::uint64_t kBaseX2Apic = 1 << 10, kBaseEnable = 1 << 11, kBaseAddress = 0xffffff000;

enum Register : std::uint32_t {
  kId = 0x20,
  kTaskPriority = 0x80,
  kEndOfInterrupt = 0xb0,
  kSpurious = 0xf0,
  kCommandLow = 0x300,
  kCommandHigh = 0x310,
  kTimer = 0x320,
  kLine0 = 0x350,
  kLine1 = 0x360,
  kError = 0x370,
  kTimerStart = 0x380,
  kTimerNow = 0x390,
  kTimerDivide = 0x3e0,
};
constexpr std::uint32_t kMasked = 1 << 16, kExternal = 7 << 8, kNmi = 4 << 8;
constexpr std::uint32_t kInit = 5 << 8, kStartup = 6 << 8, kAssert = 1 << 14, kPending = 1 << 12;
constexpr std::uint32_t kSoftwareEnable = 1 << 8;
constexpr std::uint32_t kDivideByOne = 0xb;

// Every CPU sees its own APIC at this address.
constinit std::uintptr_t base = 0;

std::uint32_t read(Register at) { return *reinterpret_cast<volatile std::uint32_t*>(base + at); }
void write(Register at, std::uint32_t value) {
  *reinterpret_cast<volatile std::uint32_t*>(base + at) = value;
}

void command(std::uint32_t apic_id, std::uint32_t low) {
  // The wait is bounded, because an APIC that never delivers must not block a panic.
  for (unsigned i = 0; i < 100'000 && (read(kCommandLow) & kPending) != 0; ++i) pause();
  write(kCommandHigh, apic_id << 24);
  write(kCommandLow, low);
}

}  // namespace

void start_local_apic(bool first_cpu) noexcept {
  std::uint64_t msr = read_msr(kBaseMsr);
  if ((msr & kBaseX2Apic) != 0) {
    // The only way from x2APIC to xAPIC mode is to disable the APIC first.
    msr &= ~(kBaseX2Apic | kBaseEnable);
    write_msr(kBaseMsr, msr);
  }
  write_msr(kBaseMsr, msr | kBaseEnable);
  if (first_cpu) base = static_cast<std::uintptr_t>(msr & kBaseAddress);
  write(kTaskPriority, 0);
  write(kTimer, kMasked);
  write(kLine0, first_cpu ? kExternal : kMasked);
  write(kLine1, first_cpu ? kNmi : kMasked);
  write(kError, kMasked);
  write(kSpurious, kSoftwareEnable | VECTOR_SPURIOUS);
  write(kTimerDivide, kDivideByOne);
  write(kTimer, VECTOR_TIMER);
}

std::uint32_t local_apic_id() noexcept { return read(kId) >> 24; }
void end_of_interrupt() noexcept { write(kEndOfInterrupt, 0); }
void arm_local_timer(std::uint32_t ticks) noexcept { write(kTimerStart, ticks); }
std::uint32_t local_timer_left() noexcept { return read(kTimerNow); }

void send_interrupt(std::uint32_t apic_id, std::uint8_t vector) noexcept {
  command(apic_id, kAssert | vector);
}
void send_init(std::uint32_t apic_id) noexcept { command(apic_id, kAssert | kInit); }
void send_startup(std::uint32_t apic_id, std::uint8_t page) noexcept {
  command(apic_id, kAssert | kStartup | page);
}

void send_nmi(std::uint32_t apic_id) noexcept { command(apic_id, kAssert | kNmi); }

}  // namespace fallow::guest::x86
