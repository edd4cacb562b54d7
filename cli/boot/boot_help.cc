#include "cli/boot/boot_command.h"
#include "cli/options/option_table.h"

namespace fallow::cli {
namespace {

constexpr const char* kDescription =
    "Boot a guest in QEMU, and measure how soon the host gets back the memory that it frees";

constexpr const char* kFooter =
    R"(Starts QEMU with a small guest built from Fallow's core, lets the guest fill and free
memory, and samples the resident memory of the QEMU process: how soon it falls, and how
much the host held in vain until then. Needs no privileges, no KVM and no disk; the
device is QEMU's own virtio-balloon.

Examples:
  fallow boot
      a guest of 2 GiB fills three fifths of its memory and frees it again
  fallow boot --memory 4G --fill 3000M --policy linux
      the same with Linux's reporting policy: 2 s after a free, a few blocks at a time
  fallow boot --machine microvm --packed --smp 2 --workload churn --seconds 60
      allocates and frees continuously on two CPUs, and checks every byte
  fallow boot --workload rebind
      unbinds and rebinds the driver every half second under load
  fallow boot --trace data/workday.txt.zst --memory 1G
      the guest replays the allocations of a real Linux machine
  fallow boot --json - --csv series.csv | jq .t95_s
      figures for a program, and a time series for a plot
  fallow boot --guest linux --kernel /boot/vmlinuz-VERSION --initrd initrd.cpio
      the same measurement of a Linux guest, whose init writes its progress to the
      serial line; 'man fallow-boot' lists the events

The guest checks itself: that no allocated memory changes, and that its allocator is
consistent at the end.

Exit status:
  0    the guest's verdict is "ok", and QEMU reported no error
  1    failure: QEMU or the guest image is missing, QEMU ended, the guest panicked, was
       silent for --timeout or found a fault, or a file could not be written
  2    invalid command line
  130  stopped by Ctrl-C; the summary covers the time until then)";

void add_machine_options(CLI::App* boot, BootWords* words) {
  const char* group = "Machine";
  add_options(boot, group,
              {
                  {"--memory", &words->memory, "SIZE",
                   "Memory of the guest in whole MiB, from 64M to 1T.\nDefault: 2G"},
                  {"--smp", &words->smp, "N", "Number of CPUs, from 1 to 64. Default: 1"},
                  {"--machine", &words->machine, "pc|q35|microvm",
                   "QEMU machine:\n"
                   "pc       the i440FX machine, with PCI\n"
                   "q35      PCI Express\n"
                   "microvm  virtio-mmio, without PCI\n"
                   "Default: pc"},
              });
  boot->add_flag("--packed", words->packed, "Use packed rings instead of split rings")->group(group);
  boot->add_flag("--no-indirect", words->no_indirect, "Do not offer indirect descriptor tables")
      ->group(group);
  boot->add_flag("--no-event-index", words->no_event_index, "Do not offer the event index")->group(group);
  add_options(boot, group,
              {
                  {"--accel", &words->accelerator, "tcg|kvm",
                   "QEMU accelerator:\n"
                   "tcg  emulate the CPUs; works on any host\n"
                   "kvm  use the host's CPUs; requires access to /dev/kvm\n"
                   "Default: tcg"},
              });
}

void add_guest_options(CLI::App* boot, BootWords* words) {
  const char* group = "Guest";
  add_options(boot, group,
              {
                  {"--guest", &words->guest, "fallow|linux",
                   "Kind of guest; linux requires --kernel and --initrd.\nDefault: fallow"},
                  {"--kernel", &words->kernel, "FILE",
                   "Kernel of the guest.\nDefault: the image built or installed with this program"},
                  {"--initrd", &words->initrd, "FILE", "Initial file system of a Linux guest"},
                  {"--policy", &words->policy, "hwm[:N]|linux|aged[:TIME]",
                   "When the guest reports free memory; see 'fallow replay'.\nDefault: aged:100ms"},
                  {"--order", &words->order, "N",
                   "Smallest run to report: 2^N frames of 4 KiB, N from 0 to 10.\nDefault: 9 (2 MiB)"},
              });
}

void add_workload_options(CLI::App* boot, BootWords* words) {
  const char* group = "Workload";
  add_options(boot, group,
              {
                  {"--workload", &words->workload, "fill|churn|random|fragment|idle|rebind|trace",
                   "What the guest does:\n"
                   "fill      fill memory, hold it and free it: the measurement\n"
                   "churn     allocate, check and free continuously\n"
                   "random    the same with runs of random size\n"
                   "fragment  leave holes and fill them again\n"
                   "idle      do nothing\n"
                   "rebind    unbind and rebind the driver every half second\n"
                   "          while other CPUs allocate and free\n"
                   "trace     replay the file given with --trace\n"
                   "Default: fill"},
                  {"--fill", &words->fill, "SIZE",
                   "How much memory to fill.\nDefault: three fifths of the guest's memory"},
                  {"--hold", &words->hold, "TIME", "Time between filling and freeing. Default: 300ms"},
                  {"--seconds", &words->seconds, "N",
                   "Duration of a workload that does not end by itself.\nDefault: 10"},
                  {"--seed", &words->seed, "N", "Seed of the random numbers. Default: 1"},
                  {"--trace", &words->trace, "FILE",
                   "Recorded trace, as for 'fallow replay'; implies\n--workload trace"},
                  {"--speed", &words->speed, "N",
                   "Replay the trace N times faster than it was recorded.\nDefault: 1"},
              });
}

void add_output_options(CLI::App* boot, BootWords* words) {
  const char* group = "QEMU and output";
  add_options(boot, group,
              {
                  {"--qemu", &words->qemu, "PATH", "QEMU program to run. Default: qemu-system-x86_64"},
                  {"--timeout", &words->timeout, "TIME",
                   "Fail if the guest is silent on its serial line for this long.\nDefault: 60s"},
              });
  boot->add_flag("--keep", words->keep, "Leave QEMU running after the summary, and print its process ID")
      ->group(group);
  add_options(boot, group,
              {
                  {"--json", &words->json, "FILE|-",
                   "Write the figures as JSON. With -, standard output contains\n"
                   "only JSON, and the summary goes to standard error"},
                  {"--csv", &words->csv, "FILE|-", "Write a time series with one row for each sample"},
              });
  boot->add_flag("-v,--verbose", words->verbose, "Show the serial line")->group(group);
  boot->add_flag("-q,--quiet", words->quiet, "Print only errors: no progress, no summary")->group(group);
}

}  // namespace

CLI::App* add_boot_command(CLI::App& app, BootWords* words) {
  CLI::App* boot = app.add_subcommand("boot", kDescription);
  boot->footer(kFooter);
  add_machine_options(boot, words);
  add_guest_options(boot, words);
  add_workload_options(boot, words);
  add_output_options(boot, words);
  // Added again, so that --help comes last.
  boot->set_help_flag();
  boot->set_help_flag("-h,--help", "Print this help")->group("QEMU and output");
  return boot;
}

}  // namespace fallow::cli
