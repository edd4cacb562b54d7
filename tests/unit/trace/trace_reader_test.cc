#include "trace/trace_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

#include "tests/unit/trace/sources.h"

namespace fallow::trace {
namespace {

constexpr std::string_view kGood = "cc1-1 [000] .....  7.000001: mm_page_free: pfn=0x1 order=0\n";
constexpr std::string_view kBad = "cc1-1 [000] .....  7.000001: mm_page_free: pfn=0x1 order=11\n";

constexpr std::string_view kWrongOrder =
    "order=11 is above 10, the largest order with pages of 4 KiB (for larger pages: fallow replay "
    "--page-size)";

struct Outcome {
  std::vector<TraceEvent> events;
  TraceCounts counts;
  std::string error, first_skipped;
};

Outcome read_all(TraceReader& reader) {
  Outcome outcome;
  for (auto batch = reader.next(); !batch.empty(); batch = reader.next()) {
    outcome.events.insert(outcome.events.end(), batch.begin(), batch.end());
  }
  EXPECT_TRUE(reader.next().empty());
  outcome.counts = reader.counts();
  EXPECT_EQ(outcome.counts.events, outcome.events.size());
  outcome.error = reader.error();
  outcome.first_skipped = reader.first_skipped();
  return outcome;
}

Outcome read_text(std::string_view text, TraceOptions options = {}, std::size_t chunk = SIZE_MAX) {
  TraceReader reader(text_source(text, chunk), "day.txt", options);
  return read_all(reader);
}

Outcome read_path(const std::string& path) {
  TraceReader reader(path);
  return read_all(reader);
}

std::string repeated(std::string_view line, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += line;
  return text;
}

std::string free_line(std::string_view time, std::string_view pfn) {
  return "cc1-1 [001] .....  " + std::string(time) + ": mm_page_free: pfn=" + std::string(pfn) + " order=0\n";
}

// A trace with every kind of line that is not damaged.
std::string varied_trace() {
  std::string text = "# tracer: nop\n#\nversion = 7\ncpus=2\nCPU 1 is empty\n\n";
  for (int i = 0; i < 300; ++i) {
    text += free_line("8.000" + std::to_string(100 + i), "0x" + std::to_string(i + 1));
    if (i % 7 == 0) text += "CPU:1 [LOST 3 EVENTS]\n";
    if (i % 11 == 0) text += "\tffffffff8125b0c9 __alloc_pages+0x1d9 ([kernel.kallsyms])\n\n";
    if (i % 13 == 0) text += free_line("8.000090", "0x99");
    if (i % 17 == 0)
      text += "cc1-1 [000] ..... 8.1: mm_page_alloc: page=(nil) pfn=0x0 order=9 migratetype=1\n";
    if (i % 19 == 0) text += "cc1-1 [000] ..... 8.1: kfree: call_site=1 ptr=2\n";
  }
  return text;
}

TEST(TraceReader, counts_everything) {
  const Outcome outcome = read_text(varied_trace());
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.events.size(), 300u + 24);
  EXPECT_EQ(outcome.counts.late_events, 24u);
  EXPECT_EQ(outcome.counts.lost_markers, 43u);
  EXPECT_EQ(outcome.counts.lost_events, 3u * 43);
  EXPECT_EQ(outcome.counts.failed_allocs, 18u);
  EXPECT_EQ(outcome.counts.bad_lines, 0u);
  EXPECT_EQ(outcome.counts.lines, 6u + 300 + 43 + 2 * 28 + 24 + 18 + 16);
  EXPECT_EQ(outcome.events[0].time, Nanoseconds{8'000'100'000});
  EXPECT_TRUE(std::is_sorted(outcome.events.begin(), outcome.events.end(),
                             [](const TraceEvent& a, const TraceEvent& b) { return a.time < b.time; }));
}

TEST(TraceReader, same_events_whatever_the_chunks) {
  const std::string text = varied_trace() + std::string(kBad) + std::string(kGood);
  const Outcome whole = read_text(text, {.skip_bad_lines = true});
  for (const std::size_t chunk : {1u, 2u, 3u, 61u, 64u, 127u, 4096u}) {
    const Outcome outcome = read_text(text, {.skip_bad_lines = true}, chunk);
    EXPECT_EQ(outcome.events, whole.events) << chunk;
    EXPECT_EQ(outcome.counts.lines, whole.counts.lines) << chunk;
    EXPECT_EQ(outcome.counts.bad_lines, whole.counts.bad_lines) << chunk;
  }
}

TEST(TraceReader, many_blocks_packed_or_not) {
  std::string text;
  for (int i = 0; i < 60000; ++i)
    text += free_line("9." + std::to_string(100000 + i), "0x" + std::to_string(i + 1));
  const Outcome expected = read_text(text);
  EXPECT_EQ(expected.events.size(), 60000u);
  for (const std::string& content : {text, gzip(text), zstd(text)}) {
    const TemporaryFile file("day.txt", content);
    const Outcome outcome = read_path(file.path());
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.events, expected.events);
  }
}

TEST(TraceReader, nothing_in_it) {
  for (const std::string_view text : {"", "\n", "# tracer: nop\n"}) {
    const Outcome outcome = read_text(text);
    EXPECT_EQ(outcome.error, "");
    EXPECT_TRUE(outcome.events.empty());
  }
}

TEST(TraceReader, last_line_without_newline) {
  const std::string_view cut = kGood.substr(0, kGood.size() - 1);
  EXPECT_EQ(read_text(cut).events.size(), 1u);
  EXPECT_EQ(read_text(cut).counts.lines, 1u);
  const Outcome damaged = read_text(std::string(kGood) + std::string(cut.substr(0, 40)));
  EXPECT_EQ(damaged.events.size(), 1u);
  EXPECT_EQ(damaged.error, "day.txt:2: the line is cut off inside the event name");
}

TEST(TraceReader, damaged_line_names_file_and_line) {
  const Outcome outcome = read_text(repeated(kGood, 5000) + std::string(kBad) + std::string(kGood));
  EXPECT_EQ(outcome.error, "day.txt:5001: " + std::string(kWrongOrder));
  EXPECT_EQ(outcome.events.size(), 5000u);
  EXPECT_EQ(outcome.counts.lines, 5001u);
}

TEST(TraceReader, first_error_is_the_one_however_much_follows) {
  const Outcome outcome = read_text(repeated(kGood, 10) + std::string(kBad) + repeated(kGood, 20000));
  EXPECT_EQ(outcome.error, "day.txt:11: " + std::string(kWrongOrder));
  EXPECT_EQ(outcome.events.size(), 10u);
  EXPECT_EQ(outcome.counts.lines, 11u);
}

TEST(TraceReader, skips_bad_lines_and_counts_them) {
  const std::string text = std::string(kBad) + "garbage\n" + repeated(kGood, 10) + std::string(kBad) +
                           std::string(kGood) + std::string(20, '\0') + "\n" + std::string(kGood) + "cut";
  const Outcome outcome = read_text(text, {.skip_bad_lines = true});
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.events.size(), 12u);
  EXPECT_EQ(outcome.counts.bad_lines, 4u);
  EXPECT_EQ(outcome.counts.odd_lines, 1u);
  EXPECT_EQ(outcome.counts.lines, 17u);
  EXPECT_EQ(outcome.first_skipped, "line 1: " + std::string(kWrongOrder));
}

TEST(TraceReader, an_odd_line_is_counted_and_stops_nothing) {
  const Outcome outcome = read_text(std::string(kGood) + "garbage\n" + std::string(kGood) + "more of it\n");
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.events.size(), 2u);
  EXPECT_EQ(outcome.counts.odd_lines, 2u);
  EXPECT_EQ(outcome.first_skipped,
            "line 2: not output of ftrace, trace-cmd report or perf script: \"garbage\"");
}

TEST(TraceReader, an_odd_line_at_the_end_may_be_the_begin_of_an_event) {
  EXPECT_EQ(read_text(std::string(kGood) + "cc1").error, "day.txt:2: the trace ends inside the line");
}

TEST(TraceReader, losses_without_a_number) {
  const Outcome outcome = read_text("CPU:1 [LOST EVENTS]\nCPU:1 [LOST 3 EVENTS]\n" + std::string(kGood));
  EXPECT_EQ(outcome.counts.lost_markers, 2u);
  EXPECT_EQ(outcome.counts.uncounted_losses, 1u);
  EXPECT_EQ(outcome.counts.lost_events, 3u);
}

TEST(TraceReader, long_lines) {
  std::string longest(kGood.substr(0, kGood.size() - 1));
  longest.resize(TraceReader::kMaxLine, ' ');
  const std::string good(kGood);
  const std::string next = '\n' + good;
  const std::string two = longest + '\n' + longest;
  for (const std::size_t chunk : {std::size_t{1000}, std::size_t{65536}, SIZE_MAX}) {
    EXPECT_EQ(read_text(two, {}, chunk).events.size(), 2u);
    for (const std::size_t excess : {std::size_t{1}, std::size_t{1} << 20}) {
      const std::string line = good + longest + std::string(excess, ' ');
      const Outcome strict = read_text(line + next, {}, chunk);
      EXPECT_EQ(strict.error, "day.txt:2: the line is longer than the maximum of 65536 bytes");
      EXPECT_EQ(strict.events.size(), 1u);
      for (const std::string& after : {std::string(), next}) {
        const Outcome skipped = read_text(line + after, {.skip_bad_lines = true}, chunk);
        EXPECT_EQ(skipped.counts.bad_lines, 1u);
        EXPECT_EQ(skipped.counts.lines, after.empty() ? 2u : 3u);
        EXPECT_EQ(skipped.events.size(), after.empty() ? 1u : 2u);
      }
    }
  }
}

TEST(TraceReader, time_that_runs_backwards) {
  const std::string text = free_line("7.5", "1") + free_line("7.45", "2") + free_line("7.5", "3") +
                           free_line("7.3", "4") + free_line("7.6", "5");
  const Outcome strict = read_text(text);
  EXPECT_EQ(strict.error, "day.txt:4: time 7.300000000 is too far before the latest time, 7.500000000");
  EXPECT_EQ(strict.events.size(), 3u);
  EXPECT_EQ(strict.events[1].time, milliseconds(7500));
  EXPECT_EQ(strict.counts.late_events, 1u);
  const Outcome skipped = read_text(text, {.skip_bad_lines = true});
  EXPECT_EQ(skipped.events.size(), 4u);
  EXPECT_EQ(skipped.counts.bad_lines, 1u);
}

TEST(TraceReader, time_that_jumps_ahead_in_one_line) {
  const std::string text = free_line("7.5", "1") + free_line("9007.5", "2") + "\n" + free_line("7.6", "3");
  const Outcome strict = read_text(text);
  EXPECT_EQ(strict.error,
            "day.txt:2: time 9007.500000000 is too far ahead of the next event, at 7.600000000");
  EXPECT_EQ(strict.events.size(), 1u);
  const Outcome skipped = read_text(text, {.skip_bad_lines = true});
  EXPECT_EQ(skipped.events.size(), 2u);
  EXPECT_EQ(skipped.counts.bad_lines, 1u);
  EXPECT_EQ(skipped.events[1].time, milliseconds(7600));
}

TEST(TraceReader, pauses_of_the_workload) {
  const Outcome outcome = read_text(free_line("7.5", "1") + free_line("70.5", "2") + free_line("99.6", "3"));
  EXPECT_EQ(outcome.error, "");
  ASSERT_EQ(outcome.events.size(), 3u);
  EXPECT_EQ(outcome.events[2].time, milliseconds(99600));
}

TEST(TraceReader, event_after_a_pause_is_not_lost_to_the_error_after_it) {
  const Outcome outcome = read_text(free_line("7.5", "1") + free_line("70.5", "2") + std::string(kBad));
  EXPECT_EQ(outcome.error, "day.txt:3: " + std::string(kWrongOrder));
  EXPECT_EQ(outcome.events.size(), 2u);
}

TEST(TraceReader, truncated_file_is_named_and_its_last_line_is_not_blamed) {
  std::string text;
  for (int i = 0; i < 20000; ++i)
    text += free_line("9." + std::to_string(100000 + i), "0x" + std::to_string(i + 1));
  for (const std::string& packed : {gzip(text), zstd(text)}) {
    const TemporaryFile file("day.txt.packed", packed.substr(0, packed.size() / 2));
    const Outcome outcome = read_path(file.path());
    const bool is_gzip = packed[0] == '\x1f';
    EXPECT_EQ(outcome.error, file.path() + ": the " + (is_gzip ? "gzip" : "zstd") +
                                 " data ends early: the file is truncated");
    EXPECT_LT(outcome.events.size(), 20000u);
  }
}

TEST(TraceReader, file_that_is_not_there) {
  const Outcome outcome = read_path("no-such-trace.txt");
  EXPECT_EQ(outcome.error, "no-such-trace.txt: cannot open: No such file or directory");
  EXPECT_TRUE(outcome.events.empty());
}

// Replaces standard input.
class StandardInput {
 public:
  explicit StandardInput(int replacement) : saved_(::dup(0)) { ::dup2(replacement, 0); }
  ~StandardInput() {
    ::dup2(saved_, 0);
    ::close(saved_);
    std::clearerr(stdin);
  }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

 private:
  int saved_;
};

TEST(TraceReader, standard_input_from_a_pipe) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const std::string text = gzip(std::string(kGood) + std::string(kGood) + std::string(kBad));
  ASSERT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(ends[1]);
  const StandardInput redirect(ends[0]);
  ::close(ends[0]);
  const Outcome outcome = read_path("-");
  EXPECT_EQ(outcome.error, "standard input:3: " + std::string(kWrongOrder));
  EXPECT_EQ(outcome.events.size(), 2u);
}

TEST(TraceReader, progress_is_known_for_files_only) {
  const TemporaryFile file("day.txt", kGood);
  TraceReader from_file(file.path());
  read_all(from_file);
  EXPECT_EQ(from_file.progress(), 1.0);
  TraceReader from_memory(text_source(kGood), "day.txt");
  EXPECT_FALSE(from_memory.progress());
}

}  // namespace
}  // namespace fallow::trace
