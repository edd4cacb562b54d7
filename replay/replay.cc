#include "replay/replay.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <utility>

#include "fallow/virtio/ring/detail/split_layout.h"
#include "replay/replay_run.h"
#include "replay/trace_input.h"

namespace fallow::replay {
namespace {

constexpr std::uint64_t kGrain = 1024;  // in frames: 4 MiB
constexpr PfnCount kSmallest{65536};    // 256 MiB: with less memory, `linux` would report nothing
constexpr PfnCount kLargest{std::uint64_t{1} << 31};  // 8 TiB
constexpr double kFastest = 1e6, kSlowest = 1e-3;

bool power_of_two(unsigned n) { return (n & (n - 1)) == 0; }

std::string invalid_option(const BalloonOptions& o) {
  if (!o.virtio()) return {};
  if (o.queue_size == 0 || o.queue_size > detail::kMaxQueueSize)
    return fmt::format("queue size {}: expected 1 to {} descriptors", o.queue_size, detail::kMaxQueueSize);
  if (o.transport == TransportKind::VirtioSplit && !power_of_two(o.queue_size))
    return fmt::format("queue size {}: expected a power of two for a split ring", o.queue_size);
  if (o.in_flight == 0 || o.in_flight > o.queue_size)
    return fmt::format("{} requests in flight: expected 1 to {}, the queue size", o.in_flight, o.queue_size);
  return {};
}

std::string invalid_option(const PolicySpec& o) {
  if (o.kind == PolicyKind::None) return "policy none: expected a policy that reports: aged, hwm or linux";
  if (o.kind == PolicyKind::Hwm && o.threshold == 0) return "high-water mark 0: expected at least 1";
  if (o.kind == PolicyKind::Aged && (o.age < AgedPolicy::kMinAge || o.age > AgedPolicy::kMaxAge))
    return fmt::format("age {} s: expected 1 ms to 24 h", static_cast<double>(o.age.raw) / 1e9);
  return {};
}

// Describes the first invalid option; empty if all options are valid.
std::string invalid_option(const ReplayOptions& o) {
  if (o.order > kMaxOrder) return fmt::format("order {}: expected 0 to {}", o.order.raw, kMaxOrder.raw);
  if (o.capacity == 0) return "capacity 0: expected at least one entry a request";
  if (std::string why = invalid_option(o.policy); !why.empty()) return why;
  if (o.speed != 0 && !(o.speed >= kSlowest && o.speed <= kFastest))
    return fmt::format("speed {}: expected {} to {}", o.speed, kSlowest, kFastest);
  if (o.verify && o.backing == BackingKind::None)
    return "verify needs host memory: use the backing anon, thp or memfd";
  if (o.lazy_free && o.backing != BackingKind::Anonymous && o.backing != BackingKind::Thp)
    return "MADV_FREE needs anonymous memory: use the backing anon or thp";
  if (o.memory && (whole_frames(*o.memory).raw == 0 || whole_frames(*o.memory) > kLargest))
    return fmt::format("memory of {} bytes: expected 4 KiB to 8 TiB", o.memory->raw);
  if (o.page.raw < kFrameShift || o.page > trace::kMaxPageShift)
    return fmt::format("page size of 2^{} bytes: expected 4 KiB to 64 KiB", o.page.raw);
  return invalid_option(o.balloon);
}

// Returns twice the peak, rounded up to whole pairs of blocks.
PfnCount default_memory(PfnCount peak) {
  const PfnCount twice{(2 * peak.raw + kGrain - 1) / kGrain * kGrain};
  return std::min(std::max(twice, kSmallest), kLargest);
}

}  // namespace

Expected<ReplayResult> replay(const ReplayOptions& options, ReplayObserver* observer) {
  const auto start = std::chrono::steady_clock::now();
  if (std::string why = invalid_option(options); !why.empty()) return why;
  const bool twice = !options.memory;
  const auto input = TraceInput::open(options.trace, {options.skip_bad_lines, options.page}, twice);
  if (!input) return input.error;
  TraceExtent extent;
  if (twice) {
    const auto measured = input.object->measure(observer, options.stop);
    if (!measured) return measured.error;
    extent = *measured.object;
  }
  if (extent.stopped) {
    auto result = std::make_unique<ReplayResult>();
    result->stopped = true;
    return result;
  }
  const PfnCount memory = twice ? default_memory(extent.peak) : whole_frames(*options.memory);
  auto run = ReplayRun::create(options, memory, extent.duration, observer);
  if (!run) return run.error;
  const auto reader = input.object->read();
  if (!run.object->play(*reader)) return run.object->error();
  auto result = std::make_unique<ReplayResult>(run.object->finish());
  if (!run.object->error().empty()) return run.object->error();
  result->wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace fallow::replay
