#include "cli/boot/boot_options.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "cli/boot/boot_words.h"
#include "cli/boot/launch/boot_arguments.h"
#include "cli/boot/launch/boot_image.h"

namespace fallow::cli {
namespace {

BootRequest request_of(const BootWords& given) {
  std::string error;
  const auto request = interpret(given, &error);
  EXPECT_TRUE(request) << error;
  return request.value_or(BootRequest{});
}

std::string error_of(const BootWords& given) {
  std::string error;
  EXPECT_FALSE(interpret(given, &error));
  return error;
}

// Returns the error for one option with the given value.
std::string refused(std::optional<std::string> BootWords::*option, const char* value) {
  BootWords given;
  given.*option = value;
  return error_of(given);
}

TEST(BootOptions, defaults) {
  const BootRequest request = request_of({});
  EXPECT_EQ(request.guest, BootGuest::Fallow);
  EXPECT_EQ(request.machine, BootMachine::Pc);
  EXPECT_EQ(request.memory, ByteCount{std::uint64_t{2} << 30});
  EXPECT_EQ(request.cpus, 1U);
  EXPECT_FALSE(request.packed);
  EXPECT_TRUE(request.indirect && request.event_index);
  EXPECT_EQ(request.workload, BootWorkload::Fill);
  EXPECT_FALSE(request.fill || request.kernel || request.initrd || request.trace);
  EXPECT_EQ(policy_name(request), "aged:100ms");
  EXPECT_EQ(request.order, Order{9});
  EXPECT_EQ(request.qemu, "qemu-system-x86_64");
  EXPECT_EQ(request.accelerator, BootAccelerator::Tcg);
  EXPECT_EQ(request.timeout, seconds(60));
  EXPECT_FALSE(request.keep || request.verbose || request.quiet);
}

TEST(BootOptions, names) {
  for (const char* name : {"pc", "q35", "microvm"})
    EXPECT_STREQ(machine_name(request_of({.machine = name}).machine), name);
  for (const char* name : {"fill", "churn", "random", "fragment", "idle", "rebind"})
    EXPECT_STREQ(workload_name(request_of({.workload = name}).workload), name);
  for (const char* name : {"tcg", "kvm"})
    EXPECT_STREQ(accelerator_name(request_of({.accelerator = name}).accelerator), name);
  for (const char* name : {"hwm", "hwm:64", "linux", "aged:2s"})
    EXPECT_EQ(policy_name(request_of({.policy = name})), name);
}

TEST(BootOptions, a_trace_is_a_workload) {
  const BootRequest request = request_of({.trace = "day.txt", .speed = "2.5"});
  EXPECT_EQ(request.workload, BootWorkload::Trace);
  EXPECT_EQ(request.speed, 2.5);
  EXPECT_EQ(error_of({.workload = "churn", .trace = "day.txt"}), "--trace: valid only with --workload trace");
  EXPECT_EQ(error_of({.workload = "trace"}), "--workload trace: expected --trace FILE too");
}

TEST(BootOptions, refused_values) {
  for (const char* value : {"12Q", "", "0", "63M", "2T", "1000000000", "-1G"})
    EXPECT_EQ(refused(&BootWords::memory, value),
              std::string("--memory '") + value +
                  "': expected a size in whole MiB from 64M to 1T, such as 256M, 2G or 1.5GiB");
  EXPECT_EQ(refused(&BootWords::smp, "0"), "--smp '0': expected a whole number from 1 to 64");
  EXPECT_EQ(refused(&BootWords::machine, "pc-1.0"), "--machine 'pc-1.0': expected pc, q35 or microvm");
  EXPECT_EQ(refused(&BootWords::guest, "bsd"), "--guest 'bsd': expected fallow or linux");
  EXPECT_EQ(refused(&BootWords::workload, "work"),
            "--workload 'work': expected fill, churn, random, fragment, idle, rebind or trace");
  EXPECT_EQ(refused(&BootWords::fill, "100"),
            "--fill '100': expected a size in whole MiB, such as 1200M or 3G");
  EXPECT_EQ(refused(&BootWords::fill, "2G").substr(0, 32), "--fill 2G with a memory of 2,048");
  EXPECT_EQ(refused(&BootWords::hold, "5"),
            "--hold '5': expected a time with a unit, from 0 to 1h, such as 300ms or 2s");
  EXPECT_EQ(refused(&BootWords::seconds, "1s"), "--seconds '1s': expected a whole number from 1 to 86400");
  EXPECT_EQ(refused(&BootWords::policy, "none"),
            "--policy 'none': expected hwm, hwm:N, linux, aged or aged:TIME");
  EXPECT_EQ(refused(&BootWords::order, "11"), "--order '11': expected a whole number from 0 to 10");
  EXPECT_EQ(refused(&BootWords::seed, "x"), "--seed 'x': expected a whole number");
  EXPECT_EQ(refused(&BootWords::timeout, "1ms"),
            "--timeout '1ms': expected a time with a unit, from 100ms to 24h, such as 30s or 5m");
  EXPECT_EQ(refused(&BootWords::accelerator, "xen"), "--accel 'xen': expected tcg or kvm");
  EXPECT_EQ(refused(&BootWords::json, ""), "--json '': expected a file, or - for standard output");
  EXPECT_EQ(refused(&BootWords::kernel, ""), "--kernel '': expected a file");
  EXPECT_EQ(refused(&BootWords::qemu, ""), "--qemu '': expected a program");
  EXPECT_EQ(error_of({.json = "-", .csv = "-"}), "--json - and --csv -: expected two different files");
}

TEST(BootOptions, a_linux_needs_its_files) {
  EXPECT_EQ(error_of({.guest = "linux"}).substr(0, 53),
            "--guest linux: expected --kernel and --initrd too, su");
  EXPECT_EQ(error_of({.guest = "linux", .kernel = "k", .initrd = "i", .workload = "churn"}),
            "--workload churn with --guest linux: expected fill, which both guests know");
  EXPECT_EQ(error_of({.initrd = "i"}).substr(0, 36), "--initrd i: valid only with --guest ");
  const BootRequest request = request_of({.guest = "linux", .kernel = "k", .initrd = "i"});
  EXPECT_EQ(policy_name(request), "linux");
}

TEST(BootOptions, what_changes_nothing_is_refused) {
  const std::string rest = " has no effect here: it applies to ";
  EXPECT_EQ(error_of({.seconds = "3"}), "--seconds" + rest + "workloads that do not end by themselves");
  EXPECT_EQ(error_of({.workload = "idle", .hold = "1s"}), "--hold" + rest + "--workload fill");
  EXPECT_EQ(error_of({.workload = "churn", .fill = "1G"}), "--fill" + rest + "--workload fill and fragment");
  EXPECT_EQ(error_of({.speed = "2"}), "--speed" + rest + "--workload trace");
  for (const auto word : {&BootWords::policy, &BootWords::order, &BootWords::seed}) {
    BootWords given{.guest = "linux", .kernel = "k", .initrd = "i"};
    given.*word = word == &BootWords::policy ? "hwm" : "3";
    const std::string error = error_of(given);
    EXPECT_EQ(error.substr(error.find(' ')), rest + "--guest fallow") << error;
  }
}

std::vector<std::string> arguments_of(const BootWords& given, std::optional<std::string> module = {}) {
  return qemu_arguments(request_of(given),
                        {.qemu = "q", .kernel = "k", .module = std::move(module), .trace_log = "log"});
}

// Returns the word after an option, or "" without the option.
std::string behind(const std::vector<std::string>& words, const std::string& option) {
  const auto found = std::find(words.begin(), words.end(), option);
  return found == words.end() || found + 1 == words.end() ? "" : *(found + 1);
}

TEST(BootArguments, pc) {
  const auto words = arguments_of({.memory = "4G", .smp = "2"});
  EXPECT_EQ(words.front(), "q");
  EXPECT_EQ(behind(words, "-machine"), "pc");
  EXPECT_EQ(behind(words, "-accel"), "tcg");
  EXPECT_EQ(behind(words, "-m"), "4096M");
  EXPECT_EQ(behind(words, "-smp"), "2");
  EXPECT_EQ(behind(words, "-kernel"), "k");
  EXPECT_EQ(behind(words, "-append"), "workload=fill policy=aged:100ms order=9 seed=1 hold=300ms");
  EXPECT_EQ(behind(words, "-device"), "virtio-balloon-pci,free-page-reporting=on");
  EXPECT_EQ(behind(words, "-D"), "log");
  EXPECT_EQ(behind(words, "-initrd"), "");
}

TEST(BootArguments, microvm) {
  const auto words =
      arguments_of({.machine = "microvm", .packed = true, .no_indirect = true, .no_event_index = true});
  EXPECT_EQ(behind(words, "-machine"), "microvm,acpi=off");
  EXPECT_EQ(behind(words, "-global"), "virtio-mmio.force-legacy=false");
  EXPECT_EQ(behind(words, "-device"),
            "virtio-balloon-device,free-page-reporting=on,packed=on,event_idx=off,indirect_desc=off");
}

TEST(BootArguments, command_lines) {
  EXPECT_EQ(kernel_command_line(request_of(
                {.workload = "churn", .seconds = "7", .seed = "3", .policy = "hwm", .order = "0"})),
            "workload=churn policy=hwm order=0 seed=3 seconds=7");
  EXPECT_EQ(kernel_command_line(request_of({.fill = "1200M", .hold = "1s"})),
            "workload=fill policy=aged:100ms order=9 seed=1 fill=1200M hold=1s");
  const BootWords linux_words{.guest = "linux", .kernel = "k", .initrd = "i"};
  EXPECT_EQ(kernel_command_line(request_of(linux_words)),
            "console=ttyS0 quiet panic=-1 workload=fill fill=1228M hold=300ms");
  EXPECT_EQ(behind(arguments_of(linux_words, "i"), "-initrd"), "i");
}

TEST(BootImage, places_and_programs) {
  const std::vector<std::string> places = guest_image_places("/b/cli");
  EXPECT_EQ(places.at(0), "/b/cli/fallow-guest.elf");
  EXPECT_EQ(places.at(1), "/b/cli/../guest/x86/fallow-guest.elf");
  EXPECT_EQ(find_program("sh", "/nowhere:/bin"), "/bin/sh");
  EXPECT_EQ(find_program("/bin/sh", ""), "/bin/sh");
  EXPECT_FALSE(find_program("sh", "/nowhere:/proc"));
  EXPECT_FALSE(find_program("/bin", "/"));
  EXPECT_FALSE(find_program("passwd", "/etc"));
}

TEST(BootWords, title) {
  EXPECT_EQ(
      boot_title(request_of({})),
      "fallow on pc: 2,048 MiB of memory, 1 CPU, split ring, workload fill, policy aged:100ms, order 9");
}

}  // namespace
}  // namespace fallow::cli
