#include "cli/boot/launch/boot_watch.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "cli/process/line_splitter.h"
#include "cli/process/resident_memory.h"
#include "cli/term/format.h"

namespace fallow::cli {
namespace {

constexpr Nanoseconds kUsualPeriod = milliseconds(20);
constexpr Nanoseconds kFallPeriod = milliseconds(2);  // from "filled" until kFallTime after "freeing"
constexpr Nanoseconds kFallTime = seconds(60);
// A long run keeps fewer samples.
constexpr Nanoseconds kLongRun = seconds(600), kLongPeriod = milliseconds(200);
// After a panic the guest still prints its registers, in lines for people.
constexpr Nanoseconds kPanicTime = milliseconds(300);
constexpr std::size_t kLastLines = 40;
// QEMU's number of the reporting queue for the balloon of boot_arguments.cc: with statistics, without
// hinting.
constexpr std::string_view kReportingQueue = " n 3 ";
constexpr std::size_t kMostQemuWords = std::size_t{64} << 10;

class Watch {
 public:
  Watch(ChildProcess& qemu, const WatchOptions& options, BootObserver& observer)
      : qemu_(qemu), options_(options), observer_(observer), memory_(qemu.id()), trace_{options.trace, {}} {}

  BootRun run() {
    while (!at_end()) {
      wait();
      // Output written before the process ended can still be read afterwards.
      const bool ended = qemu_.ended();
      take_all();
      if (now() >= next_sample_) sample();
      if (!ended) continue;
      finish_all();
      run_.qemu_end = qemu_.end_words();
      end_ = end_.value_or(run_.panic ? BootEnd::Panic : BootEnd::QemuEnded);
    }
    // Reads what QEMU wrote about events before the verdict.
    take_all();
    run_.end = *end_;
    run_.times.end = now();
    return std::move(run_);
  }

 private:
  struct Stream {
    int file;  // -1: at its end
    LineSplitter lines;
  };

  Nanoseconds now() const {
    const auto passed = std::chrono::steady_clock::now() - options_.start;
    return {static_cast<std::uint64_t>(std::chrono::nanoseconds(passed).count())};
  }

  bool at_end() {
    if (end_) return true;
    if (options_.stop->load(std::memory_order_relaxed))
      end_ = BootEnd::Stopped;  // relaxed: the flag publishes no other data
    if (now() > heard_ + options_.timeout) end_ = BootEnd::Silence;
    if (run_.panic && now() > panicked_ + kPanicTime) end_ = BootEnd::Panic;
    return end_.has_value();
  }

  void take_all() {
    take(out_, [this](std::string_view line) { serial_line(line); });
    take(err_, [this](std::string_view line) { qemu_line(line); });
    take(trace_, [this](std::string_view line) { trace_line(line); });
  }
  void finish_all() {
    out_.lines.finish([this](std::string_view line) { serial_line(line); });
    err_.lines.finish([this](std::string_view line) { qemu_line(line); });
    trace_.lines.finish([this](std::string_view line) { trace_line(line); });
  }

  // Waits until there is something to read, or the next sample is due.
  void wait() {
    std::array<pollfd, 3> files = {
        {{out_.file, POLLIN, 0}, {err_.file, POLLIN, 0}, {trace_.file, POLLIN, 0}}};
    const Nanoseconds time = now();
    const std::uint64_t left = next_sample_ > time ? (next_sample_ - time).raw : 0;
    const timespec limit{.tv_sec = 0, .tv_nsec = static_cast<long>(left)};
    static_cast<void>(ppoll(files.data(), files.size(), &limit, nullptr));
  }

  template <class Take>
  void take(Stream& stream, Take take) {
    std::array<char, 16384> piece;
    // Bounded, so that a guest that never stops writing cannot block the loop.
    for (int pieces = 0; stream.file >= 0 && pieces < 64; ++pieces) {
      const ssize_t count = read(stream.file, piece.data(), piece.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) return;
      if (count <= 0) {
        stream.file = -1;
        return;
      }
      stream.lines.add({piece.data(), static_cast<std::size_t>(count)}, take);
    }
  }

  void serial_line(std::string_view line) {
    heard_ = now();
    observer_.serial_line(line);
    SerialLine parsed = parse_serial_line(line);
    switch (parsed.kind) {
      case SerialLine::Kind::Text:
        if (run_.last_lines.size() == kLastLines) run_.last_lines.erase(run_.last_lines.begin());
        run_.last_lines.push_back(printable(line.substr(0, line.find_last_not_of('\r') + 1)));
        return;
      case SerialLine::Kind::Damaged:
        if (run_.damaged_lines++ == 0) run_.first_damage = parsed.reason;
        return;
      case SerialLine::Kind::Unknown:
        return;
      case SerialLine::Kind::Event:
        break;
    }
    observer_.event(heard_, parsed.event);
    std::visit([this](auto& event) { happened(event); }, parsed.event);
  }

  // Only the first occurrence of an event counts.
  void first(std::optional<Nanoseconds>* time) const {
    if (!*time) *time = heard_;
  }

  void happened(GuestStarted& event) {
    first(&run_.times.started);
    if (!run_.started) run_.started = std::move(event);
  }
  void happened(GuestDevice& event) {
    first(&run_.times.device);
    if (!run_.device) run_.device = std::move(event);
  }
  void happened(GuestMark& event) {
    using Point = GuestMark::Point;
    BootTimes& times = run_.times;
    const std::array<std::pair<Point, std::optional<Nanoseconds>*>, 6> marks = {
        {{Point::Registered, &times.registered},
         {Point::FirstReport, &times.first_report},
         {Point::Filling, &times.filling},
         {Point::Filled, &times.filled},
         {Point::Freeing, &times.freeing},
         {Point::Freed, &times.freed}}};
    for (const auto& [point, time] : marks)
      if (point == event.point) first(time);
    if (event.point == Point::Filled && !run_.filled_mib) run_.filled_mib = event.mib;
    // Sampling becomes fine-grained from here on.
    if (event.point == Point::Filled || event.point == Point::Freeing) sample();
  }
  void happened(boot::GuestFigures& event) { figures_ = event; }
  void happened(GuestVerdict& event) {
    if (run_.verdict) return;
    run_.verdict = std::move(event);
    sample();
    end_ = BootEnd::Verdict;
  }
  void happened(GuestPanic& event) {
    if (run_.panic) return;
    run_.panic = std::move(event);
    run_.last_lines.clear();
    panicked_ = heard_;
  }

  void qemu_line(std::string_view line) {
    observer_.qemu_line(line);
    if (run_.qemu_words.size() < kMostQemuWords) run_.qemu_words += printable(line) + "\n";
  }

  void trace_line(std::string_view line) {
    // QEMU's trace event for an address outside the guest's memory.
    if (line.find("virtio_balloon_bad_addr") != std::string_view::npos) ++run_.refused;
    // Taken from QEMU's trace, so that it does not depend on what the guest sends.
    if (run_.times.first_report || line.find("virtio_queue_notify ") == std::string_view::npos) return;
    if (line.find(kReportingQueue) != std::string_view::npos) run_.times.first_report = now();
  }

  void sample() {
    const Nanoseconds time = now();
    next_sample_ = time + period(time);
    const auto resident = memory_.now();
    if (!resident) return;
    run_.samples.push_back({.time = time, .resident = *resident, .guest = figures_});
    observer_.sample(run_.samples.back());
  }

  Nanoseconds period(Nanoseconds time) const {
    const BootTimes& times = run_.times;
    const bool falling = times.filled && (!times.freeing || time < *times.freeing + kFallTime);
    if (falling) return kFallPeriod;
    return time < kLongRun ? kUsualPeriod : kLongPeriod;
  }

  ChildProcess& qemu_;
  const WatchOptions& options_;
  BootObserver& observer_;
  ResidentMemory memory_;
  Stream out_{qemu_.out(), {}}, err_{qemu_.err(), {}}, trace_;
  BootRun run_;
  std::optional<BootEnd> end_;
  boot::GuestFigures figures_;
  Nanoseconds heard_{}, panicked_{}, next_sample_{};
};

}  // namespace

BootRun watch(ChildProcess& qemu, const WatchOptions& options, BootObserver& observer) {
  return Watch(qemu, options, observer).run();
}

}  // namespace fallow::cli
