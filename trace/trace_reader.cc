#include "trace/trace_reader.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

namespace fallow::trace {
namespace {

// "1154.625902000"
std::string in_seconds(Nanoseconds time) {
  return fmt::format("{}.{:09}", time.raw / seconds(1).raw, time.raw % seconds(1).raw);
}

}  // namespace

TraceReader::TraceReader(const std::string& path, TraceOptions options)
    : TraceReader(open_trace_text(path), path == "-" ? "standard input" : path, options) {}

TraceReader::TraceReader(std::unique_ptr<ByteSource> source, std::string name, TraceOptions options)
    : name_(std::move(name)), options_(options), blocks_(std::move(source)) {}

std::span<const TraceEvent> TraceReader::next() {
  batch_.clear();
  while (batch_.empty() && !done_) parse_block();
  counts_.events += batch_.size();
  return batch_;
}

std::string TraceReader::no_event_error() const {
  std::string error = fmt::format("{}: contains no mm_page_alloc or mm_page_free event", name_);
  if (!first_skipped_.empty()) error += fmt::format("; the first skipped line is {}", first_skipped_);
  return error;
}

void TraceReader::parse_block() {
  const std::span<const char> block = blocks_.next(kept_);
  if (block.size() == kept_.size()) {
    finish();
    return;
  }
  const std::size_t parsed = parse_lines({block.data(), block.size()});
  kept_ = block.subspan(parsed);
  if (done_ || kept_.size() <= kMaxLine) return;  // done_ means an error; the rest is left unread
  if (!inside_long_line_)
    damaged(++counts_.lines, fmt::format("the line is longer than the maximum of {} bytes", kMaxLine));
  inside_long_line_ = true;
  kept_ = {};
}

// Parses all complete lines of the text and returns their length in bytes.
std::size_t TraceReader::parse_lines(std::string_view text) {
  std::size_t at = 0;
  while (!done_) {
    const void* const newline = std::memchr(text.data() + at, '\n', text.size() - at);
    if (newline == nullptr) return at;
    const auto end = static_cast<std::size_t>(static_cast<const char*>(newline) - text.data());
    if (inside_long_line_) {
      inside_long_line_ = false;  // the line has already been counted
    } else {
      parse(text.substr(at, end - at));
    }
    at = end + 1;
  }
  return at;
}

// `ends` says whether the line ends with a newline.
void TraceReader::parse(std::string_view line, bool ends) {
  ++counts_.lines;
  if (line.size() > kMaxLine) {
    damaged(counts_.lines, fmt::format("the line is longer than the maximum of {} bytes", kMaxLine));
    return;
  }
  switch (parse_line(line, options_.page, parsed_)) {
    case LineKind::Event:
      accept(parsed_.event);
      break;
    case LineKind::FailedAlloc:
      ++counts_.failed_allocs;
      break;
    case LineKind::Lost:
      ++counts_.lost_markers;
      if (parsed_.lost == 0) ++counts_.uncounted_losses;
      counts_.lost_events += parsed_.lost;
      break;
    case LineKind::Other:
      break;
    case LineKind::Odd:
      if (!ends) {  // the line may be the begin of an event
        damaged(counts_.lines, "the trace ends inside the line");
      } else {
        ++counts_.odd_lines;
        skipped(counts_.lines, parsed_.reason);
      }
      break;
    case LineKind::Damaged:
      damaged(counts_.lines, parsed_.reason);
      break;
  }
}

// Parses the rest at the end of the source, unless a read error cut the source off.
void TraceReader::finish() {
  const std::string_view last(kept_.data(), kept_.size());
  if (blocks_.error().empty() && !last.empty() && !inside_long_line_) parse(last, false);
  if (!done_) stop(blocks_.error().empty() ? std::string() : fmt::format("{}: {}", name_, blocks_.error()));
}

void TraceReader::accept(TraceEvent& event) {
  while (!done_) {
    switch (order_.judge(event)) {
      case TimeOrder::Verdict::InOrder:
        batch_.push_back(event);
        return;
      case TimeOrder::Verdict::Late:
        ++counts_.late_events;
        batch_.push_back(event);
        return;
      case TimeOrder::Verdict::Hold:
        order_.hold(event, counts_.lines);
        return;
      case TimeOrder::Verdict::HeldGood:
        batch_.push_back(order_.take_held());
        break;
      case TimeOrder::Verdict::HeldBad: {
        const TimeOrder::Held held = *order_.held();
        order_.drop_held();
        damaged(held.line, fmt::format("time {} is too far ahead of the next event, at {}",
                                       in_seconds(held.event.time), in_seconds(event.time)));
        break;
      }
      case TimeOrder::Verdict::Backward:
        damaged(counts_.lines, fmt::format("time {} is too far before the latest time, {}",
                                           in_seconds(event.time), in_seconds(order_.latest())));
        return;
    }
  }
}

void TraceReader::damaged(std::uint64_t line, std::string_view reason) {
  if (options_.skip_bad_lines) {
    ++counts_.bad_lines;
    skipped(line, reason);
  } else {
    stop(fmt::format("{}:{}: {}", name_, line, reason));
  }
}

void TraceReader::skipped(std::uint64_t line, std::string_view reason) {
  if (first_skipped_.empty()) first_skipped_ = fmt::format("line {}: {}", line, reason);
}

// Ends the trace, with or without an error. No later event contradicts a held event, so the held event is
// accepted.
void TraceReader::stop(std::string error) {
  if (order_.held()) batch_.push_back(order_.take_held());
  error_ = std::move(error);
  done_ = true;
}

}  // namespace fallow::trace
