// The main program: from the entry point to the verdict.
#include <cstdint>
#include <span>

#include "guest/guest.h"
#include "guest/protocol/command_line.h"
#include "guest/x86/bare_machine.h"
#include "guest/x86/boot/boot_info.h"
#include "guest/x86/boot/find_free_range.h"
#include "guest/x86/boot/hvm_start_info.h"
#include "guest/x86/boot/multiboot2.h"
#include "guest/x86/cpu.h"
#include "guest/x86/discovery/acpi_madt.h"
#include "guest/x86/discovery/balloon_finder.h"
#include "guest/x86/discovery/entropy_check.h"
#include "guest/x86/discovery/mp_table.h"
#include "guest/x86/interrupts/interrupts.h"
#include "guest/x86/interrupts/local_apic.h"
#include "guest/x86/interrupts/pic.h"
#include "guest/x86/paging.h"
#include "guest/x86/panic.h"
#include "guest/x86/panic_selftest.h"

extern "C" const std::byte image_begin[], image_end[];

namespace fallow::guest::x86 {
namespace {

// These objects live until the machine stops. Only CPU 0 writes them, before it releases the other CPUs.
constinit BareMachine machine;
constinit BootInfo info;
constinit Topology topology;
constinit Paging paging;
constinit Guest* guest = nullptr;

// Ranges that the guest must not allocate: the image, the modules, and the ranges taken below.
constinit MemoryRange taken[BootInfo::kMostModules + 4] = {};
constinit std::size_t taken_count = 0;
constinit MemoryRange trampoline, stacks;

constexpr std::uint64_t kFourGib = std::uint64_t{1} << 32, kMib = 1024 * 1024;

void say(StringRef what) {
  FixedString<200> line("guest: ");
  machine.write(line.put(what).put('\n').text());
}

void take(MemoryRange range) { taken[taken_count++] = range; }
std::span<const MemoryRange> all_taken() { return {taken, taken_count}; }

void read_loader(std::uint32_t magic, std::uint64_t at) {
  const PhysicalWindow memory({0, kFourGib}, 0);
  const bool read =
      magic == kMultiboot2Magic ? read_multiboot2(memory, at, info) : read_hvm_start_info(memory, at, info);
  if (!read) panic_about("the boot loader passed neither PVH nor multiboot2 information");
  if (!read_madt(memory, info.rsdp, topology)) read_mp_table(memory, topology);
  if (!info.warning.empty()) say(info.warning);
  if (topology.source.empty()) say("no ACPI or MP table of processors: only one is used");
  if (topology.left_out() != 0) say("more processors than the guest supports: some are not used");
}

// Takes memory for the page tables and for the stacks of every processor, as low as possible above 1 MiB.
void take_memory() {
  info.usable.remove({Paging::kHighest, ~std::uint64_t{0}});
  take({reinterpret_cast<std::uint64_t>(image_begin), reinterpret_cast<std::uint64_t>(image_end)});
  for (std::size_t i = 0; i < info.module_count; ++i) take(info.modules[i]);

  const std::uint64_t cpus = topology.processors().size() + 1;
  const std::uint64_t stacks_size = cpus * Processors::kStackArea;
  const std::uint64_t tables =
      (Paging::pages_needed(info.usable.ranges()) + stacks_size / (2 * kMib) + 2) * 4096;
  const MemoryRange range = find_free_range(info, all_taken(), {kMib, kFourGib}, tables + stacks_size);
  if (range.begin == range.end) panic_about("no memory for page tables and stacks");
  take(range);
  stacks = {range.begin, range.begin + stacks_size};
  trampoline = find_free_range(info, all_taken(), {4096, kMib}, 4096);
  take(trampoline);

  paging.start(info.usable.ranges(), PagePool({stacks.end, range.end}));
  for (std::size_t slot = 0; slot < cpus; ++slot) {
    const std::uint64_t guard = guard_of(stacks.begin, slot);
    paging.unmap({guard, guard + 4096});
  }
}

// Values for isa-debug-exit: QEMU exits with 1 for "ok", 3 for any other verdict, and 5 for a panic.
constexpr std::uint32_t kOk = 0, kNotOk = 1, kPanic = 2;

void exit_by_debug_port(std::uint32_t how) {
  if (has_word(info.command_line.text(), "exit=debug")) out32(0xf4, how);
}

BootFacts facts() {
  BootFacts facts;
  facts.loader = info.loader;
  facts.command_line = info.command_line.text();
  facts.usable = info.usable.ranges();
  facts.taken = all_taken();
  if (info.module_count != 0) {
    const MemoryRange module = info.modules[0];
    facts.module = {reinterpret_cast<const std::byte*>(module.begin),
                    static_cast<std::size_t>(module.end - module.begin)};
  }
  facts.cpus = machine.processors.count();
  return facts;
}

void start_processors() {
  if (trampoline.begin == trampoline.end) {
    say("no free page below 1 MiB for the trampoline: only one processor is used");
    return;
  }
  machine.processors.start_others(topology, machine.clock, trampoline.begin, stacks.begin);
  if (machine.processors.missing() == 0) return;
  FixedString<100> line;
  say(line.number(machine.processors.missing())
          .put(" processors did not start in time and are not used")
          .text());
}

// The rest of the startup, on the permanent stack of CPU 0.
[[noreturn]] void run() {
  start_pic();
  start_local_apic(true);
  machine.clock.start();
  if (machine.clock.source() == StringRef("guess"))
    say("no clock frequency from CPUID or a PIT: times are guessed");
  machine.start_waking();
  interrupts_on();
  start_processors();
  run_panic_selftest(info.command_line.text());
  check_entropy(machine, paging, info.command_line.text());

  const FoundDevice device = find_balloon(machine, paging, topology, info.command_line.text());
  guest = create_guest(machine, facts(), device);
  bool ok = false;
  if (guest != nullptr) {
    machine.processors.release([](std::uint32_t cpu) { run_cpu(*guest, cpu); });
    ok = run_cpu(*guest, 0);
  }
  exit_by_debug_port(ok ? kOk : kNotOk);
  halt_for_good();
}

}  // namespace

// `magic` is that of the loader, or 0 at the PVH entry. `block` is the address of the loader's information.
extern "C" [[noreturn]] void start(std::uint32_t magic, std::uint32_t block) noexcept {
  load_interrupt_table();
  machine.processors.start_first();
  set_panic_machine(machine, [] { exit_by_debug_port(kPanic); });
  machine.serial.start();
  read_loader(magic, block);
  take_memory();
  machine.processors.give_stacks(stacks.begin);
  use_interrupt_stacks();
  asm volatile("mov %0, %%rsp; xor %%ebp, %%ebp; call *%1"
               :
               : "r"(this_cpu().stack.end), "r"(&run)
               : "memory");
  __builtin_unreachable();
}

}  // namespace fallow::guest::x86
