// A child process and pipes from its outputs.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "cli/process/unique_fd.h"

namespace fallow::cli {

// The child has an empty standard input and pipes as its outputs. It runs in its own session, so that Ctrl-C
// reaches only this process, which then ends the child in order. All calls must come from the thread that
// started the child.
class ChildProcess {
 public:
  struct Options {
    // If false, the child is killed when the starting thread or process dies.
    bool outlives_us = false;
  };

  // Starts the program words[0], a path, with arguments `words`. The child inherits the descriptors `keep`.
  // On failure returns nothing and sets `error` to a sentence.
  static std::optional<ChildProcess> start(const std::vector<std::string>& words,
                                           const std::vector<int>& keep, Options options, std::string* error);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  // Kills the child if it still runs, unless let_go() was called.
  ~ChildProcess();

  pid_t id() const { return id_; }
  // Non-blocking descriptors to read the child's standard output and standard error.
  int out() const { return out_.get(); }
  int err() const { return err_.get(); }

  // Returns whether the child has ended. Costs a system call until then.
  bool ended();
  // Kills the child if it still runs, and waits for its end.
  void kill_and_wait();
  // Leaves the child running.
  void let_go() { id_ = -1; }
  // Describes the end of an ended child: "ended with status 1", "was killed by signal 11 (Segmentation
  // fault)".
  std::string end_words() const;

 private:
  ChildProcess(pid_t id, UniqueFd out, UniqueFd err);

  pid_t id_ = -1;  // -1: ended or let go
  UniqueFd out_, err_;
  int status_ = 0;
};

}  // namespace fallow::cli
