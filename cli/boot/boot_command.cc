#include "cli/boot/boot_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/boot/boot_json.h"
#include "cli/boot/boot_summary.h"
#include "cli/boot/boot_view.h"
#include "cli/boot/boot_words.h"
#include "cli/boot/launch/boot_launch.h"
#include "cli/term/exit_status.h"
#include "cli/term/format.h"
#include "cli/term/history.h"
#include "cli/term/output_file.h"
#include "cli/term/result_files.h"
#include "cli/term/signals.h"

namespace fallow::cli {
namespace {

void print_error(const std::string& sentence) { write_all(STDERR_FILENO, "fallow boot: " + sentence + "\n"); }

// Updates the history before the view, because the live view draws from the history.
class Observers final : public BootObserver {
 public:
  Observers(History& history, std::unique_ptr<BootObserver> view)
      : history_(history), view_(std::move(view)) {}

  void sample(const BootSample& sample) override {
    constexpr double kKibInMib = 1024;
    history_.add(sample.time, {.used = static_cast<double>(sample.guest.used_kib) / kKibInMib,
                               .resident = to_mib(sample.resident),
                               .linux = 0});
    if (view_) view_->sample(sample);
  }
  void event(Nanoseconds time, const GuestEvent& event) override {
    if (view_) view_->event(time, event);
  }
  void serial_line(std::string_view line) override {
    if (view_) view_->serial_line(line);
  }
  void qemu_line(std::string_view line) override {
    if (view_) view_->qemu_line(line);
  }

 private:
  History& history_;
  std::unique_ptr<BootObserver> view_;
};

std::unique_ptr<BootObserver> view_for(const BootRequest& request, const History& history) {
  if (request.quiet && !request.verbose) return nullptr;
  if (!request.verbose && describe_terminal(STDERR_FILENO).live)
    return std::make_unique<BootLiveView>(STDERR_FILENO, boot_title(request), request.memory, history);
  return std::make_unique<BootPlainView>(STDERR_FILENO, request.verbose);
}

// On failure prints an error and returns nothing.
std::optional<BootOutcome> observed_launch(const BootRequest& request, const BootParts& parts,
                                           const Signals& interrupt, History* history) {
  std::string error;
  std::optional<BootOutcome> outcome;
  {
    // The view is destroyed, and so erased from the screen, before anything else is printed.
    Observers observers(*history, view_for(request, *history));
    outcome = launch(request, parts, observers, interrupt.flag(), &error);
  }
  if (!outcome) print_error(error);
  return outcome;
}

// Prints the summary: to standard output, unless figures go there. On failure prints an error and returns
// false.
bool print_summary(const BootRequest& request, const BootRun& run, const History& history) {
  const int file = request.json == "-" || request.csv == "-" ? STDERR_FILENO : STDOUT_FILENO;
  if (request.quiet || write_all(file, boot_summary(request, run, history, describe_terminal(file))))
    return true;
  print_error(fmt::format("cannot write the summary: {}", std::strerror(errno)));
  return false;
}

// Prints what QEMU and the guest wrote last, and then the faults.
void print_faults(const BootRequest& request, const BootRun& run) {
  const bool broken = run.end != BootEnd::Verdict && run.end != BootEnd::Stopped;
  if (!run.qemu_words.empty()) write_all(STDERR_FILENO, run.qemu_words);
  if (broken && !request.verbose)
    for (const std::string& line : run.last_lines) write_all(STDERR_FILENO, "| " + line + "\n");
  for (const std::string& fault : faults_of(request, run)) print_error("FAILED: " + fault);
}

int boot_and_report(const BootRequest& request, const BootParts& parts) {
  ResultFiles files;
  std::string error;
  std::vector<std::pair<std::string, const char*>> inputs = {{parts.kernel, "the kernel"}};
  if (request.initrd) inputs.emplace_back(*request.initrd, "the initrd");
  if (request.trace) inputs.emplace_back(*request.trace, "the trace");
  if (!files.open(request.json, request.csv, inputs, &error)) {
    print_error(error);
    return kExitFailed;
  }
  History history;
  const Signals interrupt;
  const std::optional<BootOutcome> outcome = observed_launch(request, parts, interrupt, &history);
  if (!outcome) return kExitFailed;

  const BootRun& run = outcome->run;
  const bool printed = print_summary(request, run, history);
  if (files.json) files.json->write(boot_json(request, run));
  if (files.csv) files.csv->write(boot_csv(run));
  const std::vector<std::string> unwritten = files.close();
  for (const std::string& what : unwritten) print_error(what);
  print_faults(request, run);
  if (outcome->kept > 0)
    print_error(fmt::format("QEMU continues as process {0}; 'kill {0}' ends it", outcome->kept));
  if (!printed || !unwritten.empty() || !faults_of(request, run).empty()) return kExitFailed;
  return run.end == BootEnd::Stopped ? kExitSignal + interrupt.signal_number() : kExitOk;
}

}  // namespace

int run_boot(const BootWords& words) {
  std::string error;
  const std::optional<BootRequest> request = interpret(words, &error);
  if (!request) {
    print_error(error + "\nTry 'fallow boot --help'.");
    return kExitUsage;
  }
  // Checked before the outputs are opened, so that a failure leaves no empty files behind.
  const std::optional<BootParts> parts = find_parts(*request, &error);
  if (parts) return boot_and_report(*request, *parts);
  print_error(error);
  return kExitFailed;
}

}  // namespace fallow::cli
