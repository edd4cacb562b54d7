// Reads a recorded trace: from a path to batches of events.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/event.h"
#include "trace/line_parser.h"
#include "trace/source/byte_source.h"
#include "trace/source/read_ahead.h"
#include "trace/time_order.h"

namespace fallow::trace {

struct TraceOptions {
  bool skip_bad_lines = false;  // count damaged lines and go on, where otherwise the first is an error
  PageShift page{};             // of the recorded machine: 12 to kMaxPageShift
};

struct TraceCounts {
  std::uint64_t lines = 0;             // all that were read, damaged ones too
  std::uint64_t events = 0;            // that next() has returned
  std::uint64_t late_events = 0;       // of them, those that got the time of the event before
  std::uint64_t failed_allocs = 0;     // recorded allocations that got no memory: not events
  std::uint64_t lost_events = 0;       // as far as the recorder has counted them
  std::uint64_t lost_markers = 0;      // times that the recorder says it lost events
  std::uint64_t uncounted_losses = 0;  // of them, those where it does not say how many
  std::uint64_t bad_lines = 0;         // damaged ones, skipped
  std::uint64_t odd_lines = 0;         // what no recorder prints, and no page event is in: skipped
};

// For one thread. A second one, inside, reads and unpacks ahead where the input is a regular file. Memory,
// whatever the length of the input: under 3 MiB, and what the ByteSource needs.
class TraceReader {
 public:
  static constexpr std::size_t kMaxLine = ReadAhead::kKeepMax;  // longer lines are damaged

  // Opens a file as open_trace_text() does; "-" is standard input. An error shows after the first next().
  explicit TraceReader(const std::string& path, TraceOptions options = {});
  // Reads the text that `source` holds; `name` stands for it in errors.
  TraceReader(std::unique_ptr<ByteSource> source, std::string name, TraceOptions options = {});

  // The next events in their order, at least one; they are valid until the next call. Empty at the end of the
  // trace and after an error; all events before the error have been returned then.
  std::span<const TraceEvent> next();

  // "workday.txt:123: order=12 is above 10", "workday.txt.zst: the zstd data ends early: the file is
  // truncated". Empty: no error.
  const std::string& error() const { return error_; }

  // For a user that needs at least one event, when the end has come without any: the error that says so, and
  // which line was skipped first.
  std::string no_event_error() const;

  const TraceCounts& counts() const { return counts_; }

  // The first line that was skipped, damaged or odd: "line 12: order=11 is above 10". Empty: none was.
  const std::string& first_skipped() const { return first_skipped_; }

  // The part of the file that has been read, 0 to 1; nothing for a pipe. It runs ahead of next() by some
  // blocks. Any thread may ask.
  std::optional<double> progress() const { return blocks_.progress(); }

 private:
  void parse_block();
  std::size_t parse_lines(std::string_view text);
  void parse(std::string_view line, bool ends = true);
  void finish();
  void accept(TraceEvent& event);
  void damaged(std::uint64_t line, std::string_view reason);
  void skipped(std::uint64_t line, std::string_view reason);
  void stop(std::string error);

  std::string name_;
  TraceOptions options_;
  ReadAhead blocks_;
  std::span<const char> kept_;  // the begin of a line whose end is in the next block
  bool inside_long_line_ = false;
  bool done_ = false;
  ParsedLine parsed_;
  TimeOrder order_;
  std::vector<TraceEvent> batch_;
  TraceCounts counts_;
  std::string first_skipped_;
  std::string error_;
};

}  // namespace fallow::trace
