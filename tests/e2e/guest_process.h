// A Linux guest in a separate process, with a shell on its console.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/scratch_folder.h"

namespace fallow {

// The result of a command in the guest.
struct GuestAnswer {
  int status = -1;  // -1 after a timeout, or if the guest is gone
  std::string out;
  bool ok() const { return status == 0; }
};

class GuestProcess {
 public:
  using Time = std::chrono::milliseconds;

  // Kills the guest.
  virtual ~GuestProcess();
  GuestProcess(const GuestProcess&) = delete;
  GuestProcess& operator=(const GuestProcess&) = delete;

  // Waits for the shell, after a boot or a reboot. On a timeout fails the test and returns false.
  bool booted();
  GuestAnswer run(const std::string& command, Time limit = std::chrono::seconds(30));
  // Sends a command without waiting for its result.
  void start(const std::string& command);
  // Waits for the result of the last started command.
  GuestAnswer finish(Time limit = std::chrono::seconds(30));

  // Kills all processes of the guest.
  void kill();
  bool running();
  // Waits for the guest to end. Returns the exit status, or -1 after a signal or a timeout.
  int wait_for_end(Time limit = std::chrono::seconds(30));

  // The resident bytes of its memory file, an unlinked file that the process holds open.
  std::uint64_t resident_bytes() const;

  // The console output so far.
  const std::string& console() const { return console_; }

 protected:
  // The program of a guest: its command line, its working folder (empty for the current one), additional
  // environment variables ("NAME=value"), and a file for its standard error (empty for the console).
  struct Program {
    std::vector<std::string> words;
    std::string folder;
    std::vector<std::string> environment;
    std::string errors;
  };

  GuestProcess() = default;
  // The guest dies with the thread that launched it.
  bool spawn(Program program);

  ScratchFolder folder_;

 private:
  // Reads until `text` appears in the console from `from` on. Returns its position, or npos after a timeout.
  std::size_t wait_for(const std::string& text, std::size_t from, Time limit);

  pid_t pid_ = -1;
  int status_ = -1;  // from waitpid()
  int in_ = -1, out_ = -1;
  std::string console_;
  std::size_t read_to_ = 0;
};

// Creates an initial file system with busybox, `modules` (paths) in /lib, and the shell. Returns its path.
// The file is shared by equal lists and exists as long as the test program.
std::string initrd_with(const std::vector<std::string>& modules);

}  // namespace fallow
