#include "cli/boot/launch/boot_launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "cli/boot/launch/boot_arguments.h"
#include "cli/boot/launch/boot_image.h"
#include "cli/boot/launch/boot_module.h"
#include "cli/boot/launch/boot_watch.h"
#include "cli/process/child_process.h"
#include "cli/process/memfd_file.h"
#include "cli/process/pipe.h"

namespace fallow::cli {
namespace {

bool readable(const char* option, const std::optional<std::string>& path, std::string* error) {
  if (!path || access(path->c_str(), R_OK) == 0) return true;
  *error = fmt::format("{} {}: cannot open: {}", option, *path, std::strerror(errno));
  return false;
}

std::string missing_qemu(const std::string& name) {
  if (name.find('/') != std::string::npos) return fmt::format("--qemu {}: no such program", name);
  return fmt::format(
      "{} is not installed: 'apt-get install qemu-system-x86' installs it on Debian, or use --qemu", name);
}

// Returns a path for the process that inherits the descriptor under the same number.
std::string path_of(const UniqueFd& file) { return fmt::format("/proc/self/fd/{}", file.get()); }

}  // namespace

std::optional<BootParts> find_parts(const BootRequest& request, std::string* error) {
  const char* const path = std::getenv("PATH");
  const auto qemu = find_program(request.qemu, path != nullptr ? path : "/usr/bin:/bin");
  if (!qemu) {
    *error = missing_qemu(request.qemu);
    return {};
  }
  if (!readable("--kernel", request.kernel, error) || !readable("--initrd", request.initrd, error) ||
      !readable("--trace", request.trace, error))
    return {};
  const std::optional<std::string> kernel = request.kernel ? request.kernel : find_guest_image();
  if (!kernel) {
    *error = fmt::format(
        "the guest's image {} is neither beside this program nor where a build or an installation puts it: "
        "'make boot' builds it, or use --kernel",
        kGuestImage);
    return {};
  }
  return BootParts{.qemu = *qemu, .kernel = *kernel};
}

std::optional<BootOutcome> launch(const BootRequest& request, const BootParts& parts, BootObserver& observer,
                                  const std::atomic<bool>& stop, std::string* error) {
  BootFiles files{.qemu = parts.qemu, .kernel = parts.kernel, .module = request.initrd, .trace_log = {}};
  std::vector<int> inherited;
  std::optional<MemfdFile> module;
  if (request.trace) {
    module = trace_module(request, error);
    if (!module) return {};
    files.module = module->path();
    inherited.push_back(module->file());
  }
  std::optional<Pipe> trace = Pipe::open();
  if (!trace) {
    *error = fmt::format("cannot create a pipe: {}", std::strerror(errno));
    return {};
  }
  fcntl(trace->read.get(), F_SETFL, O_NONBLOCK);
  files.trace_log = path_of(trace->write);
  inherited.push_back(trace->write.get());

  WatchOptions options{.start = std::chrono::steady_clock::now(),
                       .timeout = request.timeout,
                       .trace = trace->read.get(),
                       .stop = &stop};
  auto qemu =
      ChildProcess::start(qemu_arguments(request, files), inherited, {.outlives_us = request.keep}, error);
  if (!qemu) return {};
  trace->write.close();
  BootOutcome outcome{.run = watch(*qemu, options, observer)};
  if (!request.keep || outcome.run.end == BootEnd::Stopped || qemu->ended()) {
    qemu->kill_and_wait();
    return outcome;
  }
  outcome.kept = qemu->id();
  qemu->let_go();
  return outcome;
}

}  // namespace fallow::cli
