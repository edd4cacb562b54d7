// A balloon device in a small guest, with an oracle. Before a queue is served, the oracle works on a copy of
// guest memory and computes, frame by frame and byte by byte, which memory may change.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <new>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "fallow/balloon/detail/balloon_lists.h"
#include "fallow/balloon/device/balloon_device.h"
#include "fallow/base/check.h"
#include "tests/support/recording_backing.h"

namespace fallow {

class BalloonMachine {
 public:
  static constexpr Features kOffered = kBalloonMustTellHost | kBalloonStatsVq | kBalloonDeflateOnOom |
                                       kBalloonFreePageHint | kBalloonPagePoison | kBalloonPageReporting |
                                       kBalloonInitReported | kFeatureVersion1 | kRingFeatures;
  static constexpr std::uint16_t kQueues = 5, kQueueSize = 16;
  static constexpr std::uint64_t kFrames = 40;
  static constexpr Pfn kFirst{0x4000};  // first frame of the backing
  static constexpr Pfn kBase{0x10};     // first frame of the guest
  static constexpr std::uint8_t kChoices = 9;

  // `choice` selects one of three memory maps and one of three host page sizes.
  explicit BalloonMachine(unsigned choice)
      : page_(std::array<std::uint64_t, 3>{1, 4, 8}[choice / 3 % 3]),
        memory_(zeroed(0, kFrames * kFrameSize)),
        copy_(zeroed(1, kFrames * kFrameSize)),
        backing(memory_, kFirst, {kFrames}, {page_}),
        regions_(maps()[choice % 3]) {
    std::vector<MappedRegion> mapped;
    std::vector<GuestRegion> copied;
    for (const Region& r : regions_) {
      const GuestRegion guest{
          address_of(Pfn{r.guest}), {r.frames * kFrameSize}, memory_ + r.target * kFrameSize};
      mapped.push_back({guest, &backing, kFirst + PfnCount{r.target}});
      copied.push_back({guest.base, guest.size, copy_ + r.target * kFrameSize});
    }
    FALLOW_CHECK(map_.assign(mapped) == Status::Ok);
    FALLOW_CHECK(copied_.assign(copied) == Status::Ok);
    BalloonDeviceConfig config;
    config.features = kOffered;
    config.max_queue_size = kQueueSize;
    const ByteCount size = BalloonDevice::metadata_size(config, map_);
    device_ =
        BalloonDevice::create(config, map_, notifier_, nullptr, {zeroed(2, size.raw), size.raw}).value();
    FALLOW_CHECK(device_ != nullptr);
  }

  BalloonDevice& device() { return *device_; }
  const GuestMemory& memory() const { return map_.guest(); }
  bool live(std::uint16_t queue) const {
    return device_->started(queue) &&
           (device_->status() & (kStatusDriverOk | kStatusNeedsReset)) == kStatusDriverOk;
  }
  std::uint16_t number(BalloonQueue queue) const { return device_->number(queue); }

  // ---- Driver operations ----

  void set_status(std::uint8_t status) {
    const unsigned before = device_->status();
    device_->set_status(status);
    const unsigned now = device_->status();
    if (status == 0) {
      FALLOW_CHECK(now == 0 && device_->accepted() == 0 && device_->stats().inflated.raw == 0);
      for (Shadow& shadow : shadows_) shadow.active = nullptr;
      balloon_.clear();
      held_ = false;
      return;
    }
    FALLOW_CHECK((before & ~now) == 0 && (now & ~before & ~unsigned{status}) == 0);
    FALLOW_CHECK((now & kStatusDriverOk) == 0 || (now & kStatusFeaturesOk) != 0);
    FALLOW_CHECK((now & kStatusFeaturesOk) == 0 || (device_->accepted() & ~kOffered) == 0);
  }

  Status start_queue(std::uint16_t queue, const detail::QueueAddresses& at) {
    return start_queue(queue, at, QueuePosition::fresh(device_->has(kFeatureRingPacked)));
  }
  Status start_queue(std::uint16_t queue, const detail::QueueAddresses& at, QueuePosition position) {
    const bool there = device_->started(queue);
    const Status status = device_->start_queue(queue, at, position);
    FALLOW_CHECK(status != Status::Ok || (!there && queue < kQueues));
    if (status == Status::Ok) {
      Shadow& shadow = shadows_[queue];
      const detail::RingOptions options{device_->has(kFeatureRingPacked), device_->has(kFeatureEventIdx),
                                        device_->has(kFeatureIndirectDesc)};
      shadow.active = options.packed ? static_cast<DeviceQueue*>(&shadow.packed) : &shadow.split;
      shadow.at = at;
      shadow.is_packed = options.packed;
      FALLOW_CHECK(shadow.active->start(copied_, at, options, position, shadow.room) == Status::Ok);
    }
    return status;
  }
  void stop_queue(std::uint16_t queue) {
    const bool statistics = queue == number(BalloonQueue::Stats);
    const QueuePosition position = device_->stop_queue(queue);
    if (queue >= kQueues || shadows_[queue].active == nullptr) return;
    const QueuePosition expected = shadows_[queue].active->position();
    FALLOW_CHECK(position.next_avail == expected.next_avail && position.next_used == expected.next_used);
    shadows_[queue].active = nullptr;
    if (statistics) held_ = false;
  }

  // bring_up() places each part of a ring on a separate page, from the first guest page on.
  static detail::QueueAddresses place(std::uint16_t queue) {
    const GuestPhys page = address_of(kBase + PfnCount{queue});
    return {kQueueSize, page, page + ByteCount{0x400}, page + ByteCount{0x800}};
  }
  void bring_up(Features features) {
    set_status(0);
    device_->accept((features & kOffered) | kFeatureVersion1);
    for (std::uint16_t queue = 0; queue < kQueues; ++queue) {
      const std::vector<std::byte> zero(kFrameSize);
      write(place(queue).descriptors, zero.data(), zero.size());
    }
    set_status(kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk);
    for (std::uint16_t queue = 0; queue < kQueues; ++queue)
      static_cast<void>(start_queue(queue, place(queue)));
    set_status(kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk | kStatusDriverOk);
  }

  // The part that lies in memory.
  void write(GuestPhys address, const void* from, std::size_t size) {
    const auto* left = static_cast<const std::byte*>(from);
    for_each_piece(memory(), address, size, [&](std::byte* host, std::size_t n) {
      if (host != nullptr) std::memcpy(host, left, n);
      left += n;
      return true;
    });
  }

  // ---- Serving a queue and its permitted effects ----

  // Serves one chain and checks the changes in guest memory.
  void kick(std::uint16_t queue) {
    if (!live(queue)) {
      remember();
      static_cast<void>(device_->process(queue, 1));
      FALLOW_CHECK(unchanged({}));
      return;
    }
    Shadow& shadow = shadows_[queue];
    remember();
    static_cast<void>(shadow.active->ask_for_kicks(false));  // the ring may lie anywhere, even overlap itself
    Chain chain;
    const Popped popped = shadow.active->pop(chain);
    Expected expected;
    bool kept = false;
    if (popped == Popped::Chain) {
      expected = expect(queue, chain.buffers);
      if (queue == number(BalloonQueue::Stats)) {
        kept = !held_;
        if (kept) held_chain_ = chain;
        held_ = true;
      }
    }
    remember();
    const std::size_t before = backing.discards.size();
    static_cast<void>(device_->process(queue, 1));
    check(expected, before);
    FALLOW_CHECK(unchanged(discarded_since(before)));
    FALLOW_CHECK(device_->stats().inflated.raw == balloon_.size());
    const bool broken = (device_->status() & kStatusNeedsReset) != 0;
    FALLOW_CHECK(broken == (popped == Popped::Broken));
    if (popped == Popped::Chain && !kept) shadow.active->push(chain, 0);
  }

  void request_statistics() {
    const std::uint16_t queue = number(BalloonQueue::Stats);
    const Status status = device_->request_statistics();
    FALLOW_CHECK((status == Status::Ok) == (held_ && live(queue)));
    if (status != Status::Ok) return;
    held_ = false;
    shadows_[queue].active->push(held_chain_, 0);
  }

  RecordingBacking& back() { return backing; }
  // Announces memory again, as a monitor does when it adds memory. Frames in the balloon stay there.
  void say_memory_again() {
    if (device_->started(0)) FALLOW_CHECK(device_->change_memory(map_, {}) == Status::Busy);
    for (std::uint16_t queue = 0; queue < kMaxQueues; ++queue) stop_queue(queue);
    words_[next_words_].assign(detail::InflatedPages::words(map_), 0);
    FALLOW_CHECK(device_->change_memory(map_, words_[next_words_]) == Status::Ok);
    FALLOW_CHECK(device_->change_memory(map_, {}) == Status::InvalidArgument);
    next_words_ ^= 1;
    FALLOW_CHECK(device_->stats().inflated.raw == balloon_.size());
  }

  void pause(bool on) {
    paused_ = on;
    device_->pause_reporting(on);
  }

 private:
  struct Region {
    std::uint64_t guest, frames, target;
  };
  struct Shadow {
    detail::SplitDeviceQueue split;
    detail::PackedDeviceQueue packed;
    DeviceQueue* active = nullptr;
    bool is_packed = false;
    detail::QueueAddresses at;
    std::array<detail::QueueBuffer, kQueueSize> room;
  };
  struct NoNotifier final : DriverNotifier {
    void queue_used(std::uint16_t) noexcept override {}
    void config_changed() noexcept override {}
  };
  struct Delete {
    void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{4096}); }
  };
  // Returns the i-th memory block, which is reused between runs: allocation would take most of the time of a
  // run.
  static std::byte* zeroed(std::size_t i, std::size_t size) {
    static std::array<std::unique_ptr<std::byte[], Delete>, 3> kept;
    if (kept[i] == nullptr) {
      kept[i].reset(new (std::align_val_t{4096}) std::byte[size]{});
    } else {
      std::memset(kept[i].get(), 0, size);
    }
    return kept[i].get();
  }
  using Frames = std::set<std::uint64_t>;  // frames of the backing, relative to the first

  // Computes which frames may be discarded; `all`: these frames must be discarded.
  struct Expected {
    Frames frames;
    bool all = false;
  };

  // One region; three regions of which two are adjacent, also in the backing; three regions adjacent only in
  // the guest.
  static const std::array<std::vector<Region>, 3>& maps() {
    static const std::array<std::vector<Region>, 3> all = {
        std::vector<Region>{{0x10, 40, 0}}, std::vector<Region>{{0x10, 8, 0}, {0x18, 8, 8}, {0x30, 24, 16}},
        std::vector<Region>{{0x10, 10, 30}, {0x1a, 10, 4}, {0x40, 14, 16}}};
    return all;
  }

  void remember() { std::memcpy(copy_, memory_, kFrames * kFrameSize); }

  Frames discarded_since(std::size_t before) const {
    Frames frames;
    for (std::size_t i = before; i < backing.discards.size(); ++i) {
      const auto& run = backing.discards[i];
      for (std::uint64_t f = 0; f < run.count.raw; ++f) frames.insert((run.first - kFirst).raw + f);
    }
    return frames;
  }

  void check(const Expected& expected, std::size_t before) const {
    const Frames discarded = discarded_since(before);
    for (const std::uint64_t frame : discarded) FALLOW_CHECK(expected.frames.count(frame) == 1);
    FALLOW_CHECK(!expected.all || discarded.size() == expected.frames.size());
  }

  // Returns whether memory is unchanged, except discarded frames and the writes of the device to a ring.
  bool unchanged(const Frames& discarded) const {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> areas;
    for (const Shadow& s : shadows_) {
      if (s.active == nullptr) continue;
      if (s.is_packed) areas.emplace_back(s.at.descriptors.raw, std::uint64_t{16} * s.at.size);
      areas.emplace_back(s.at.device_area.raw, s.is_packed ? 4 : detail::UsedRing::bytes(s.at.size).raw);
    }
    for (const Region& r : regions_) {
      for (std::uint64_t f = 0; f < r.frames; ++f) {
        const std::size_t at = (r.target + f) * kFrameSize;
        if (std::memcmp(&memory_[at], &copy_[at], kFrameSize) == 0 || discarded.count(r.target + f) != 0)
          continue;
        for (std::uint64_t i = 0; i < kFrameSize; ++i) {
          if (memory_[at + i] == copy_[at + i]) continue;
          const std::uint64_t address = (r.guest + f) * kFrameSize + i;
          bool inside = false;
          for (const auto& [start, size] : areas) inside |= address >= start && address - start < size;
          if (!inside) return false;
        }
      }
    }
    return true;
  }

  // Calls f(address, length) for each part of a range, each within one frame, until f returns false or the
  // address wraps. The address is null for a part outside memory.
  template <class F>
  static void for_each_piece(const GuestMemory& memory, GuestPhys at, std::size_t left, F f) {
    while (left != 0) {
      const std::size_t n = std::min<std::size_t>(left, kFrameSize - at.raw % kFrameSize);
      if (!f(memory.translate(at, {n}), n) || at.raw + n == 0) return;
      at = at + ByteCount{n};
      left -= n;
    }
  }

  Expected expect(std::uint16_t queue, std::span<const detail::QueueBuffer> buffers) {
    if (queue == number(BalloonQueue::Reporting)) return expect_report(buffers);
    if (queue == number(BalloonQueue::Inflate)) return expect_inflate(buffers);
    if (queue == number(BalloonQueue::Deflate)) {
      for (const std::uint64_t frame : list(buffers, detail::kMaxListFrames)) balloon_.erase(frame);
    }
    return {{}, true};
  }

  Expected expect_report(std::span<const detail::QueueBuffer> buffers) {
    if (paused_) return {{}, true};
    if (device_->has(kBalloonPagePoison) && (device_->poison() != 0 || backing.promised != Content::Zero))
      return {{}, true};
    std::vector<std::uint8_t> named(kFrames * kFrameSize);
    for (const detail::QueueBuffer& b : buffers) {
      if (!b.device_writable || b.length > ~b.address.raw) continue;
      if (memory().present(b.address, {b.length}).raw != b.length) continue;  // DEV-5
      for_each_piece(memory(), b.address, b.length, [&](const std::byte* host, std::size_t n) {
        if (host != nullptr) std::memset(&named[static_cast<std::size_t>(host - memory_)], 1, n);
        return host != nullptr;
      });
    }
    Frames frames;
    for (std::uint64_t f = 0; f < kFrames; ++f) {
      if (std::memchr(&named[f * kFrameSize], 0, kFrameSize) == nullptr) frames.insert(f);
    }
    return {whole_pages(frames), page_ == 1};
  }

  Expected expect_inflate(std::span<const detail::QueueBuffer> buffers) {
    Frames fresh;
    for (const std::uint64_t frame : list(buffers, detail::kMaxListFrames)) {
      if (balloon_.insert(frame).second) fresh.insert(frame);
    }
    if (page_ == 1) return {fresh, true};
    if (!device_->has(kBalloonMustTellHost)) return {whole_pages(fresh), false};
    // Host pages of one region that lie wholly in the balloon and contain a newly added frame.
    Frames frames;
    for (const Region& r : regions_) {
      for (std::uint64_t page = 0; page + page_ <= kFrames; page += page_) {
        if (page < r.target || page + page_ > r.target + r.frames) continue;
        bool whole = true, touched = false;
        for (std::uint64_t f = page; f < page + page_; ++f) {
          whole &= balloon_.count(f) == 1;
          touched |= fresh.count(f) == 1;
        }
        if (!whole || !touched) continue;
        for (std::uint64_t f = page; f < page + page_; ++f) frames.insert(f);
      }
    }
    return {frames, true};
  }

  // Returns the frames that make up whole host pages.
  Frames whole_pages(const Frames& frames) const {
    Frames whole;
    for (std::uint64_t page = 0; page + page_ <= kFrames; page += page_) {
      std::uint64_t there = 0;
      for (std::uint64_t f = page; f < page + page_; ++f) there += frames.count(f);
      if (there != page_) continue;
      for (std::uint64_t f = page; f < page + page_; ++f) whole.insert(f);
    }
    return whole;
  }

  // Returns the frames of the backing that a list names. `most` limits the numbers read.
  std::vector<std::uint64_t> list(std::span<const detail::QueueBuffer> buffers, std::size_t most) const {
    std::vector<std::byte> stream;
    bool there = true;
    for (const detail::QueueBuffer& b : buffers) {
      if (b.device_writable || !there) break;
      const std::size_t length = std::min<std::size_t>(b.length, most * 4 - stream.size());
      for_each_piece(copied_, b.address, length, [&](const std::byte* host, std::size_t n) {
        there = host != nullptr;
        if (there) stream.insert(stream.end(), host, host + n);
        return there;
      });
    }
    std::vector<std::uint64_t> frames;
    for (std::size_t at = 0; at + 4 <= stream.size(); at += 4) {
      std::uint64_t number = 0;
      for (std::size_t i = 4; i-- > 0;) number = number << 8 | std::to_integer<std::uint8_t>(stream[at + i]);
      for (const Region& r : regions_) {
        if (number >= r.guest && number - r.guest < r.frames) frames.push_back(r.target + number - r.guest);
      }
    }
    return frames;
  }

  std::uint64_t page_;
  std::byte *memory_, *copy_;
  RecordingBacking backing;
  std::vector<Region> regions_;
  static constexpr std::uint16_t kMaxQueues = VirtioDevice::kMaxQueues;
  std::vector<std::uint64_t>
      words_[2];  // memory of the balloon; say_memory_again() alternates between the two
  std::size_t next_words_ = 0;
  MemoryMap map_;
  GuestMemory copied_;  // the same addresses in the copy
  NoNotifier notifier_;
  BalloonDevice* device_ = nullptr;

  std::array<Shadow, kQueues> shadows_;
  Frames balloon_;
  bool held_ = false, paused_ = false;
  Chain held_chain_;
};

}  // namespace fallow
