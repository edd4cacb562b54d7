// Shows the progress of a guest in QEMU: redrawn in place on a terminal, or as lines.
#pragma once

#include <string>

#include "cli/boot/boot_frame.h"
#include "cli/boot/boot_observer.h"
#include "cli/term/history.h"
#include "cli/term/live_screen.h"

namespace fallow::cli {

// For one thread. The caller owns the history, and adds each sample to it before passing the sample to the
// view.
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

// Prints a line for each event and after 2 s without one; with `verbose` also the serial line. For one
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
