// Builds the command lines of QEMU and the guest. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/boot/boot_options.h"

namespace fallow::cli {

// The files for QEMU.
struct BootFiles {
  std::string qemu;  // the program
  std::string kernel;
  std::optional<std::string> module;  // an initrd, or a boot module
  std::string trace_log;              // where QEMU writes its trace events
};

// The kernel's command line.
std::string kernel_command_line(const BootRequest& request);

// Returns QEMU's argv. The serial line goes to QEMU's standard output.
std::vector<std::string> qemu_arguments(const BootRequest& request, const BootFiles& files);

// Returns the requested amount to fill; by default three fifths of the memory, in whole MiB.
ByteCount fill_of(const BootRequest& request);

}  // namespace fallow::cli
