#include "cli/boot/boot_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "cli/boot/boot_frame.h"
#include "cli/boot/boot_words.h"
#include "cli/term/chart.h"
#include "cli/term/format.h"

namespace fallow::cli {
namespace {

constexpr unsigned kWidest = 80;

using Row = std::pair<std::string, std::string>;

std::string fall_words(const BootRun& run, const BootMeasure& measured) {
  std::string words =
      fmt::format("The guest filled {}, and freed it.",
                  run.filled_mib ? format_mib(static_cast<double>(*run.filled_mib)) : "memory");
  if (!measured.t95_s || !measured.t50_s || !measured.t05_s)
    return words + fmt::format(" QEMU held {} before and {} after: no memory was returned.",
                               format_mib(measured.top_mib), format_mib(measured.low_mib));
  return words +
         fmt::format(
             " QEMU's resident memory fell from {} to {}: 5 % of the way after {}, half after {}, 95 % "
             "after {}. Until then the host held {:.2f} GiB s in vain.",
             format_mib(measured.top_mib), format_mib(measured.low_mib), format_seconds(*measured.t05_s),
             format_seconds(*measured.t50_s), format_seconds(*measured.t95_s), measured.excess_gib_s);
}

std::string start_words(const BootRun& run) {
  if (!run.times.first_report) return "";
  return fmt::format(" Its first report came {} after QEMU's start.",
                     format_seconds(to_seconds(*run.times.first_report)));
}

std::string report_words(const BootRun& run) {
  if (!run.verdict || !run.verdict->requests || !run.verdict->reported_mib) return "";
  return fmt::format(" It reported {} in {}; QEMU {}.",
                     format_mib(static_cast<double>(*run.verdict->reported_mib)),
                     format_counted(*run.verdict->requests, "request"),
                     run.refused == 0 ? "accepted them all" : "refused " + format_count(run.refused));
}

void add(std::vector<Row>* rows, const char* name, const std::optional<std::uint64_t>& count) {
  if (count) rows->emplace_back(name, format_count(*count));
}

std::vector<Row> rows_of(const BootRequest& request, const BootRun& run) {
  std::vector<Row> rows;
  if (const auto measured = measure_of(run); measured && measured->t95_s) {
    rows.emplace_back("5 % back after", format_seconds(measured->t05_s.value_or(0)));
    rows.emplace_back("half back after", format_seconds(measured->t50_s.value_or(0)));
    rows.emplace_back("95 % back after", format_seconds(*measured->t95_s));
    rows.emplace_back("excess", fmt::format("{:.2f} GiB s", measured->excess_gib_s));
  }
  if (run.verdict) {
    const GuestVerdict& figures = *run.verdict;
    add(&rows, "requests", figures.requests);
    add(&rows, "entries", figures.entries);
    if (figures.reported_mib)
      rows.emplace_back("reported", format_mib(static_cast<double>(*figures.reported_mib)));
    add(&rows, "requests that failed", figures.failures);
    add(&rows, "allocations", figures.allocations);
    add(&rows, "frees", figures.frees);
    add(&rows, "allocations that failed", figures.failed_allocations);
    if (request.workload == BootWorkload::Rebind) add(&rows, "times bound again", figures.rebinds);
    add(&rows, "frames corrupted", figures.corrupted_frames);
  }
  rows.emplace_back("refused by QEMU", format_count(run.refused));
  rows.emplace_back("time", format_seconds(to_seconds(run.times.end)));
  return rows;
}

std::string table(const std::vector<Row>& rows) {
  std::size_t name_width = 0, value_width = 0;
  for (const auto& [name, value] : rows) {
    name_width = std::max(name_width, name.size());
    value_width = std::max(value_width, value.size());
  }
  std::string text;
  for (const auto& [name, value] : rows)
    text += fmt::format("{:<{}}  {:>{}}\n", name, name_width, value, value_width);
  return text;
}

}  // namespace

std::string boot_summary(const BootRequest& request, const BootRun& run, const History& history,
                         const Terminal& terminal) {
  const unsigned columns = std::clamp(terminal.columns, 40u, kWidest);
  std::string text = wrap(boot_title(request), columns) + "\n";
  const std::vector<std::string> chart =
      draw_chart(history, history.last(), {.columns = columns, .rows = 10}, terminal);
  for (const std::string& line : chart) text += line + "\n";
  if (!chart.empty()) text += boot_legend(terminal) + "\n\n";

  std::string words = run.end == BootEnd::Stopped ? "Stopped." : "";
  if (const auto measured = measure_of(run)) words += fall_words(run, *measured);
  words += start_words(run) + report_words(run) + " Verdict: " + verdict_of(request, run) + ".";
  text += wrap(words, columns) + "\n" + table(rows_of(request, run));
  const std::vector<std::string> notes = notes_of(run);
  if (!notes.empty()) text += "\n";
  for (const std::string& note : notes) text += wrap("note: " + note, columns);
  return text;
}

}  // namespace fallow::cli
