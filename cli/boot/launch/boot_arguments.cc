#include "cli/boot/launch/boot_arguments.h"

#include <fmt/format.h>

#include "cli/term/format.h"

namespace fallow::cli {
namespace {

constexpr unsigned kMibShift = 20;

std::string machine_words(const BootRequest& request) {
  // Without ACPI, QEMU describes its virtio-mmio devices on the kernel command line.
  const bool needs_words = request.machine == BootMachine::Microvm;
  return std::string(machine_name(request.machine)) + (needs_words ? ",acpi=off" : "");
}

std::string device_words(const BootRequest& request) {
  const bool mmio = request.machine == BootMachine::Microvm;
  std::string words = mmio ? "virtio-balloon-device" : "virtio-balloon-pci";
  words += ",free-page-reporting=on";
  if (request.packed) words += ",packed=on";
  if (!request.event_index) words += ",event_idx=off";
  if (!request.indirect) words += ",indirect_desc=off";
  return words;
}

std::string fallow_words(const BootRequest& request) {
  std::string words = fmt::format("workload={} policy={} order={} seed={}", workload_name(request.workload),
                                  policy_name(request), request.order.raw, request.seed);
  if (request.fill) words += fmt::format(" fill={}M", request.fill->raw >> kMibShift);
  if (request.workload == BootWorkload::Fill) return words + " hold=" + format_time(request.hold);
  return words + fmt::format(" seconds={}", request.duration_s);
}

}  // namespace

ByteCount fill_of(const BootRequest& request) {
  return request.fill.value_or(ByteCount{(request.memory.raw * 3 / 5) >> kMibShift << kMibShift});
}

std::string kernel_command_line(const BootRequest& request) {
  if (request.guest == BootGuest::Fallow) return fallow_words(request);
  // Linux passes unknown parameters to init's environment.
  return fmt::format("console=ttyS0 quiet panic=-1 workload=fill fill={}M hold={}",
                     fill_of(request).raw >> kMibShift, format_time(request.hold));
}

std::vector<std::string> qemu_arguments(const BootRequest& request, const BootFiles& files) {
  std::vector<std::string> words = {files.qemu,
                                    "-name",
                                    "fallow-boot",
                                    "-machine",
                                    machine_words(request),
                                    "-accel",
                                    accelerator_name(request.accelerator),
                                    "-m",
                                    fmt::format("{}M", request.memory.raw >> kMibShift),
                                    "-smp",
                                    std::to_string(request.cpus),
                                    "-nodefaults",
                                    "-no-user-config",
                                    "-no-reboot",
                                    "-display",
                                    "none",
                                    "-chardev",
                                    "stdio,id=serial,signal=off",
                                    "-serial",
                                    "chardev:serial",
                                    "-kernel",
                                    files.kernel,
                                    "-append",
                                    kernel_command_line(request),
                                    "-device",
                                    device_words(request),
                                    "-trace",
                                    "enable=virtio_balloon_*",
                                    "-trace",
                                    "enable=virtio_queue_notify",
                                    "-D",
                                    files.trace_log};
  // By default QEMU's virtio-mmio is a legacy device, from before virtio 1.0.
  if (request.machine == BootMachine::Microvm)
    words.insert(words.end(), {"-global", "virtio-mmio.force-legacy=false"});
  if (files.module) words.insert(words.end(), {"-initrd", *files.module});
  return words;
}

}  // namespace fallow::cli
