// What happened while a guest ran in QEMU, and what is wrong with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/boot/boot_event.h"
#include "cli/boot/boot_measure.h"
#include "cli/boot/boot_options.h"
#include "fallow/base/units.h"

namespace fallow::cli {

enum class BootEnd : std::uint8_t { Verdict, Panic, QemuEnded, Silence, Stopped };

// Times are since QEMU's start; nothing: it did not come to that.
struct BootTimes {
  std::optional<Nanoseconds> started, device, registered, first_report, filling, filled, freeing, freed;
  Nanoseconds end{};
};

struct BootRun {
  BootEnd end = BootEnd::QemuEnded;
  BootTimes times;
  std::vector<BootSample> samples;
  std::optional<GuestStarted> started;
  std::optional<GuestDevice> device;
  std::optional<std::uint64_t> filled_mib;
  std::optional<GuestVerdict> verdict;
  std::optional<GuestPanic> panic;
  std::vector<std::string> last_lines;  // the last for people on the serial line, printable
  std::uint64_t damaged_lines = 0;      // events that made no sense
  std::string first_damage;             // what was wrong with the first
  std::string qemu_words;               // what QEMU wrote to standard error, printable lines
  std::string qemu_end;                 // how it ended by itself; empty: it did not
  std::uint64_t refused = 0;            // addresses that QEMU's device did not take
};

// Sentences, each about something that must not be; the most telling one first. Empty: all is well.
std::vector<std::string> faults_of(const BootRequest& request, const BootRun& run);

// Sentences about what is strange, but harms nothing.
std::vector<std::string> notes_of(const BootRun& run);

// "ok", or the first of the faults.
std::string verdict_of(const BootRequest& request, const BootRun& run);

// How soon the memory was back; nothing: the guest did not fill and free.
std::optional<BootMeasure> measure_of(const BootRun& run);

}  // namespace fallow::cli
