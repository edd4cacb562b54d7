#include "tests/e2e/uml_guest.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>

namespace fallow {
namespace {

constexpr const char* kNewer = FALLOW_FETCHED_GUESTS "/uml";

// Returns the folder for a guest's memory file: a tmpfs if it has enough space, because pages written to a
// disk do not leave the page cache at once.
std::string memory_folder() {
  struct statvfs space {};
  constexpr std::uint64_t kEnough = std::uint64_t{3} << 30;
  const bool roomy =
      statvfs("/dev/shm", &space) == 0 && std::uint64_t{space.f_bavail} * space.f_frsize > kEnough;
  return roomy ? "/dev/shm" : "/tmp";
}

std::string packaged_module() {
  std::error_code none;
  for (const auto& version : std::filesystem::directory_iterator("/usr/lib/uml/modules", none)) {
    const auto module = version.path() / "kernel/drivers/virtio/virtio_balloon.ko";
    if (std::filesystem::exists(module)) return module.string();
  }
  return "";
}

}  // namespace

bool UmlGuest::available(UmlKernel kernel) {
  const std::string program =
      kernel == UmlKernel::Packaged ? "/usr/bin/linux.uml" : std::string(kNewer) + "/linux.uml";
  return access(program.c_str(), X_OK) == 0 && access("/bin/busybox", X_OK) == 0;
}

std::unique_ptr<UmlGuest> UmlGuest::launch(const std::string& socket, const std::string& memory,
                                           UmlKernel kernel) {
  std::unique_ptr<UmlGuest> guest(new UmlGuest);
  const bool newer = kernel == UmlKernel::Newer;
  const std::string module = newer ? std::string(kNewer) + "/virtio_balloon.ko" : packaged_module();
  Program program;
  // The newer kernel loads its loader and libraries from its working folder.
  program.words = {newer ? "./linux.uml" : "/usr/bin/linux.uml",
                   "mem=" + memory,
                   "initrd=" + initrd_with({module}),
                   "con=null",
                   "con0=fd:0,fd:1",
                   "root=/dev/ram0",
                   "init=/init",
                   "rdinit=/init",
                   "uml_dir=" + guest->folder_.path("uml")};
  if (!socket.empty()) program.words.push_back("virtio_uml.device=" + socket + ":5");
  program.environment = {"TMPDIR=" + memory_folder()};
  if (newer) {
    program.folder = kNewer;
    program.environment.emplace_back("LD_LIBRARY_PATH=.");
  }
  if (!guest->spawn(std::move(program))) return nullptr;
  return guest;
}

std::unique_ptr<UmlGuest> UmlGuest::boot(const std::string& socket, const std::string& memory,
                                         UmlKernel kernel) {
  auto guest = launch(socket, memory, kernel);
  if (guest != nullptr && !guest->booted()) return nullptr;
  return guest;
}

}  // namespace fallow
