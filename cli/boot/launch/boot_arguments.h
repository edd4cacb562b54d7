// What QEMU and the guest are told. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/boot/boot_options.h"

namespace fallow::cli {

// Files that QEMU is started with.
struct BootFiles {
  std::string qemu;  // the program
  std::string kernel;
  std::optional<std::string> module;  // an initrd, or a boot module
  std::string trace_log;              // where QEMU writes its trace events
};

// The kernel's command line.
std::string kernel_command_line(const BootRequest& request);

// QEMU's words, its name first. It writes the serial line to its standard output.
std::vector<std::string> qemu_arguments(const BootRequest& request, const BootFiles& files);

// Three fifths of the memory, in whole MiB, unless something else was asked for.
ByteCount fill_of(const BootRequest& request);

}  // namespace fallow::cli
