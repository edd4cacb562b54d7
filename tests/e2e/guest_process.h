// A real Linux as a guest, in a process of its own, with a shell on its console.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/scratch_folder.h"

namespace fallow {

// What a command in the guest said.
struct GuestAnswer {
  int status = -1;  // -1: none came in time, or the guest is gone
  std::string out;
  bool ok() const { return status == 0; }
};

class GuestProcess {
 public:
  using Time = std::chrono::milliseconds;

  // Kills it.
  virtual ~GuestProcess();
  GuestProcess(const GuestProcess&) = delete;
  GuestProcess& operator=(const GuestProcess&) = delete;

  // Waits for the shell, also after a guest booted again. False, and the test has failed: it did not come.
  bool booted();
  GuestAnswer run(const std::string& command, Time limit = std::chrono::seconds(30));
  // Sends a command without waiting for its end.
  void start(const std::string& command);
  // The end of the last command that was started.
  GuestAnswer finish(Time limit = std::chrono::seconds(30));

  // With all processes that it is.
  void kill();
  bool running();
  // Waits for its end; the exit status, -1 if a signal ended it or it did not end in time.
  int wait_for_end(Time limit = std::chrono::seconds(30));

  // Bytes of its memory file that are on the host. The file has no name, and the process holds it open.
  std::uint64_t resident_bytes() const;

  // All that came from its console.
  const std::string& console() const { return console_; }

 protected:
  // How a guest's program is started: its words, the folder it starts in (empty: this one), what is put into
  // its environment ("NAME=value"), and a file for its standard error (empty: the console).
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
  // Reads until `text` stands in the console from `from` on: where; npos if not in time.
  std::size_t wait_for(const std::string& text, std::size_t from, Time limit);

  pid_t pid_ = -1;
  int status_ = -1;  // as waitpid() says
  int in_ = -1, out_ = -1;
  std::string console_;
  std::size_t read_to_ = 0;
};

// Makes a guest's first file system: busybox, `modules` (paths) in /lib, and the shell. One file for each
// list, which lasts as long as the test program. The path.
std::string initrd_with(const std::vector<std::string>& modules);

}  // namespace fallow
