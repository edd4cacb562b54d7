// The trace reader, given any bytes: plain text, gzip, zstd, or none of these, in chunks of any size. Besides
// what the sanitizers see, the reader's promises are checked.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fallow/base/check.h"
#include "fallow/trace/trace_reader.h"

namespace {

using namespace fallow;

class Input : public ByteSource {
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
  std::vector<TraceEvent> events;
  TraceCounts counts;
  std::string error;
};

// A bomb of zeros is not what is looked for.
constexpr std::uint64_t kLinesMax = 100'000;

Outcome read(std::unique_ptr<ByteSource> source, bool skip_bad_lines) {
  TraceReader reader(std::move(source), "fuzz", {.skip_bad_lines = skip_bad_lines});
  Outcome outcome;
  for (auto batch = reader.next(); !batch.empty() && reader.counts().lines < kLinesMax;
       batch = reader.next()) {
    outcome.events.insert(outcome.events.end(), batch.begin(), batch.end());
  }
  outcome.counts = reader.counts();
  outcome.error = reader.error();
  return outcome;
}

void check_events(const std::vector<TraceEvent>& events) {
  Nanoseconds latest{0};
  for (const TraceEvent& event : events) {
    FALLOW_CHECK(event.time >= latest);
    FALLOW_CHECK(event.order <= kMaxOrder);
    FALLOW_CHECK(event.kind == TraceEvent::Kind::Alloc ? event.pfn.raw != 0 : event.migratetype == 0);
    latest = event.time;
  }
}

}  // namespace

// The first byte chooses the size of the chunks.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t chunk = data[0] == 0 ? SIZE_MAX : data[0];
  const auto input = [&](std::size_t most) {
    return unpack(std::make_unique<Input>(data + 1, size - 1, most));
  };

  const Outcome whole = read(input(SIZE_MAX), true);
  const Outcome pieces = read(input(chunk), true);
  const Outcome strict = read(input(chunk), false);
  check_events(whole.events);
  check_events(strict.events);
  FALLOW_CHECK(strict.counts.bad_lines == 0);
  if (pieces.counts.lines >= kLinesMax) return 0;
  FALLOW_CHECK(whole.error.empty() == pieces.error.empty());
  // How much of a damaged frame zstd hands out depends on the chunks.
  if (whole.error.empty()) {
    FALLOW_CHECK(whole.events == pieces.events);
    FALLOW_CHECK(whole.counts.lines == pieces.counts.lines);
  }
  FALLOW_CHECK((pieces.counts.bad_lines > 0 || !pieces.error.empty()) == !strict.error.empty());
  // An error comes after the same begin, but for the last event: it may be one that a later line proves
  // wrong.
  if (strict.events.empty()) return 0;
  FALLOW_CHECK(strict.events.size() <= pieces.events.size() + 1);
  FALLOW_CHECK(std::equal(strict.events.begin(), strict.events.end() - 1, pieces.events.begin()));
  return 0;
}
