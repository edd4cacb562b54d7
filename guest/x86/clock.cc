#include "guest/x86/clock.h"

#include "guest/x86/cpu.h"
#include "guest/x86/interrupts/local_apic.h"

namespace fallow::guest::x86 {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kGuess = kSecond;
constexpr std::uint64_t kPitFrequency = 1'193'182;

// Returns a * b / c, exact if the result fits 64 bits.
std::uint64_t scaled(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  std::uint64_t low, high;
  asm("mulq %3" : "=a"(low), "=d"(high) : "0"(a), "rm"(b) : "cc");
  if (high >= c) return ~std::uint64_t{0};
  asm("divq %2" : "+a"(low), "+d"(high) : "rm"(c) : "cc");
  return low;
}

// Reads the frequency from Intel's crystal clock leaf or the hypervisor timing leaf. Returns 0 if neither
// exists.
std::uint64_t frequency_by_cpuid() {
  if (cpu_id(0).a >= 0x15) {
    const CpuId crystal = cpu_id(0x15);
    if (crystal.a != 0 && crystal.b != 0 && crystal.c != 0) return scaled(crystal.c, crystal.b, crystal.a);
  }
  constexpr std::uint32_t kHypervisor = 1u << 31, kFirstLeaf = 0x40000000, kTiming = 0x40000010;
  if ((cpu_id(1).c & kHypervisor) != 0 && cpu_id(kFirstLeaf).a >= kTiming &&
      cpu_id(kFirstLeaf).a < kFirstLeaf + 256) {
    return std::uint64_t{cpu_id(kTiming).a} * 1000;
  }
  return 0;
}

// Starts channel 0, which counts down from 65535 once, in 55 ms. Its interrupt is masked.
void start_pit() {
  out8(0x43, 0x30);
  out8(0x40, 0xff);
  out8(0x40, 0xff);
}
std::uint32_t pit_count() {
  out8(0x43, 0x00);
  const std::uint32_t low = in8(0x40);
  return low | std::uint32_t{in8(0x40)} << 8;
}

// Returns 0 if there is no PIT, which shows as a count that does not change.
std::uint64_t frequency_by_pit() {
  constexpr std::uint32_t kTicks = kPitFrequency / 200;  // 5 ms
  constexpr std::uint64_t kTimeout = 400'000'000;        // in counts; longer than 5 ms on any processor
  start_pit();
  // Wait for the count to change before the first reading, to know that the channel runs.
  const std::uint64_t begin = time_stamp();
  const std::uint32_t full = pit_count();
  std::uint32_t first = full;
  while (first == full) {
    if (time_stamp() - begin > kTimeout / 4) return 0;
    first = pit_count();
  }
  const std::uint64_t from = time_stamp();
  for (;;) {
    const std::uint32_t passed = (first - pit_count()) & 0xffff;
    const std::uint64_t to = time_stamp();
    if (passed >= kTicks) return scaled(to - from, kPitFrequency, passed);
    if (to - from > kTimeout) return 0;
  }
}

}  // namespace

void Clock::start() noexcept {
  origin_ = time_stamp();
  source_ = "cpuid";
  frequency_ = frequency_by_cpuid();
  if (frequency_ == 0) {
    source_ = "pit";
    frequency_ = frequency_by_pit();
  }
  if (frequency_ < 1'000'000) {
    source_ = "guess";
    frequency_ = kGuess;
  }
  per_count_ = scaled(kSecond, std::uint64_t{1} << 32, frequency_);

  constexpr std::uint32_t kAll = 0xffffffff;
  arm_local_timer(kAll);
  const std::uint64_t from = time_stamp();
  pass({kSecond / 2000});
  const std::uint32_t ticks = kAll - local_timer_left();
  const std::uint64_t counts = time_stamp() - from;
  arm_local_timer(0);
  timer_frequency_ = scaled(ticks, frequency_, counts);
  if (timer_frequency_ == 0) timer_frequency_ = 1;
}

Nanoseconds Clock::now() const noexcept {
  __extension__ using Wide = unsigned __int128;
  return {static_cast<std::uint64_t>(Wide{time_stamp() - origin_} * per_count_ >> 32)};
}

void Clock::pass(Nanoseconds time) const noexcept {
  const std::uint64_t begin = time_stamp();
  const std::uint64_t counts = scaled(time.raw, frequency_, kSecond);
  while (time_stamp() - begin < counts) pause();
}

std::uint32_t Clock::timer_ticks(Nanoseconds from, Nanoseconds deadline) const noexcept {
  constexpr std::uint64_t kMost = 0x7fffffff;
  const std::uint64_t ticks = deadline > from ? scaled((deadline - from).raw, timer_frequency_, kSecond) : 0;
  return static_cast<std::uint32_t>(ticks > kMost ? kMost : ticks + 1);
}

}  // namespace fallow::guest::x86
