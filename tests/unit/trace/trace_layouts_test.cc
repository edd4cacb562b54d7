// The reader accepts every layout of every recorder. If one word changes, no event disappears without an
// error.
#include "tests/support/trace_layouts.h"

#include <gtest/gtest.h>

#include "tests/support/trace_words.h"
#include "tests/unit/trace/sources.h"
#include "trace/trace_reader.h"

namespace fallow::trace {
namespace {

struct Outcome {
  std::vector<TraceEvent> events;
  TraceCounts counts;
  std::string error;
};

Outcome read(const std::string& text) {
  TraceReader reader(text_source(text), "layout");
  Outcome outcome;
  for (auto batch = reader.next(); !batch.empty(); batch = reader.next())
    outcome.events.insert(outcome.events.end(), batch.begin(), batch.end());
  outcome.counts = reader.counts();
  outcome.error = reader.error();
  return outcome;
}

TEST(TraceLayouts, every_layout_is_read) {
  for (const TraceLayout& layout : kTraceLayouts) {
    const Outcome outcome = read(std::string(layout.text));
    EXPECT_EQ(outcome.error, "") << layout.name;
    ASSERT_EQ(outcome.events.size(), layout.events) << layout.name;
    const TraceEvent& first = outcome.events.front();
    EXPECT_EQ(first.kind, TraceEvent::Kind::Alloc) << layout.name;
    EXPECT_EQ(first.pfn, Pfn{0x4200}) << layout.name;
    EXPECT_EQ(first.order, Order{9}) << layout.name;
    EXPECT_EQ(first.migratetype, 1) << layout.name;
  }
}

// A changed word on a separate line must not affect any other line.
void expect_no_silence(const TraceLayout& layout, const std::string& text, const Outcome& whole,
                       const std::string& change) {
  const Outcome changed = read(text);
  if (!changed.error.empty()) return;
  EXPECT_TRUE(same_but_for_the_cpu(changed.events, whole.events)) << layout.name << ": " << change << '\n'
                                                                  << text;
}

TEST(TraceLayouts, a_word_that_is_missing) {
  for (const TraceLayout& layout : kTraceLayouts) {
    const Outcome whole = read(std::string(layout.text));
    for (const std::string_view word : words_of(layout.text))
      expect_no_silence(layout, without(layout.text, word), whole, "without " + std::string(word));
  }
}

TEST(TraceLayouts, a_word_too_many) {
  for (const TraceLayout& layout : kTraceLayouts) {
    const Outcome whole = read(std::string(layout.text));
    std::vector<std::string> more = {"x",
                                     "x:",
                                     "#",
                                     "##",
                                     "#x",
                                     "=>",
                                     "1",
                                     "[1]",
                                     "[001]",
                                     "1.5",
                                     "1.5:",
                                     "7us",
                                     "7us:",
                                     "7us+:",
                                     "7.000ms",
                                     "(+100)",
                                     "(+0.1ms):",
                                     "1,234",
                                     ":",
                                     "kmem:",
                                     "kmem/",
                                     "a-1",
                                     "901/902",
                                     ".....",
                                     "0.....",
                                     "-0x1",
                                     "|",
                                     "\r",
                                     "pfn=0x7",
                                     "order=0",
                                     "page=0",
                                     "order=",
                                     "cpus=2",
                                     "TRACE:",
                                     "CPU:1",
                                     "[LOST",
                                     "EVENTS]",
                                     "CPU",
                                     "version",
                                     "mm_page_free",
                                     "mm_page_alloc",
                                     "mm_page_free:",
                                     "mm_page_alloc:",
                                     "kmem:mm_page_free:",
                                     "mm_page_alloc_extfrag:",
                                     "x=mm_page_free:",
                                     "sched_switch:",
                                     "migratetype=2",
                                     "\xff\xfe",
                                     "PERF_RECORD_LOST"};
    for (const std::string_view word : words_of(layout.text)) more.emplace_back(word);
    std::sort(more.begin(), more.end());
    more.erase(std::unique(more.begin(), more.end()), more.end());
    for (const std::string_view word : words_of(layout.text))
      for (const std::string& token : more)
        expect_no_silence(layout, with(layout.text, word, token), whole,
                          token + " before " + std::string(word));
    for (const std::string_view line_end : line_ends_of(layout.text))
      for (const std::string& token : more)
        expect_no_silence(layout, with(layout.text, line_end, token), whole, token + " at the end of a line");
  }
}

}  // namespace
}  // namespace fallow::trace
