#include "cli/boot/boot_view.h"

#include <fmt/format.h>

#include <utility>

#include "cli/boot/boot_words.h"
#include "cli/term/format.h"
#include "cli/term/output_file.h"

namespace fallow::cli {

BootLiveView::BootLiveView(int file, std::string title, ByteCount memory, const History& history)
    : screen_(file),
      state_{.title = std::move(title), .memory = memory, .doing = "starting QEMU", .sample = {}},
      history_(history) {}

void BootLiveView::sample(const BootSample& sample) {
  state_.sample = sample;
  if (screen_.due()) screen_.draw(boot_frame(state_, history_, screen_.terminal()));
}

void BootLiveView::event(Nanoseconds /*time*/, const GuestEvent& event) {
  std::string words = event_words(event);
  if (!words.empty()) state_.doing = std::move(words);
}

void BootPlainView::sample(const BootSample& sample) {
  constexpr Nanoseconds kLong = seconds(2);
  if (sample.time >= told_ + kLong) say(sample.time, sample_words(to_mib(sample.resident), sample.guest));
}

void BootPlainView::event(Nanoseconds time, const GuestEvent& event) {
  const std::string words = event_words(event);
  if (!words.empty()) say(time, words);
}

void BootPlainView::serial_line(std::string_view line) {
  if (verbose_) write_all(file_, "| " + printable(line.substr(0, line.find_last_not_of('\r') + 1)) + "\n");
}

void BootPlainView::say(Nanoseconds time, const std::string& words) {
  write_all(file_, fmt::format("{:7.2f} s  {}\n", to_seconds(time), words));
  told_ = time;
}

}  // namespace fallow::cli
