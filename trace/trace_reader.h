// Reads a recorded trace from a file and returns batches of events.
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
  bool skip_bad_lines = false;  // count and skip damaged lines; otherwise the first one is an error
  PageShift page{};             // page size of the recorded machine: 12 to kMaxPageShift
};

struct TraceCounts {
  std::uint64_t lines = 0;             // all lines read, including damaged lines
  std::uint64_t events = 0;            // events that next() has returned
  std::uint64_t late_events = 0;       // events that got the time of an earlier event
  std::uint64_t failed_allocs = 0;     // recorded allocations that failed; these are not events
  std::uint64_t lost_events = 0;       // lost events that the recorder counted
  std::uint64_t lost_markers = 0;      // statements of the recorder that it lost events
  std::uint64_t uncounted_losses = 0;  // such statements without a number
  std::uint64_t bad_lines = 0;         // damaged lines that were skipped
  std::uint64_t odd_lines = 0;         // skipped lines that no recorder prints and that contain no page event
};

// For use by one thread. For a regular file, an internal second thread reads and decompresses ahead. Memory
// does not depend on the length of the input: under 3 MiB plus that of the ByteSource.
class TraceReader {
 public:
  static constexpr std::size_t kMaxLine = ReadAhead::kKeepMax;  // a longer line is damaged

  // Opens a file as open_trace_text() does; "-" is standard input. An error appears after the first next().
  explicit TraceReader(const std::string& path, TraceOptions options = {});
  // Reads the text of `source`. Errors name the source as `name`.
  TraceReader(std::unique_ptr<ByteSource> source, std::string name, TraceOptions options = {});

  // Returns the next events in order, at least one. The span is valid until the next call. It is empty at the
  // end of the trace and after an error; all events before the error have been returned by then.
  std::span<const TraceEvent> next();

  // Returns the error, or an empty text: "workday.txt:123: order=12 is above 10, ...", "workday.txt.zst: the
  // zstd data ends early: the file is truncated".
  const std::string& error() const { return error_; }

  // Returns an error that states that the trace has no event, and which line was skipped first. For callers
  // that need at least one event.
  std::string no_event_error() const;

  const TraceCounts& counts() const { return counts_; }

  // Returns the first line that was skipped, damaged or odd: "line 12: order=11 is above 10, ...". Empty if
  // no line was skipped.
  const std::string& first_skipped() const { return first_skipped_; }

  // Returns the fraction of the file that has been read, 0 to 1, or nothing for a pipe. The value is some
  // blocks ahead of next(). Any thread may call this function.
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
  std::span<const char> kept_;  // the begin of a line that ends in the next block
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
