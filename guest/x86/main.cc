// From the entry to the verdict.
#include <cstdint>
#include <span>

#include "guest/guest.h"
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
#include "guest/x86/words.h"

extern "C" const std::byte image_begin[], image_end[];

namespace fallow::guest::x86 {
namespace {

// Everything lives until the machine stops; CPU 0 alone writes it, before the others are released.
constinit BareMachine machine;
constinit BootInfo info;
constinit Topology topology;
constinit Paging paging;
constinit Guest* guest = nullptr;

// What is not the guest's: the image, the modules, and what is taken here.
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
  if (!read) panic_about("the boot loader speaks neither PVH nor multiboot2");
  if (!read_madt(memory, info.rsdp, topology)) read_mp_table(memory, topology);
  if (!info.complaint.empty()) say(info.complaint);
  if (topology.source.empty()) say("no table of processors: one is used");
  if (topology.left_out() != 0) say("more processors than the guest can use: some are left out");
}

// In the lowest memory behind the image that has room: page tables, and stacks for every processor.
void take_memory() {
  info.usable.remove({Paging::kHighest, ~std::uint64_t{0}});
  take({reinterpret_cast<std::uint64_t>(image_begin), reinterpret_cast<std::uint64_t>(image_end)});
  for (std::size_t i = 0; i < info.module_count; ++i) take(info.modules[i]);

  const std::uint64_t cpus = topology.processors().size() + 1;
  const std::uint64_t stacks_size = cpus * Processors::kStackArea;
  const std::uint64_t tables =
      (Paging::pages_needed(info.usable.ranges()) + stacks_size / (2 * kMib) + 2) * 4096;
  const MemoryRange room = find_room(info, all_taken(), {kMib, kFourGib}, tables + stacks_size);
  if (room.begin == room.end) panic_about("no memory for page tables and stacks");
  take(room);
  stacks = {room.begin, room.begin + stacks_size};
  trampoline = find_room(info, all_taken(), {4096, kMib}, 4096);
  take(trampoline);

  paging.start(info.usable.ranges(), PagePool({stacks.end, room.end}));
  for (std::size_t slot = 0; slot < cpus; ++slot) {
    const std::uint64_t guard = guard_of(stacks.begin, slot);
    paging.unmap({guard, guard + 4096});
  }
}

// Read by isa-debug-exit: QEMU ends with 1 for "ok", with 3 for any other verdict, with 5 for a panic.
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
    say("no memory below 1 MiB to start processors from: one is used");
    return;
  }
  machine.processors.start_others(topology, machine.clock, trampoline.begin, stacks.begin);
  if (machine.processors.missing() == 0) return;
  FixedString<100> line;
  say(line.number(machine.processors.missing())
          .put(" processors did not come up in time: they are left out")
          .text());
}

// On the stack that this CPU keeps.
[[noreturn]] void go_on() {
  start_pic();
  start_local_apic(true);
  machine.clock.start();
  if (machine.clock.source() == StringRef("guess")) say("no PIT and no word of CPUID: times are guessed");
  machine.start_waking();
  interrupts_on();
  start_processors();
  make_trouble(info.command_line.text());
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

// `magic`: the loader's; 0 by the PVH entry. `block`: what it left.
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
               : "r"(this_cpu().stack.end), "r"(&go_on)
               : "memory");
  __builtin_unreachable();
}

}  // namespace fallow::guest::x86
