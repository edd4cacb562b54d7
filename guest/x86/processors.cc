#include "guest/x86/processors.h"

#include <atomic>

#include "fallow/base/check.h"
#include "guest/x86/cpu.h"
#include "guest/x86/interrupts/interrupts.h"
#include "guest/x86/interrupts/local_apic.h"
#include "guest/x86/interrupts/vectors.h"

extern "C" {
extern const std::byte trampoline_begin[], trampoline_end[];
extern std::byte first_stack[], first_stack_end[];

// Read by trampoline.S. Slots of started CPUs count from 1; 0 is the first CPU, or a CPU that was not
// started.
constinit std::uint8_t slot_of_apic_id[256] = {};
constinit std::uint64_t stack_of_slot[fallow::guest::x86::Processors::kMost] = {};
}

namespace fallow::guest::x86 {
namespace {

// The state of a CPU. The CPU itself changes Down to Up, unless CPU 0 has given it up before.
enum class State : std::uint8_t { Down, Up, GivenUp };

struct Slot {
  CpuState cpu;
  std::atomic<State> state{State::Down};
};

constinit Slot slots[Processors::kMost];
constinit CpuState* by_number[Processors::kMost] = {};
// release: pairs with start_other(), so that the other CPUs see what the first CPU set up.
constinit std::atomic<void (*)(std::uint32_t)> released{nullptr};

// [guard][stack][NMI][fault]
void lay_out(CpuState& cpu, std::uint64_t area) {
  constexpr std::uint64_t kInterruptStack = 8192;
  const std::uint64_t end = area + Processors::kStackArea;
  cpu.fault_stack = {end - kInterruptStack, end};
  cpu.nmi_stack = {end - 2 * kInterruptStack, end - kInterruptStack};
  cpu.stack = {area + 4096, end - 2 * kInterruptStack};
}

template <class Condition>
bool wait_until(const Clock& clock, Nanoseconds most, Condition&& condition) {
  const Nanoseconds deadline = clock.now() + most;
  while (!condition()) {
    if (clock.now() >= deadline) return false;
    pause();
  }
  return true;
}

// acquire: pairs with the exchange in start_other(), so that the caller sees what that CPU set up for itself.
bool is_up(std::size_t slot) { return slots[slot].state.load(std::memory_order_acquire) == State::Up; }

bool all_up(std::size_t count) {
  for (std::size_t slot = 1; slot < count; ++slot) {
    if (!is_up(slot)) return false;
  }
  return true;
}

}  // namespace

extern "C" [[noreturn]] void start_other(std::uint32_t slot) noexcept {
  CpuState& cpu = slots[slot].cpu;
  load_segments(cpu);
  load_interrupt_table();
  start_local_apic(false);
  State expected = State::Down;
  // release would suffice: pairs with the acquire in is_up(), so that the first CPU sees this one set up.
  // Exactly one of this exchange and the one in start_others() succeeds, so a CPU that was given up never
  // continues.
  if (!slots[slot].state.compare_exchange_strong(expected, State::Up, std::memory_order_seq_cst))
    halt_for_good();
  void (*work)(std::uint32_t) = nullptr;
  for (;;) {
    interrupts_off();
    work = released.load(std::memory_order_acquire);  // MO-22
    if (work != nullptr) break;
    interrupts_on_and_halt();
  }
  interrupts_on();
  work(cpu.number);
  halt_for_good();
}

void Processors::start_first() noexcept {
  CpuState& cpu = slots[0].cpu;
  cpu.stack = {reinterpret_cast<std::uint64_t>(first_stack),
               reinterpret_cast<std::uint64_t>(first_stack_end)};
  by_number[0] = &cpu;
  load_segments(cpu);
}

void Processors::give_stacks(std::uint64_t stacks) noexcept {
  CpuState& cpu = slots[0].cpu;
  lay_out(cpu, stacks);
  load_segments(cpu);
}

std::uint32_t Processors::start_others(const Topology& topology, const Clock& clock, std::uint64_t trampoline,
                                       std::uint64_t stacks) noexcept {
  FALLOW_CHECK(trampoline % 4096 == 0 && trampoline < 0x100000);
  CpuState& first = slots[0].cpu;
  first.apic_id = local_apic_id();
  __builtin_memcpy(reinterpret_cast<void*>(trampoline), trampoline_begin,
                   static_cast<std::size_t>(trampoline_end - trampoline_begin));

  std::size_t count = 1;
  for (const std::uint32_t id : topology.processors()) {
    if (id == first.apic_id || count == kMost) continue;
    CpuState& cpu = slots[count].cpu;
    cpu.apic_id = id;
    lay_out(cpu, guard_of(stacks, count));
    stack_of_slot[count] = cpu.stack.end;
    slot_of_apic_id[id] = static_cast<std::uint8_t>(count++);
  }

  // INIT, STARTUP, and a second STARTUP for CPUs that the first one did not reach (Intel SDM 3A, 9.4.4).
  const auto page = static_cast<std::uint8_t>(trampoline / 4096);
  for (std::size_t slot = 1; slot < count; ++slot) send_init(slots[slot].cpu.apic_id);
  if (count > 1) clock.pass(milliseconds(1));
  for (std::size_t slot = 1; slot < count; ++slot) send_startup(slots[slot].cpu.apic_id, page);
  if (!wait_until(clock, milliseconds(50), [&] { return all_up(count); })) {
    for (std::size_t slot = 1; slot < count; ++slot) {
      if (!is_up(slot)) send_startup(slots[slot].cpu.apic_id, page);
    }
    wait_until(clock, seconds(1), [&] { return all_up(count); });
  }

  for (std::size_t slot = 1; slot < count; ++slot) {
    State expected = State::Down;
    // acquire would suffice: pairs with the exchange in start_other(), which fails if this one succeeds.
    if (slots[slot].state.compare_exchange_strong(expected, State::GivenUp, std::memory_order_seq_cst)) {
      ++missing_;
    } else {
      slots[slot].cpu.number = count_;
      by_number[count_++] = &slots[slot].cpu;
    }
  }
  return count_;
}

void Processors::release(void (*work)(std::uint32_t cpu)) noexcept {
  released.store(work, std::memory_order_release);  // MO-22
  for (std::uint32_t cpu = 1; cpu < count_; ++cpu) send_interrupt(by_number[cpu]->apic_id, VECTOR_WAKE);
}

void Processors::wake(std::uint32_t number) noexcept {
  if (number >= count_) return;
  CpuState& cpu = *by_number[number];
  // acq_rel would suffice: MO-22, the CPU that wakes sees what the caller did before. A caller that finds the
  // flag already set need not send the interrupt: the CPU that set the flag sends it or has sent it.
  if (!cpu.wake_pending.exchange(true, std::memory_order_seq_cst) && &cpu != &this_cpu())
    send_interrupt(cpu.apic_id, VECTOR_WAKE);
}

// A CPU that was not started may still run firmware, where an NMI resets the machine.
void stop_other_cpus() noexcept {
  for (std::size_t slot = 0; slot < Processors::kMost; ++slot) {
    const bool up = slot == 0 ? by_number[0] != nullptr : is_up(slot);
    if (up && &slots[slot].cpu != &this_cpu()) send_nmi(slots[slot].cpu.apic_id);
  }
}

}  // namespace fallow::guest::x86
