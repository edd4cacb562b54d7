#include "cli/boot/launch/boot_module.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <vector>

#include "guest/protocol/trace_module.h"
#include "replay/allocation_map.h"
#include "trace/trace_reader.h"

namespace fallow::cli {
namespace {

using guest::TraceModuleWriter;

Mobility mobility_of(std::uint8_t migratetype) {
  constexpr std::uint8_t kUnmovable = 0, kReclaimable = 2;
  if (migratetype == kUnmovable) return Mobility::Unmovable;
  return migratetype == kReclaimable ? Mobility::Reclaimable : Mobility::Movable;
}

// Assigns a slot to each recorded allocation. An allocation freed in parts ends with its last part. A free of
// memory allocated before the recording is ignored. A second allocation of a frame implies a free.
class Slots {
 public:
  explicit Slots(double speed) : speed_(speed), writer_({keep, &events_}) {}

  // Returns false if the frame numbers cannot belong to one machine.
  bool add(const trace::TraceEvent& event) {
    if (!first_) first_ = event.time;
    const auto us =
        static_cast<std::uint64_t>(static_cast<double>((event.time - *first_).raw) / 1000 / speed_);
    const std::uint64_t n = frames(event.order).raw;
    for (std::uint64_t i = 0; i < n; ++i) free_frame(us, event.pfn + PfnCount{i});
    if (event.kind == trace::TraceEvent::Kind::Free) return true;
    const std::uint32_t slot = take_slot();
    frames_in_[slot] = static_cast<std::uint32_t>(n);
    writer_.allocate(us, event.order, mobility_of(event.migratetype), slot);
    for (std::uint64_t i = 0; i < n; ++i)
      if (!live_.put(event.pfn + PfnCount{i}, slot + 1)) return false;
    return true;
  }

  auto header() const { return writer_.header(); }
  std::span<const std::byte> events() const { return events_; }

 private:
  static void keep(void* context, std::span<const std::byte> bytes) {
    auto& events = *static_cast<std::vector<std::byte>*>(context);
    events.insert(events.end(), bytes.begin(), bytes.end());
  }

  std::uint32_t take_slot() {
    if (spare_.empty()) {
      frames_in_.push_back(0);
      return static_cast<std::uint32_t>(frames_in_.size() - 1);
    }
    const std::uint32_t slot = spare_.back();
    spare_.pop_back();
    return slot;
  }

  void free_frame(std::uint64_t us, Pfn pfn) {
    const replay::AllocationMap::Value value = live_.take(pfn);
    if (value == replay::AllocationMap::kNotLive) return;
    const std::uint32_t slot = value - 1;
    if (--frames_in_[slot] > 0) return;
    writer_.free(us, slot);
    spare_.push_back(slot);
  }

  double speed_;
  std::vector<std::byte> events_;
  TraceModuleWriter writer_;
  replay::AllocationMap live_;
  std::vector<std::uint32_t> frames_in_;  // frames of each slot that are not freed
  std::vector<std::uint32_t> spare_;
  std::optional<Nanoseconds> first_;
};

}  // namespace

std::optional<MemfdFile> trace_module(const BootRequest& request, std::string* error) {
  trace::TraceReader reader(*request.trace);
  Slots slots(request.speed);
  for (auto events = reader.next(); !events.empty(); events = reader.next()) {
    for (const trace::TraceEvent& event : events) {
      if (slots.add(event)) continue;
      *error = fmt::format("{}: the page frame numbers are spread too widely to be those of one machine",
                           *request.trace);
      return {};
    }
  }
  if (!reader.error().empty()) {
    *error = reader.error();
    return {};
  }
  auto file = MemfdFile::create("fallow-trace", error);
  if (reader.counts().events == 0) {
    *error = reader.no_event_error();
    return {};
  }
  const auto header = slots.header();
  if (file && file->append(header) && file->append(slots.events())) return file;
  if (file) *error = fmt::format("cannot write the boot module: {}", std::strerror(errno));
  return {};
}

}  // namespace fallow::cli
