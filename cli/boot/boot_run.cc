#include "cli/boot/boot_run.h"

#include <fmt/format.h>

#include "cli/term/format.h"

namespace fallow::cli {
namespace {

std::string panic_words(const GuestPanic& panic) {
  std::string words = fmt::format("the guest panicked: {}", printable(panic.what));
  if (!panic.rip.empty()) words += fmt::format(", rip {}", printable(panic.rip));
  if (!panic.address.empty()) words += fmt::format(", address {}", printable(panic.address));
  return words;
}

// Describes how far the guest had come, as a hint for debugging.
std::string last_known(const BootTimes& times) {
  if (times.freed) return "after it had freed its memory";
  if (times.freeing) return "while it freed its memory";
  if (times.filled) return "while it held its memory";
  if (times.filling) return "while it filled its memory";
  if (times.registered) return "after it had registered its balloon";
  if (times.device) return "after it had found its balloon";
  if (times.started) return "after it had started";
  return "before its first event";
}

std::string end_words(const BootRequest& request, const BootRun& run) {
  switch (run.end) {
    case BootEnd::Panic:
      return run.panic ? panic_words(*run.panic) : "the guest panicked";
    case BootEnd::QemuEnded:
      return fmt::format("QEMU {}, {}", run.qemu_end, last_known(run.times));
    case BootEnd::Silence:
      return fmt::format("the guest was silent for {}, {} (see --timeout)",
                         format_seconds(to_seconds(request.timeout)), last_known(run.times));
    case BootEnd::Verdict:
    case BootEnd::Stopped:
      break;
  }
  return "";
}

}  // namespace

std::vector<std::string> faults_of(const BootRequest& request, const BootRun& run) {
  std::vector<std::string> faults;
  if (const std::string words = end_words(request, run); !words.empty()) faults.push_back(words);
  if (run.verdict && run.verdict->verdict != "ok")
    faults.push_back(fmt::format("the guest says: {}", printable(run.verdict->verdict)));
  if (run.verdict && run.verdict->corrupted_frames.value_or(0) > 0)
    faults.push_back(fmt::format("{} lost content while allocated",
                                 format_counted(*run.verdict->corrupted_frames, "frame")));
  if (run.refused > 0)
    faults.push_back(fmt::format("QEMU refused {} that the guest reported",
                                 run.refused == 1 ? "1 address" : format_count(run.refused) + " addresses"));
  if (!run.qemu_words.empty())
    faults.push_back(
        fmt::format("QEMU printed an error: {}", run.qemu_words.substr(0, run.qemu_words.find('\n'))));
  return faults;
}

std::vector<std::string> notes_of(const BootRun& run) {
  std::vector<std::string> notes;
  if (run.damaged_lines > 0)
    notes.push_back(fmt::format("{} from the guest could not be read; the first error: {}.",
                                format_counted(run.damaged_lines, "event"), run.first_damage));
  if (run.verdict && run.times.device && !run.times.first_report)
    notes.emplace_back("The guest reported nothing.");
  return notes;
}

std::string verdict_of(const BootRequest& request, const BootRun& run) {
  const std::vector<std::string> faults = faults_of(request, run);
  if (!faults.empty()) return faults.front();
  return run.end == BootEnd::Stopped ? "stopped" : "ok";
}

std::optional<BootMeasure> measure_of(const BootRun& run) {
  if (!run.times.filled || !run.times.freeing) return {};
  return measure(run.samples, *run.times.filled, *run.times.freeing, run.times.end);
}

}  // namespace fallow::cli
