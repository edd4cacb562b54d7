#include "cli/top/top_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

#include "cli/control/control_client.h"
#include "cli/control/control_path.h"
#include "cli/control/guest_table.h"
#include "cli/term/exit_status.h"
#include "cli/term/output_file.h"
#include "cli/term/parse.h"
#include "cli/term/signals.h"
#include "cli/top/top_screen.h"

namespace fallow::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

void complain(const std::string& sentence) { write_all(STDERR_FILENO, "fallow top: " + sentence + "\n"); }

// The daemon behind a path. Reconnects after the daemon has ended and a new one has taken the path.
class Daemon {
 public:
  explicit Daemon(std::string path) : path_(std::move(path)) {}

  std::optional<ControlReply> ask(const ControlRequest& request, std::string* error) {
    if (!client_) {
      auto made = ControlClient::connect(path_);
      if (!made) {
        *error = made.error;
        return {};
      }
      client_ = std::move(made.object);
    }
    auto reply = client_->ask(request, error);
    if (!reply) {
      client_.reset();
      return {};
    }
    if (reply->ok) return reply;
    *error = reply->error;
    return {};
  }

 private:
  const std::string path_;
  std::unique_ptr<ControlClient> client_;
};

void refresh(Daemon& daemon, TopView& view) {
  std::string error;
  if (auto reply = daemon.ask({}, &error))
    view.update(std::move(reply->guests));
  else
    view.lose(error);
}

void steer(Daemon& daemon, TopView& view, const ControlRequest& request) {
  std::string error;
  const auto reply = daemon.ask(request, &error);
  std::string message = reply ? confirmation(request) : error;
  while (!message.empty() && message.back() == '\n') message.pop_back();
  if (reply && !reply->warning.empty()) message += " Warning: " + reply->warning;
  view.tell(std::move(message));
}

int watch(TopScreen& screen, Daemon& daemon, TopView& view, milliseconds interval) {
  // Bounds the delay of a signal that arrives just before a wait.
  constexpr milliseconds kLongestWait{250};
  const Signals interrupt;
  Clock::time_point next = Clock::now() + interval;
  while (!interrupt.flag()) {
    screen.draw(view);
    const auto left = std::chrono::ceil<milliseconds>(next - Clock::now());
    const TopScreen::Pressed pressed = screen.wait(std::min(left, kLongestWait));
    if (pressed.quit) return kExitOk;
    bool ask = Clock::now() >= next;
    if (pressed.key) {
      if (const auto request = view.press(*pressed.key)) {
        steer(daemon, view, *request);
        ask = true;
      }
    }
    if (!ask) continue;
    refresh(daemon, view);
    next = Clock::now() + interval;
  }
  return kExitSignal + interrupt.signal_number();
}

int print_once(const std::vector<GuestFigures>& guests) {
  if (write_all(STDOUT_FILENO, guest_table(guests))) return kExitOk;
  complain(fmt::format("cannot write the table: {}", std::strerror(errno)));
  return kExitFailed;
}

std::optional<milliseconds> read_interval(const std::optional<std::string>& word) {
  constexpr Nanoseconds kLeast{100'000'000}, kMost = seconds(3600);
  if (!word) return milliseconds(1000);
  const auto time = parse_time(*word);
  if (!time || *time < kLeast || *time > kMost) return {};
  return milliseconds(time->raw / 1'000'000);
}

}  // namespace

int run_top(const TopWords& words) {
  const auto interval = read_interval(words.interval);
  if (!interval) {
    complain(
        fmt::format("--interval '{}': expected a time with a unit, from 100ms to 1h, such as 500ms or 2s"
                    "\nTry 'fallow top --help'.",
                    *words.interval));
    return kExitUsage;
  }
  const std::string path = words.control.value_or(default_control_path());
  Daemon daemon(path);
  std::string error;
  auto first = daemon.ask({}, &error);
  if (!first) {
    complain(error);
    return kExitFailed;
  }
  const auto screen = TopScreen::open();
  if (!screen && words.interval) {
    complain(
        "--interval has no effect: standard input or output is not a terminal, so the table is printed once"
        "\nTry 'fallow top --help'.");
    return kExitUsage;
  }
  if (!screen) return print_once(first->guests);
  TopView view(path);
  view.update(std::move(first->guests));
  return watch(*screen, daemon, view, *interval);
}

}  // namespace fallow::cli
