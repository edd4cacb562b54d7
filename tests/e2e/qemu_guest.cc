#include "tests/e2e/qemu_guest.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "tests/e2e/serve_process.h"
#include "tests/e2e/wait_until.h"

namespace fallow {
namespace {

using nlohmann::json;

const std::string kQemu = FALLOW_FETCHED_GUESTS "/qemu/usr";
const std::string kLinux = FALLOW_FETCHED_GUESTS "/linux";
const std::vector<std::string> kModules = {
    "virtio",     "virtio_ring",   "virtio_pci_legacy_dev", "virtio_pci_modern_dev",
    "virtio_pci", "virtio_balloon"};

// Returns all folders with libraries, because the fetched QEMU needs a newer C library than that of the
// system.
std::string library_path() {
  std::set<std::string> folders;
  for (const auto& file : std::filesystem::recursive_directory_iterator(kQemu + "/lib"))
    if (file.path().filename().string().find(".so") != std::string::npos)
      folders.insert(file.path().parent_path().string());
  std::string path;
  for (const std::string& folder : folders) path += (path.empty() ? "" : ":") + folder;
  return path;
}

std::vector<std::string> machine_words(const QemuOptions& options) {
  std::vector<std::string> modules;
  for (const std::string& name : kModules) modules.push_back(kLinux + "/" + name + ".ko");
  return {kQemu + "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
          "--library-path",
          library_path(),
          kQemu + "/bin/qemu-system-x86_64",
          "-L",
          kQemu + "/share/qemu",
          "-L",
          kQemu + "/share/seabios",
          "-nodefaults",
          "-no-user-config",
          "-display",
          "none",
          "-accel",
          "tcg",
          "-smp",
          std::to_string(options.cpus),
          "-m",
          "1G",
          "-object",
          "memory-backend-memfd,id=mem,size=1G,share=on",
          "-M",
          "pc,memory-backend=mem",
          "-kernel",
          kLinux + "/vmlinuz",
          "-initrd",
          initrd_with(modules),
          "-append",
          "console=ttyS0 quiet no_timer_check rdinit=/init",
          "-serial",
          "stdio"};
}

std::vector<std::string> balloon_words(const QemuOptions& options) {
  if (options.socket.empty())
    return {"-device", "virtio-balloon-pci,free-page-reporting=on" + options.properties};
  return {"-chardev", "socket,id=balloon,path=" + options.socket, "-device",
          "vhost-user-test-device-pci,chardev=balloon,virtio-id=5,num_vqs=" + std::to_string(options.queues) +
              ",vq_size=" + std::to_string(options.queue_size) + ",config_size=16" + options.properties};
}

}  // namespace

bool QemuGuest::available() {
  return access((kQemu + "/bin/qemu-system-x86_64").c_str(), X_OK) == 0 &&
         access((kLinux + "/vmlinuz").c_str(), R_OK) == 0 && access("/bin/busybox", X_OK) == 0;
}

std::unique_ptr<QemuGuest> QemuGuest::launch(const QemuOptions& options) {
  std::unique_ptr<QemuGuest> guest(new QemuGuest);
  Program program;
  program.words = machine_words(options);
  for (const auto& words :
       {balloon_words(options),
        std::vector<std::string>{"-qmp", "unix:" + guest->monitor_path() + ",server=on,wait=off"}})
    program.words.insert(program.words.end(), words.begin(), words.end());
  program.errors = guest->errors_path();
  if (!guest->spawn(std::move(program))) return nullptr;
  return guest;
}

std::unique_ptr<QemuGuest> QemuGuest::boot(const QemuOptions& options) {
  auto guest = launch(options);
  if (guest == nullptr || !guest->booted()) {
    ADD_FAILURE() << "QEMU says: " << (guest != nullptr ? guest->errors() : "");
    return nullptr;
  }
  return guest;
}

QemuGuest::~QemuGuest() {
  if (monitor_ >= 0) close(monitor_);
}

GuestAnswer QemuGuest::load_balloon() {
  std::string command = "for m in";
  for (const std::string& module : kModules) command += " " + module;
  return run(command + "; do insmod /lib/$m.ko || exit 1; done");
}

std::string QemuGuest::monitor_line() {
  constexpr int kPollTimeout = 10'000;
  char piece[4096];
  pollfd ready{monitor_, POLLIN, 0};
  std::size_t end = 0;
  while ((end = monitor_said_.find('\n')) == std::string::npos && poll(&ready, 1, kPollTimeout) == 1) {
    const ssize_t n = recv(monitor_, piece, sizeof piece, 0);
    if (n <= 0) break;
    monitor_said_.append(piece, static_cast<std::size_t>(n));
  }
  if (end == std::string::npos) return "";
  std::string line = monitor_said_.substr(0, end);
  monitor_said_.erase(0, end + 1);
  return line;
}

json QemuGuest::qmp(const std::string& command) {
  const auto ask = [this](const std::string& name) -> json {
    const std::string line = json{{"execute", name}}.dump() + "\n";
    if (send(monitor_, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
      return nullptr;
    for (std::string answer; !(answer = monitor_line()).empty();) {
      const json object = json::parse(answer, nullptr, false);
      if (object.is_object() && object.contains("return")) return object["return"];
      if (!object.is_object() || object.contains("error")) {
        ADD_FAILURE() << name << ": " << answer;
        return nullptr;
      }
    }
    ADD_FAILURE() << name << ": no answer";
    return nullptr;
  };
  if (monitor_ < 0) {
    if (!wait_until([&] { return (monitor_ = connect_to(monitor_path())) >= 0; })) {
      ADD_FAILURE() << "QEMU's monitor does not listen";
      return nullptr;
    }
    ask("qmp_capabilities");
  }
  return ask(command);
}

}  // namespace fallow
