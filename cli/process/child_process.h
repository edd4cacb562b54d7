// A program that runs beside this one, and what it writes.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "cli/process/unique_fd.h"

namespace fallow::cli {

// Its standard input is empty, its outputs are pipes of ours. It is in a session of its own: Ctrl-C is for
// us, who end it in order. For one thread, which must be the one that started it.
class ChildProcess {
 public:
  struct Options {
    // Lives on when this process or the thread dies; otherwise it is killed then.
    bool outlives_us = false;
  };

  // Starts words[0], a path, with `words`; it inherits the descriptors `keep`. On failure returns nothing and
  // sets `error` to a sentence.
  static std::optional<ChildProcess> start(const std::vector<std::string>& words,
                                           const std::vector<int>& keep, Options options, std::string* error);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  // Kills it, if it still runs and was not let go.
  ~ChildProcess();

  pid_t id() const { return id_; }
  // What it writes to its standard output and to its standard error; neither blocks.
  int out() const { return out_.get(); }
  int err() const { return err_.get(); }

  // Whether it has ended. Costs a system call until it has.
  bool ended();
  // Kills it, if it still runs, and waits for its end.
  void kill_and_wait();
  // It goes on without us.
  void let_go() { id_ = -1; }
  // After its end: "ended with status 1", "was killed by signal 11 (Segmentation fault)".
  std::string end_words() const;

 private:
  ChildProcess(pid_t id, UniqueFd out, UniqueFd err);

  pid_t id_ = -1;  // -1: there is none any more
  UniqueFd out_, err_;
  int status_ = 0;
};

}  // namespace fallow::cli
