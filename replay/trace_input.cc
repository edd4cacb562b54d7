#include "replay/trace_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "replay/allocation_map.h"
#include "trace/source/file_source.h"

namespace fallow::replay {
namespace {

// Tracks allocated frames as the replay will.
class UsedFrames {
 public:
  // Returns false if the allocation map is full.
  bool apply(const trace::TraceEvent& event) {
    bool fits = true;
    for (std::uint64_t i = 0; i < frames(event.order).raw; ++i) {
      const Pfn pfn = event.pfn + PfnCount{i};
      if (allocated_.take(pfn) != AllocationMap::kNotLive) --used_.raw;
      if (event.kind != trace::TraceEvent::Kind::Alloc) continue;
      fits = fits && allocated_.put(pfn, 1);
      ++used_.raw;
    }
    peak_ = std::max(peak_, used_);
    return fits;
  }
  PfnCount peak() const { return peak_; }

 private:
  AllocationMap allocated_;
  PfnCount used_, peak_;
};

bool is_stopped(const std::atomic<bool>* stop) {
  return stop != nullptr && stop->load(std::memory_order_relaxed);
}

}  // namespace

Expected<TraceInput> TraceInput::open(const std::string& path, trace::TraceOptions options, bool twice) {
  std::unique_ptr<TraceInput> input(new TraceInput(path, options));
  std::error_code ignored;  // the reader reports errors in the path
  const bool regular = path != "-" && (std::filesystem::is_regular_file(path, ignored) ||
                                       !std::filesystem::exists(path, ignored) ||
                                       std::filesystem::is_directory(path, ignored));
  if (!twice || regular) return input;
  std::string error = input->spool();
  if (!error.empty()) return error;
  return input;
}

std::string TraceInput::spool() {
  const std::string name = path_ == "-" ? "standard input" : path_;
  const std::string cannot = fmt::format("{}: cannot copy the input to a temporary file", name);
  copy_.reset(std::tmpfile());
  if (copy_ == nullptr) return fmt::format("{}: {}", cannot, std::strerror(errno));
  trace::FileSource source(path_);
  std::vector<char> buffer(std::size_t{256} << 10);
  while (const std::size_t n = source.read(buffer)) {
    if (std::fwrite(buffer.data(), 1, n, copy_.get()) != n)
      return fmt::format("{}: {}", cannot, std::strerror(errno));
  }
  if (!source.error().empty()) return fmt::format("{}: {}", name, source.error());
  if (std::fflush(copy_.get()) != 0) return fmt::format("{}: {}", cannot, std::strerror(errno));
  return {};
}

std::unique_ptr<trace::TraceReader> TraceInput::read() const {
  if (copy_ == nullptr) return std::make_unique<trace::TraceReader>(path_, options_);
  // Reopened through its descriptor, because the file has no name.
  const std::string path = fmt::format("/proc/self/fd/{}", fileno(copy_.get()));
  return std::make_unique<trace::TraceReader>(trace::open_trace_text(path),
                                              path_ == "-" ? "standard input" : path_, options_);
}

Expected<TraceExtent> TraceInput::measure(ReplayObserver* observer, const std::atomic<bool>* stop) const {
  const auto reader = read();
  UsedFrames used;
  Nanoseconds first{}, last{};
  bool any = false, stopped = false;
  for (auto batch = reader->next(); !batch.empty(); batch = reader->next()) {
    stopped = is_stopped(stop);
    if (stopped) break;
    if (!std::exchange(any, true)) first = batch.front().time;
    last = batch.back().time;
    for (const trace::TraceEvent& event : batch) {
      if (used.apply(event)) continue;
      return fmt::format("{}: the page frame numbers are spread too widely to be those of one machine",
                         path_);
    }
    if (observer != nullptr) observer->scanning(reader->progress().value_or(-1));
  }
  if (!stopped && !reader->error().empty()) return reader->error();
  return std::make_unique<TraceExtent>(TraceExtent{used.peak(), last - first, stopped});
}

}  // namespace fallow::replay
