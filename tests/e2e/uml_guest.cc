#include "tests/e2e/uml_guest.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace fallow {
namespace {

using Clock = std::chrono::steady_clock;

// Where a guest's memory can lie: on a tmpfs, if one has the room, as what is written to a disk is not gone
// from memory at once.
std::string memory_folder() {
  struct statvfs space {};
  constexpr std::uint64_t kEnough = std::uint64_t{3} << 30;
  const bool roomy =
      statvfs("/dev/shm", &space) == 0 && std::uint64_t{space.f_bavail} * space.f_frsize > kEnough;
  return roomy ? "/dev/shm" : "/tmp";
}

std::string initrd() {
  static const ScratchFolder folder;
  static const std::string path = [] {
    std::string made = folder.path("initrd");
    EXPECT_EQ(std::system((std::string(FALLOW_MAKE_INITRD) + " " + made).c_str()), 0);
    return made;
  }();
  return path;
}

}  // namespace

bool UmlGuest::available() {
  return access("/usr/bin/linux.uml", X_OK) == 0 && access("/bin/busybox", X_OK) == 0;
}

std::unique_ptr<UmlGuest> UmlGuest::launch(const std::string& socket, const std::string& memory) {
  std::unique_ptr<UmlGuest> guest(new UmlGuest);
  if (!guest->start_process(socket, memory)) return nullptr;
  return guest;
}

bool UmlGuest::booted() {
  const std::size_t ready = wait_for("guest: ready", 0, std::chrono::seconds(60));
  EXPECT_NE(ready, std::string::npos) << "the guest did not boot:\n" << console_;
  if (ready == std::string::npos) return false;
  read_to_ = ready;
  return true;
}

std::unique_ptr<UmlGuest> UmlGuest::boot(const std::string& socket, const std::string& memory) {
  auto guest = launch(socket, memory);
  if (guest != nullptr && !guest->booted()) return nullptr;
  return guest;
}

bool UmlGuest::start_process(const std::string& socket, const std::string& memory) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) return false;
  std::vector<std::string> words = {"linux.uml",  "mem=" + memory,  "initrd=" + initrd(),
                                    "con=null",   "con0=fd:0,fd:1", "root=/dev/ram0",
                                    "init=/init", "rdinit=/init",   "uml_dir=" + folder_.path("uml")};
  if (!socket.empty()) words.push_back("virtio_uml.device=" + socket + ":5");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const std::string folder = memory_folder();
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);  // so that its processes can be killed together
    setenv("TMPDIR", folder.c_str(), 1);
    dup2(in[0], 0);
    dup2(out[1], 1);
    dup2(out[1], 2);
    execv("/usr/bin/linux.uml", arguments.data());
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  in_ = in[1];
  out_ = out[0];
  return pid_ > 0;
}

UmlGuest::~UmlGuest() {
  kill();
  close(in_);
  close(out_);
}

// The tracing thread and the processes of the guest are all in one group.
void UmlGuest::kill() {
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

bool UmlGuest::running() { return pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == 0; }

std::size_t UmlGuest::wait_for(const std::string& text, std::size_t from, Time limit) {
  const auto end = Clock::now() + limit;
  for (;;) {
    if (const std::size_t found = console_.find(text, from); found != std::string::npos) return found;
    const auto left = std::chrono::duration_cast<Time>(end - Clock::now());
    pollfd ready{out_, POLLIN, 0};
    if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) <= 0) return std::string::npos;
    char buffer[4096];
    const ssize_t n = read(out_, buffer, sizeof buffer);
    if (n <= 0) return std::string::npos;
    for (ssize_t i = 0; i < n; ++i) {
      if (buffer[i] != '\r') console_.push_back(buffer[i]);
    }
  }
}

void UmlGuest::start(const std::string& command) {
  const std::string line = command + "\n";
  ASSERT_EQ(write(in_, line.data(), line.size()), static_cast<ssize_t>(line.size()));
}

GuestAnswer UmlGuest::finish(Time limit) {
  const std::string begin = "guest: begin\n", end = "guest: end ";
  const std::size_t from = wait_for(begin, read_to_, limit);
  const std::size_t to = from == std::string::npos ? from : wait_for(end, from, limit);
  if (to == std::string::npos || wait_for("\n", to, limit) == std::string::npos) return {};
  read_to_ = to + end.size();
  return {std::atoi(console_.c_str() + read_to_),
          console_.substr(from + begin.size(), to - from - begin.size())};
}

GuestAnswer UmlGuest::run(const std::string& command, Time limit) {
  start(command);
  return finish(limit);
}

// Its memory is a file without a name, which it holds open.
std::uint64_t UmlGuest::resident_bytes() const {
  std::uint64_t largest = 0, blocks = 0;
  std::error_code gone;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/fd", gone)) {
    struct stat file {};
    if (stat(entry.path().c_str(), &file) != 0 || !S_ISREG(file.st_mode) || file.st_nlink != 0) continue;
    const auto size = static_cast<std::uint64_t>(file.st_size);
    if (size <= largest) continue;
    largest = size;
    blocks = static_cast<std::uint64_t>(file.st_blocks) * 512;
  }
  return blocks;
}

}  // namespace fallow
