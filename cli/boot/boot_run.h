// The record of a guest's run in QEMU, and the faults in it.
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

// Times count from QEMU's start; nothing for an event that did not happen.
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
  std::vector<std::string> last_lines;  // the last lines for people from the serial line, printable
  std::uint64_t damaged_lines = 0;      // malformed events
  std::string first_damage;             // the error in the first of them
  std::string qemu_words;               // QEMU's standard error, as printable lines
  std::string qemu_end;                 // how QEMU ended by itself; empty: it did not
  std::uint64_t refused = 0;            // addresses that QEMU's device refused
};

// Returns a sentence for each fault, the most informative first. Empty: success.
std::vector<std::string> faults_of(const BootRequest& request, const BootRun& run);

// Returns sentences about harmless irregularities.
std::vector<std::string> notes_of(const BootRun& run);

// Returns "ok", "stopped" or the first of the faults.
std::string verdict_of(const BootRequest& request, const BootRun& run);

// Measures how soon the memory was returned. Nothing if the guest did not fill and free.
std::optional<BootMeasure> measure_of(const BootRun& run);

}  // namespace fallow::cli
