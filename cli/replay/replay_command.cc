#include "cli/replay/replay_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "cli/replay/live_view.h"
#include "cli/replay/plain_progress.h"
#include "cli/replay/replay_csv.h"
#include "cli/replay/replay_diagnosis.h"
#include "cli/replay/replay_history.h"
#include "cli/replay/replay_json.h"
#include "cli/replay/summary.h"
#include "cli/term/exit_status.h"
#include "cli/term/history.h"
#include "cli/term/output_file.h"
#include "cli/term/result_files.h"
#include "cli/term/signals.h"

namespace fallow::cli {
namespace {

void print_error(const std::string& sentence) {
  write_all(STDERR_FILENO, "fallow replay: " + sentence + "\n");
}

// Forwards progress to all observers. Updates the history first, because the live view draws from it.
class Observers final : public replay::ReplayObserver {
 public:
  explicit Observers(History& history) : history_(history) {}

  void join(std::unique_ptr<replay::ReplayObserver> observer) { observers_.push_back(std::move(observer)); }

  void sample(const replay::ReplaySample& sample) override {
    add(history_, sample);
    for (const auto& observer : observers_) observer->sample(sample);
  }
  void scanning(double fraction) override {
    for (const auto& observer : observers_) observer->scanning(fraction);
  }

 private:
  History& history_;
  std::vector<std::unique_ptr<replay::ReplayObserver>> observers_;
};

std::unique_ptr<replay::ReplayObserver> progress_for(const ReplayRequest& request, const History& history) {
  if (describe_terminal(STDERR_FILENO).live)
    return std::make_unique<LiveView>(STDERR_FILENO, summary_title(request.options),
                                      compared_with_linux(request.options), history);
  return std::make_unique<PlainProgress>(STDERR_FILENO);
}

// On failure prints an error and returns nothing.
std::optional<ReplayReport> observed_replay(const ReplayRequest& request, ResultFiles* outputs,
                                            History* history) {
  const auto result = [&] {
    // The view is destroyed, and so erased from the screen, before anything else is printed.
    Observers observers(*history);
    if (outputs->csv)
      observers.join(std::make_unique<ReplayCsv>(*outputs->csv, request.options.compare_linux));
    if (!request.quiet) observers.join(progress_for(request, *history));
    return replay::replay(request.options, &observers);
  }();
  if (result) return ReplayReport{.options = request.options, .result = *result.object};
  print_error(result.error);
  return {};
}

// Prints the summary: to standard output, unless figures go there. On failure prints an error and returns
// false.
bool print_summary(const ReplayReport& report, const ReplayRequest& request, const History& history) {
  const int file = request.json == "-" || request.csv == "-" ? STDERR_FILENO : STDOUT_FILENO;
  if (request.quiet || write_all(file, summary(report, history, describe_terminal(file)))) return true;
  print_error(fmt::format("cannot write the summary: {}", std::strerror(errno)));
  return false;
}

int replay_and_report(const ReplayRequest& request, const Signals& interrupt) {
  ResultFiles outputs;
  std::string error;
  if (!outputs.open(request.json, request.csv, {{request.options.trace, "the trace"}}, &error)) {
    print_error(error);
    return kExitFailed;
  }
  History history;
  const std::optional<ReplayReport> report = observed_replay(request, &outputs, &history);
  if (!report) return kExitFailed;

  const bool printed = print_summary(*report, request, history);
  if (outputs.json) outputs.json->write(replay_json(*report));
  const std::vector<std::string> unwritten = outputs.close();
  for (const std::string& what : unwritten) print_error(what);
  for (const std::string& warning : warnings_of(*report)) print_error("warning: " + warning);
  const std::vector<std::string> faults = faults_of(*report);
  for (const std::string& fault : faults) print_error("FAILED: " + fault);
  if (!printed || !unwritten.empty() || !faults.empty()) return kExitFailed;
  return report->result.stopped ? kExitSignal + interrupt.signal_number() : kExitOk;
}

}  // namespace

int run_replay(const ReplayWords& words) {
  std::string error;
  std::optional<ReplayRequest> request = interpret(words, &error);
  if (!request) {
    print_error(error + "\nTry 'fallow replay --help'.");
    return kExitUsage;
  }
  if (!request->quiet)
    for (const std::string& warning : request->warnings) print_error("warning: " + warning);
  // Checked before the outputs are opened, so that a failure leaves no empty files behind.
  if (request->options.trace != "-" && access(request->options.trace.c_str(), R_OK) != 0) {
    print_error(fmt::format("{}: cannot open: {}", request->options.trace, std::strerror(errno)));
    return kExitFailed;
  }
  const Signals interrupt;
  request->options.stop = &interrupt.flag();
  return replay_and_report(*request, interrupt);
}

}  // namespace fallow::cli
