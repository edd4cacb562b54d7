// Shows how a guest in QEMU goes on: drawn over itself on a terminal, or in lines.
#pragma once

#include <string>

#include "cli/boot/boot_frame.h"
#include "cli/boot/boot_observer.h"
#include "cli/term/history.h"
#include "cli/term/live_screen.h"

namespace fallow::cli {

// For one thread. The history is the caller's, and has had the sample before the view gets it.
class BootLiveView final : public BootObserver {
 public:
  BootLiveView(int file, std::string title, ByteCount memory, const History& history);

  void sample(const BootSample& sample) override;
  void event(Nanoseconds time, const GuestEvent& event) override;
  void serial_line(std::string_view /*line*/) override {}
  void qemu_line(std::string_view /*line*/) override {}

 private:
  LiveScreen screen_;
  BootState state_;
  const History& history_;
};

// A line for each event, and whenever nothing was said for 2 s; with `verbose` the serial line too. For one
// thread.
class BootPlainView final : public BootObserver {
 public:
  BootPlainView(int file, bool verbose) : file_(file), verbose_(verbose) {}

  void sample(const BootSample& sample) override;
  void event(Nanoseconds time, const GuestEvent& event) override;
  void serial_line(std::string_view line) override;
  void qemu_line(std::string_view /*line*/) override {}

 private:
  void say(Nanoseconds time, const std::string& words);

  int file_;
  bool verbose_;
  Nanoseconds told_{};
};

}  // namespace fallow::cli
