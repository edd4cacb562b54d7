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

constexpr const char* kDescription = "Shows the guests of a running 'fallow serve', as they change";

constexpr const char* kFooter =
    R"(A line for each guest: how much memory it has, how much of that is in its balloon
and how much is resident on the host, now (a bar) and over the last samples (a line).

Keys:
  q             end
  up, down      select a guest, whose figures are shown below
  left, right   sort by another column
  p, r          pause, resume: whether what the guest reports is released
  +, -          move the target of its balloon, by a sixteenth of its memory

When standard input or output is no terminal, it prints one table and ends.

Exit status:
  0    it was told to end
  1    no daemon answers
  2    the command line made no sense
  130  stopped with Ctrl-C; other signals likewise, 128 and their number)";

void complain(const std::string& sentence) { write_all(STDERR_FILENO, "fallow top: " + sentence + "\n"); }

// A daemon that may go, and come back under the same path.
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
  std::string words = reply ? deed(request) : error;
  while (!words.empty() && words.back() == '\n') words.pop_back();
  view.tell(std::move(words));
}

int watch(TopScreen& screen, Daemon& daemon, TopView& view, milliseconds interval) {
  // The signal is seen at the latest then, should it come just before a wait.
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

CLI::App* add_top_command(CLI::App& app, TopWords* words) {
  CLI::App* top = app.add_subcommand("top", kDescription);
  top->footer(kFooter);
  top->add_option("--control", words->control,
                  "The daemon's control socket: what its --control said, or its first\n"
                  "--socket with .ctl behind it.\n"
                  "Default: $FALLOW_CONTROL, or /run/fallow/control")
      ->type_name("PATH")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  top->add_option("--interval", words->interval, "Time from one sample to the next, 100ms to 1h. Default: 1s")
      ->type_name("TIME")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  return top;
}

int run_top(const TopWords& words) {
  const auto interval = read_interval(words.interval);
  if (!interval) {
    complain(
        fmt::format("--interval '{}': expected a time from 100ms to 1h with its unit, such as 500ms or 2s"
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
  if (!screen) return print_once(first->guests);
  TopView view(path);
  view.update(std::move(first->guests));
  return watch(*screen, daemon, view, *interval);
}

}  // namespace fallow::cli
