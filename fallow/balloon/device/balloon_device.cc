#include "fallow/balloon/device/balloon_device.h"

#include <new>

#include "fallow/balloon/detail/balloon_lists.h"

namespace fallow {
namespace {

constexpr std::uint64_t kLine = 64;
constexpr std::uint64_t line_up(std::uint64_t n) { return (n + kLine - 1) & ~(kLine - 1); }

constexpr Features kKnown = kBalloonKnownFeatures | kFeatureVersion1 | kRingFeatures;

constexpr QueueNumbers kAllNumbers[] = {QueueNumbers::WithoutGaps, QueueNumbers::AsPrinted,
                                        QueueNumbers::OverOffered};

bool valid(const BalloonDeviceConfig& c) {
  // 2.2.2: a feature is offered only together with the features that it requires.
  const bool complete = (c.features & kBalloonInitReported) == 0 || (c.features & kBalloonPageReporting) != 0;
  return c.max_queue_size >= 1 && c.max_queue_size <= detail::kMaxQueueSize && (c.features & ~kKnown) == 0 &&
         complete;
}

}  // namespace

// The parts of the device, in the order of their addresses in the metadata.
struct BalloonDevice::Layout {
  Layout(const BalloonDeviceConfig& c, const MemoryMap& map)
      : rooms(std::size_t{fallow::queue_count(c.features)} * c.max_queue_size),
        ranges(c.max_queue_size > detail::kMaxListFrames ? c.max_queue_size : detail::kMaxListFrames),
        pieces(ranges + GuestMemory::kMaxRegions),
        words(detail::InflatedPages::words(map)),
        rooms_at(line_up(sizeof(BalloonDevice))),
        ranges_at(line_up(rooms_at + rooms * sizeof(detail::QueueBuffer))),
        pieces_at(line_up(ranges_at + ranges * sizeof(detail::GuestRange))),
        list_at(line_up(pieces_at + pieces * sizeof(detail::Releaser::Piece))),
        words_at(line_up(list_at + detail::kListBytes)),
        end(words_at + words * sizeof(std::uint64_t)) {}

  // Zero-filled memory is a valid initial state of each part. Most of the words are therefore never touched.
  template <class T>
  static std::span<T> place(std::byte* metadata, std::uint64_t at, std::size_t n) noexcept {
    return {reinterpret_cast<T*>(metadata + at), n};
  }

  std::size_t rooms, ranges, pieces, words;
  std::uint64_t rooms_at, ranges_at, pieces_at, list_at, words_at, end;
};

const char* describe(Refusal why) noexcept {
  switch (why) {
    case Refusal::Empty:
      return "the length is 0";
    case Refusal::Wraps:
      return "the range extends past the end of the address space";
    case Refusal::OutsideMemory:
      return "the range is outside guest memory";
    case Refusal::PartOfPage:
      return "the range covers no whole host page";
    case Refusal::NotWritable:
      return "a report contains a readable element";
    case Refusal::NotReadable:
      return "an element that the device reads is writable";
    case Refusal::ListLength:
      return "the list is truncated or too long";
    case Refusal::Poison:
      return "the pages must keep the guest's poison value";
    case Refusal::Unpromised:
      return "the pages must read as zero, which the backing does not guarantee";
    case Refusal::HintId:
      return "the hint has no current command id";
    case Refusal::SecondBuffer:
      return "a second statistics buffer was queued";
    case Refusal::NotReleased:
      return "the backing failed to release the memory";
  }
  return "refused";
}

ByteCount BalloonDevice::metadata_size(const BalloonDeviceConfig& config, const MemoryMap& map) noexcept {
  return valid(config) ? ByteCount{Layout(config, map).end} : ByteCount{};
}

Result<BalloonDevice*> BalloonDevice::create(const BalloonDeviceConfig& config, const MemoryMap& map,
                                             DriverNotifier& notifier, BalloonObserver* observer,
                                             std::span<std::byte> metadata) noexcept {
  if (!valid(config)) return Status::InvalidArgument;
  const Layout at(config, map);
  const bool aligned = reinterpret_cast<std::uintptr_t>(metadata.data()) % kLine == 0;
  if (metadata.size() < at.end || !aligned) return Status::InvalidArgument;
  return new (metadata.data()) BalloonDevice(config, map, notifier, observer, at, metadata.data());
}

BalloonDevice::BalloonDevice(const BalloonDeviceConfig& config, const MemoryMap& map,
                             DriverNotifier& notifier, BalloonObserver* observer, const Layout& at,
                             std::byte* metadata) noexcept
    : VirtioDevice(map.guest(), notifier, config.features | kFeatureVersion1,
                   fallow::queue_count(config.features), config.max_queue_size,
                   Layout::place<detail::QueueBuffer>(metadata, at.rooms_at, at.rooms)),
      map_(&map),
      observer_(observer),
      ranges_(Layout::place<detail::GuestRange>(metadata, at.ranges_at, at.ranges)),
      releaser_(map, Layout::place<detail::Releaser::Piece>(metadata, at.pieces_at, at.pieces)),
      list_(metadata + at.list_at, detail::kListBytes),
      inflated_(map, Layout::place<std::uint64_t>(metadata, at.words_at, at.words)) {}

Status BalloonDevice::change_memory(const MemoryMap& map, std::span<std::uint64_t> words) noexcept {
  for (std::uint16_t queue = 0; queue < queue_count(); ++queue) {
    if (started(queue)) return Status::Busy;
  }
  if (words.size() < detail::InflatedPages::words(map)) return Status::InvalidArgument;
  detail::InflatedPages next(map, words);
  inflated_.for_each([&](std::size_t region, PfnCount frame) {
    const GuestPhys address = memory().regions()[region].base + bytes(frame);
    if (const GuestRegion* const there = map.guest().find(address); there != nullptr)
      next.add(map.index(*there), whole_frames(address - there->base));
  });
  inflated_ = next;
  counts_.inflated.store(inflated_.count().raw, std::memory_order_relaxed);
  map_ = &map;
  set_memory(map.guest());
  releaser_.set_map(map);
  return Status::Ok;
}

// Returns whether the queue, and each queue that is set up, exists under these numbers.
bool BalloonDevice::numbers_all(std::uint16_t queue, QueueNumbers numbers) const noexcept {
  const auto exists = [&](std::uint16_t other) {
    for (unsigned i = 0; i <= static_cast<unsigned>(BalloonQueue::Reporting); ++i) {
      if (number(static_cast<BalloonQueue>(i), numbers) == other) return true;
    }
    return false;
  };
  for (std::uint16_t other = 0; other < queue_count(); ++other) {
    if ((other == queue || started(other)) && !exists(other)) return false;
  }
  return true;
}

bool BalloonDevice::has_queue(std::uint16_t queue) const noexcept {
  for (const QueueNumbers numbers : kAllNumbers) {
    if (queue < queue_count() && numbers_all(queue, numbers)) return true;
  }
  return false;
}

void BalloonDevice::queue_started(std::uint16_t queue) noexcept {
  for (const QueueNumbers numbers : kAllNumbers) {
    if (!numbers_all(queue, numbers)) continue;
    numbers_ = numbers;
    return;
  }
}

bool BalloonDevice::serve(std::uint16_t queue, const Chain& chain, std::uint32_t& written) noexcept {
  written = 0;  // only reports ever write into a buffer
  if (queue == number(BalloonQueue::Reporting)) {
    written = serve_report(chain.buffers);
  } else if (queue == number(BalloonQueue::Inflate)) {
    serve_inflate(chain.buffers);
  } else if (queue == number(BalloonQueue::Deflate)) {
    serve_deflate(chain.buffers);
  } else if (queue == number(BalloonQueue::Hint)) {
    serve_hint(chain.buffers);
  } else {
    return serve_statistics(chain);
  }
  return true;
}

void BalloonDevice::queue_stopped(std::uint16_t queue) noexcept {
  if (queue == number(BalloonQueue::Stats)) held_ = {};
  if (queue == number(BalloonQueue::Hint)) {
    driver_hint_id_ = kHintStop;
    hinting_ = false;
  }
  for (std::uint16_t other = 0; other < queue_count(); ++other) {
    if (started(other)) return;
  }
  numbers_ = QueueNumbers::WithoutGaps;
}

void BalloonDevice::device_reset() noexcept {
  forget_driver();
  held_ = {};
}

void BalloonDevice::forget_driver() noexcept {
  actual_.store(0, std::memory_order_relaxed);
  poison_.store(0, std::memory_order_relaxed);
  poison_in_doubt_ = false;
  hint_command_ = driver_hint_id_ = kHintStop;
  hinting_ = false;
  said_ = 0;
  inflated_.clear();
  counts_.inflated.store(0, std::memory_order_relaxed);
}

void BalloonDevice::refuse(Refusal why, std::uint64_t n) noexcept {
  if (n != 0) counts_.refused[static_cast<std::size_t>(why)].fetch_add(n, std::memory_order_relaxed);
}

void BalloonDevice::say(BalloonObserver::Notice notice) noexcept {
  const auto bit = static_cast<std::uint8_t>(1U << static_cast<unsigned>(notice));
  if ((said_ & bit) != 0) return;
  said_ = static_cast<std::uint8_t>(said_ | bit);
  if (observer_ != nullptr) observer_->notice(notice);
}

BalloonDeviceStats BalloonDevice::stats() const noexcept {
  const auto read = [](const auto& counter) { return counter.load(std::memory_order_relaxed); };
  BalloonDeviceStats s;
  s.reports = read(counts_.reports);
  s.entries = read(counts_.entries);
  s.reported = {read(counts_.reported)};
  s.released = {read(counts_.released)};
  s.discards = read(counts_.discards);
  s.paused = read(counts_.paused);
  s.inflated = {read(counts_.inflated)};
  s.inflated_twice = read(counts_.inflated_twice);
  s.inflate_released = {read(counts_.inflate_released)};
  s.hinted = read(counts_.hinted);
  for (std::size_t i = 0; i < kRefusals; ++i) s.refused[i] = read(counts_.refused[i]);
  return s;
}

}  // namespace fallow
