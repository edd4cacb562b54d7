#include "cli/replay/plain_progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/term/format.h"
#include "cli/term/output_file.h"

namespace fallow::cli {
namespace {

double fraction_of(const replay::ReplaySample& sample) {
  if (sample.end.raw == 0) return 0;
  return std::min(static_cast<double>(sample.time.raw) / static_cast<double>(sample.end.raw), 1.0);
}

}  // namespace

std::string progress_words(const replay::ReplaySample& sample) {
  std::string where = format_seconds(to_seconds(sample.time));
  if (sample.end.raw > 0)
    where = fmt::format("{:.0f} %, {} of {}", fraction_of(sample) * 100, where,
                        format_seconds(to_seconds(sample.end)));
  return fmt::format("{}: used {}, free {}, reported {}, resident {}", where, format_mib(to_mib(sample.used)),
                     format_mib(to_mib(sample.free)), format_mib(to_mib(sample.reported)),
                     format_mib(to_mib(sample.resident)));
}

void PlainProgress::sample(const replay::ReplaySample& sample) {
  const auto tenths = static_cast<unsigned>(fraction_of(sample) * 10);
  if (tenths <= tenths_told_ && !silent_for_long()) return;
  tenths_told_ = std::max(tenths, tenths_told_);
  say(progress_words(sample));
}

void PlainProgress::scanning(double fraction) {
  if (!silent_for_long()) return;
  say(fraction < 0 ? "reading the trace" : fmt::format("reading the trace: {:.0f} %", fraction * 100));
}

bool PlainProgress::silent_for_long() {
  constexpr auto kLong = std::chrono::seconds(5);
  return std::chrono::steady_clock::now() - told_at_ >= kLong;
}

void PlainProgress::say(const std::string& line) {
  write_all(file_, line + "\n");
  told_at_ = std::chrono::steady_clock::now();
}

}  // namespace fallow::cli
