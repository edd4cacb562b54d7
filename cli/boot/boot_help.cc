#include "cli/boot/boot_command.h"

namespace fallow::cli {
namespace {

constexpr const char* kDescription =
    "Boots a guest in QEMU, and shows how soon the host has the memory that it frees";

constexpr const char* kFooter =
    R"(Starts QEMU with a small guest that is made of Fallow's core, has it fill and free
memory, and watches what QEMU's process holds of the host's memory meanwhile: how soon
it falls, and how much was held for nothing until then. It needs no privileges, no KVM
and no disk; QEMU's own virtio-balloon is the device.

Examples:
  fallow boot
      a guest of 2 GiB fills three fifths of it, frees that, and the host has it back
  fallow boot --memory 4G --fill 3000M --policy linux
      the same with Linux's way to report: 2 s after a free, a part at a time
  fallow boot --machine microvm --packed --smp 2 --workload churn --seconds 60
      allocates and frees all the time on two CPUs, and checks every byte it gets back
  fallow boot --workload rebind
      takes the driver off the device and back each half a second, and loses nothing
  fallow boot --trace data/workday.txt.zst --memory 1G
      the guest does what a real Linux machine did
  fallow boot --json - --csv series.csv | jq .t95_s
      figures for a program, and a time series for a plot
  fallow boot --guest linux --kernel /boot/vmlinuz-VERSION --initrd initrd.cpio
      the same measure of a Linux, whose init tells its progress on the serial line;
      'man fallow-boot' lists what it has to say

The guest checks itself: that nothing it allocated was changed by others, and that its
allocator holds its own rules at the end.

Exit status:
  0    the guest's verdict is "ok", and QEMU refused and complained about nothing
  1    it failed: QEMU or the guest's image is missing, QEMU ended, the guest panicked,
       said nothing for --timeout, or found a fault; a file could not be written
  2    the command line made no sense
  130  stopped with Ctrl-C, after telling what happened so far)";

CLI::Option* add(CLI::App* boot, const char* name, std::optional<std::string>* word, const char* type,
                 const char* description, const char* group) {
  return boot->add_option(name, *word, description)
      ->type_name(type)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->group(group);
}

void add_machine_options(CLI::App* boot, BootWords* words) {
  const char* group = "The machine";
  add(boot, "--memory", &words->memory, "SIZE", "The guest's memory, such as 256M or 8G. Default: 2G", group);
  add(boot, "--smp", &words->smp, "N", "Its CPUs; 1 to 64. Default: 1", group);
  add(boot, "--machine", &words->machine, "pc|q35|microvm",
      "pc       PCI, as it was in 1996\n"
      "q35      PCI Express\n"
      "microvm  no PCI: virtio-mmio\n"
      "Default: pc",
      group);
  boot->add_flag("--packed", words->packed, "Packed rings instead of split ones")->group(group);
  boot->add_flag("--no-indirect", words->no_indirect, "The device offers no indirect descriptor tables")
      ->group(group);
  boot->add_flag("--no-event-index", words->no_event_index, "The device offers no event index")->group(group);
  add(boot, "--accel", &words->accelerator, "tcg|kvm",
      "tcg  QEMU calculates what the CPUs do: anywhere\n"
      "kvm  real CPUs, if the host has them and lets us\n"
      "Default: tcg",
      group);
}

void add_guest_options(CLI::App* boot, BootWords* words) {
  const char* group = "The guest";
  add(boot, "--guest", &words->guest, "fallow|linux", "Default: fallow", group);
  add(boot, "--kernel", &words->kernel, "FILE", "Its kernel. Default: the image built with this program",
      group);
  add(boot, "--initrd", &words->initrd, "FILE", "Its initial file system, for --guest linux", group);
  add(boot, "--policy", &words->policy, "hwm|linux|aged[:TIME]",
      "When it gives back what is free, as of fallow replay.\nDefault: aged:100ms", group);
  add(boot, "--order", &words->order, "N",
      "The smallest run it gives back is 2^N frames of 4 KiB; 0 to 10.\nDefault: 9 (2 MiB)", group);
}

void add_workload_options(CLI::App* boot, BootWords* words) {
  const char* group = "What the guest does";
  add(boot, "--workload", &words->workload, "NAME",
      "fill      fills memory, holds it, frees it: the measure\n"
      "churn     allocates, checks and frees all the time\n"
      "random    the same in runs of any size\n"
      "fragment  leaves holes, and fills them again\n"
      "idle      nothing\n"
      "rebind    unbinds and binds the driver while others allocate\n"
      "trace     what --trace recorded\n"
      "Default: fill",
      group);
  add(boot, "--fill", &words->fill, "SIZE", "How much it fills. Default: three fifths of the memory", group);
  add(boot, "--hold", &words->hold, "TIME", "Time between filling and freeing. Default: 300ms", group);
  add(boot, "--seconds", &words->seconds, "N", "How long the workloads without an end go on. Default: 10",
      group);
  add(boot, "--seed", &words->seed, "N", "Of what is random. Default: 1", group);
  add(boot, "--trace", &words->trace, "FILE",
      "A recorded trace, as of fallow replay; implies\n--workload trace", group);
  add(boot, "--speed", &words->speed, "N", "How many times faster than recorded. Default: 1", group);
}

void add_output_options(CLI::App* boot, BootWords* words) {
  const char* group = "QEMU and the output";
  add(boot, "--qemu", &words->qemu, "PATH", "Default: qemu-system-x86_64", group);
  add(boot, "--timeout", &words->timeout, "TIME",
      "It has failed when the guest says nothing for so long.\nDefault: 60s", group);
  boot->add_flag("--keep", words->keep, "QEMU goes on after the summary")->group(group);
  add(boot, "--json", &words->json, "FILE|-",
      "Write the figures as JSON. With -, standard output has\n"
      "nothing but JSON, and the words go to standard error",
      group);
  add(boot, "--csv", &words->csv, "FILE|-", "Write a time series, a row for each sample", group);
  boot->add_flag("-v,--verbose", words->verbose, "Show the serial line")->group(group);
  boot->add_flag("-q,--quiet", words->quiet, "No progress and no summary; only what is wrong")->group(group);
}

}  // namespace

CLI::App* add_boot_command(CLI::App& app, BootWords* words) {
  CLI::App* boot = app.add_subcommand("boot", kDescription);
  boot->footer(kFooter);
  add_machine_options(boot, words);
  add_guest_options(boot, words);
  add_workload_options(boot, words);
  add_output_options(boot, words);
  // Named again, so that it comes last.
  boot->set_help_flag();
  boot->set_help_flag("-h,--help", "This text")->group("QEMU and the output");
  return boot;
}

}  // namespace fallow::cli
