// Fuzzes the trace reader with any bytes, as plain text, gzip, zstd or none of these, in chunks of any size.
// Checks, besides the sanitizers, the guarantees of the reader, above all that no page event is skipped
// without an error or a count.
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fallow/base/check.h"
#include "fuzz/fuzz_input.h"
#include "tests/support/trace_layouts.h"
#include "tests/support/trace_words.h"
#include "trace/trace_reader.h"

namespace fallow {
namespace {

class Input : public trace::ByteSource {
 public:
  Input(const std::uint8_t* data, std::size_t size, std::size_t chunk)
      : at_(data), end_(data + size), chunk_(chunk) {}

  std::size_t read(std::span<char> buffer) override {
    const std::size_t count = std::min({buffer.size(), chunk_, static_cast<std::size_t>(end_ - at_)});
    std::copy_n(at_, count, buffer.data());
    at_ += count;
    return count;
  }
  const std::string& error() const override { return error_; }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  std::size_t chunk_;
  std::string error_;
};

struct Outcome {
  std::vector<trace::TraceEvent> events;
  trace::TraceCounts counts;
  std::string error;
};

// Decompression bombs of zeros are out of scope.
constexpr std::uint64_t kLinesMax = 100'000;

Outcome read(std::unique_ptr<trace::ByteSource> source, trace::TraceOptions options) {
  trace::TraceReader reader(std::move(source), "fuzz", options);
  Outcome outcome;
  for (auto batch = reader.next(); !batch.empty() && reader.counts().lines < kLinesMax;
       batch = reader.next()) {
    outcome.events.insert(outcome.events.end(), batch.begin(), batch.end());
  }
  outcome.counts = reader.counts();
  outcome.error = reader.error();
  return outcome;
}

void check_events(const std::vector<trace::TraceEvent>& events, trace::PageShift page) {
  const unsigned more = page.raw - kFrameShift;
  Nanoseconds latest{0};
  for (const trace::TraceEvent& event : events) {
    FALLOW_CHECK(event.time >= latest);
    FALLOW_CHECK(event.order.raw >= more && event.order.raw <= trace::max_recorded_order(page).raw + more);
    FALLOW_CHECK(event.kind == trace::TraceEvent::Kind::Alloc ? event.pfn.raw != 0 : event.migratetype == 0);
    latest = event.time;
  }
}

// Removes or inserts a word of a recorder layout: all events are read, or there is an error.
void check_a_change(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  const TraceLayout& layout = kTraceLayouts[input.u8() % kTraceLayouts.size()];
  std::vector<std::string_view> places = words_of(layout.text);
  const std::size_t words = places.size();
  for (const std::string_view line_end : line_ends_of(layout.text)) places.push_back(line_end);
  const std::size_t place = input.u16() % places.size();
  const bool remove = input.u8() % 8 == 0 && place < words;
  std::string token;
  while (!input.empty()) token += static_cast<char>(input.u8());
  std::replace_if(
      token.begin(), token.end(), [](char c) { return c == ' ' || c == '\t' || c == '\n'; }, '_');
  const std::string changed =
      remove ? without(layout.text, places[place]) : with(layout.text, places[place], token);
  const auto source = [](std::string_view text) {
    return std::make_unique<Input>(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), SIZE_MAX);
  };
  const Outcome whole = read(source(layout.text), {});
  FALLOW_CHECK(whole.error.empty() && whole.events.size() == layout.events);
  const Outcome after = read(source(changed), {});
  FALLOW_CHECK(!after.error.empty() || same_but_for_the_cpu(after.events, whole.events));
}

bool in_name(char c) { return (std::isalnum(static_cast<unsigned char>(c)) != 0) || c == '_'; }

// Finds the name of a page event followed by its fields, independently of the parser.
bool holds_an_event(std::string_view line) {
  for (const std::string_view name :
       {"mm_page_alloc", "mm_page_free", "mm_page_free_direct", "mm_pagevec_free"}) {
    for (auto at = line.find(name); at != line.npos; at = line.find(name, at + 1)) {
      const std::string_view rest = line.substr(at + name.size());
      if ((at > 0 && in_name(line[at - 1])) || (!rest.empty() && in_name(rest.front()))) continue;
      if (rest.find(" pfn=") != rest.npos && rest.find(" order=") != rest.npos) return true;
    }
  }
  return false;
}

void check_lines(std::string_view text, trace::PageShift page) {
  trace::ParsedLine parsed;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const trace::LineKind kind = trace::parse_line(line, page, parsed);
    if (!holds_an_event(line)) continue;
    FALLOW_CHECK(kind == trace::LineKind::Event || kind == trace::LineKind::FailedAlloc ||
                 kind == trace::LineKind::Damaged);
  }
}

}  // namespace

// The first byte selects the chunk size; 255 selects a change of one word instead.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  if (data[0] == UINT8_MAX) {
    check_a_change(data + 1, size - 1);
    return 0;
  }
  const std::size_t chunk = data[0] == 0 ? SIZE_MAX : data[0];
  const trace::PageShift page{
      static_cast<std::uint8_t>(kFrameShift + size % (trace::kMaxPageShift.raw - kFrameShift + 1))};
  check_lines({reinterpret_cast<const char*>(data) + 1, size - 1}, page);
  const auto input = [&](std::size_t most) {
    return trace::unpack(std::make_unique<Input>(data + 1, size - 1, most));
  };

  const Outcome whole = read(input(SIZE_MAX), {.skip_bad_lines = true, .page = page});
  const Outcome pieces = read(input(chunk), {.skip_bad_lines = true, .page = page});
  const Outcome strict = read(input(chunk), {.skip_bad_lines = false, .page = page});
  check_events(whole.events, page);
  check_events(strict.events, page);
  FALLOW_CHECK(strict.counts.bad_lines == 0);
  if (pieces.counts.lines >= kLinesMax) return 0;
  FALLOW_CHECK(whole.error.empty() == pieces.error.empty());
  // The amount of a damaged frame that zstd returns depends on the chunks.
  if (whole.error.empty()) {
    FALLOW_CHECK(whole.events == pieces.events);
    FALLOW_CHECK(whole.counts.lines == pieces.counts.lines);
    FALLOW_CHECK(whole.counts.odd_lines == pieces.counts.odd_lines);
  }
  FALLOW_CHECK((pieces.counts.bad_lines > 0 || !pieces.error.empty()) == !strict.error.empty());
  // The events before an error are the same except the last one, which a later line may invalidate.
  if (strict.events.empty()) return 0;
  FALLOW_CHECK(strict.events.size() <= pieces.events.size() + 1);
  FALLOW_CHECK(std::equal(strict.events.begin(), strict.events.end() - 1, pieces.events.begin()));
  return 0;
}

}  // namespace fallow
