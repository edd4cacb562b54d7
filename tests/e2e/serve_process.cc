#include "tests/e2e/serve_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/e2e/wait_until.h"
#include "tests/support/sanitized.h"

namespace fallow {
namespace {

using nlohmann::json;

// Sends a line and returns the answer, within 2 s.
std::string exchange(const std::string& path, const std::string& request) {
  const int file = connect_to(path);
  std::string answer;
  if (file >= 0 &&
      send(file, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    constexpr int kPollTimeout = 2000;
    char piece[4096];
    pollfd ready{file, POLLIN, 0};
    while (answer.find('\n') == std::string::npos && poll(&ready, 1, kPollTimeout) == 1) {
      const ssize_t n = recv(file, piece, sizeof piece, 0);
      if (n <= 0) break;
      answer.append(piece, static_cast<std::size_t>(n));
    }
  }
  if (file >= 0) close(file);
  return answer;
}

std::vector<pid_t> children_of(pid_t process) {
  const std::string id = std::to_string(process);
  std::ifstream list("/proc/" + id + "/task/" + id + "/children");
  std::vector<pid_t> children;
  for (pid_t child = -1; list >> child;) children.push_back(child);
  return children;
}

std::string name_of(pid_t process) {
  std::string name;
  std::ifstream file("/proc/" + std::to_string(process) + "/comm");
  std::getline(file, name);
  return name;
}

}  // namespace

ServeProcess::ServeProcess(const std::vector<std::string>& options) : options_(options) {
  if (kSanitized) options_.emplace_back("--no-sandbox");
  start();
}

ServeProcess::~ServeProcess() {
  if (process_ > 0) kill_all();
}

void ServeProcess::kill_all() {
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  process_ = -1;
  // The other processes die slightly later. Until then the control socket is in use.
  wait_until([&] {
    for (const std::string& path : {socket(), socket() + ".ctl"}) {
      const int there = connect_to(path);
      if (there < 0) continue;
      close(there);
      return false;
    }
    return true;
  });
}

void ServeProcess::start() {
  const std::size_t served = events("serving");
  std::vector<std::string> words = {FALLOW_PROGRAM, "serve",    "--socket",     socket(),
                                    "--log",        log_path(), "--log-format", "json"};
  words.insert(words.end(), options_.begin(), options_.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  process_ = fork();
  if (process_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(FALLOW_PROGRAM, arguments.data());
    _exit(127);
  }
  ASSERT_GT(process_, 0);
  ASSERT_TRUE(wait_for_events("serving", served + 1)) << read_file(log_path());
}

pid_t ServeProcess::worker() const {
  for (const pid_t child : children_of(process_)) {
    if (name_of(child) != "fallow-guest") continue;
    if (const auto workers = children_of(child); !workers.empty()) return workers.front();
  }
  return -1;
}

pid_t ServeProcess::control() const {
  for (const pid_t child : children_of(process_)) {
    if (name_of(child) == "fallow-control") return child;
  }
  return -1;
}

std::vector<pid_t> ServeProcess::processes() const {
  std::vector<pid_t> all = {process_};
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const pid_t child : children_of(all[i])) all.push_back(child);
  }
  return all;
}

std::uint64_t ServeProcess::memory() const {
  std::uint64_t kib = 0;
  for (const pid_t process : processes()) {
    const std::string text = read_file("/proc/" + std::to_string(process) + "/smaps_rollup");
    const std::size_t at = text.find("\nPss:");
    if (at != std::string::npos) kib += std::stoull(text.substr(at + 5));
  }
  return kib << 10;
}

// Never calls kill() with -1, which would signal all processes of the machine.
void ServeProcess::kill_worker() const {
  pid_t process = -1;
  ASSERT_TRUE(wait_until([&] { return (process = worker()) > 0; })) << "there is no worker\n" << troubles();
  kill(process, SIGKILL);
}

int ServeProcess::stop() {
  int status = 0;
  kill(process_, SIGTERM);
  const bool ended = wait_until([&] { return waitpid(process_, &status, WNOHANG) == process_; });
  EXPECT_TRUE(ended) << "the daemon does not exit";
  if (!ended) return -1;
  process_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::vector<json> ServeProcess::log() const {
  std::vector<json> lines;
  std::ifstream file(log_path());
  for (std::string line; std::getline(file, line);) {
    json object = json::parse(line, nullptr, false);
    if (object.is_object()) lines.push_back(std::move(object));  // the last line may be incomplete
  }
  return lines;
}

std::size_t ServeProcess::events(const std::string& event) const {
  std::size_t count = 0;
  for (const json& line : log()) count += line["event"] == event;
  return count;
}

bool ServeProcess::wait_for_events(const std::string& event, std::size_t count, Time limit) const {
  return wait_until([&] { return events(event) >= count; }, limit);
}

std::string ServeProcess::troubles() const {
  std::string all;
  for (const json& line : log())
    if (line["level"] != "info" && line["level"] != "debug") all += line.dump() + "\n";
  return all;
}

json ServeProcess::ask(const json& request) const {
  const json answer = json::parse(exchange(socket() + ".ctl", request.dump() + "\n"), nullptr, false);
  return answer.is_discarded() ? json() : answer;
}

json ServeProcess::guests() const {
  const json answer = ask({{"command", "list"}});
  return answer.is_object() && answer.contains("guests") ? answer["guests"] : json::array();
}

std::uint64_t ServeProcess::figure(const char* name) const {
  const json all = guests();
  return all.empty() ? 0 : all[0].value(name, std::uint64_t{0});
}

}  // namespace fallow
