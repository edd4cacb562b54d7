// A front-end that answers no rule of sanity: rings where it likes, memory that it frees as soon as it may,
// features, bases and configurations at any time. It knows all that may have been written into its memory.
#pragma once

#include <algorithm>
#include <random>

#include "fallow/virtio/packed_layout.h"
#include "fallow/virtio/split_layout.h"
#include "tests/support/vhost_server.h"

namespace fallow {

// Its guest's memory: lots, in which rings lie; a list of frames for each queue; pages to report and inflate.
class RandomFrontEnd {
 public:
  RandomFrontEnd(VhostServerBox& box, std::uint32_t seed)
      : box_(box),
        random_(seed),
        guest_(box.path,
               {.features = features_of(seed), .memory = kPages + kPageCount * kPage, .queue_size = kSize}) {
    std::memset(guest_.memory(), static_cast<int>(kTheirs), guest_.options.memory);
    expected_.assign(kPages, kTheirs);
  }

  // Empty, or what was written that must not be.
  std::string run(unsigned steps) {
    static_cast<void>(guest_.ack(VhostRequest::SetProtocolFeatures, bytes_of(kVhostServed)));
    if (one_of(8) != 0) {
      static_cast<void>(guest_.negotiate());
      if (one_of(3) == 0) accept(guest_.accepted & ~kVhostFProtocolFeatures);
      static_cast<void>(guest_.set_memory());
    }
    for (std::uint16_t queue = 0; queue < kQueues; ++queue) set_up(queue);
    for (unsigned i = 0; i < steps && error_.empty() && !guest_.hung_up(0); ++i) step();
    look();
    // What is under way is over then.
    for (std::uint16_t queue = 0; queue < kQueues; ++queue) stop(queue);
    return error_;
  }
  const std::string& made() const { return made_; }

 private:
  static constexpr std::uint64_t kPage = 4096, kLot = 2 * kPage, kLots = 16;
  static constexpr std::uint64_t kLists = kLots * kLot, kPages = kLists + 8 * kPage, kPageCount = 64;
  static constexpr std::uint16_t kSize = 16, kQueues = VhostGuest::kMostQueues;
  static constexpr std::byte kTheirs{0x6b};  // what a guest has where no ring is

  // A ring as the protocol has it.
  struct Ring {
    std::uint64_t lot = kLots;  // where it lies; kLots: nowhere
    bool described = false;     // the back-end knows its size, base and addresses
    bool kick = false;          // and its kick descriptor
    bool started = false;
    bool enabled = false;
    bool rests = false;           // its driver may have freed it: nothing is to be written
    bool sound = false;           // it is what a driver set up, at the base where it is
    std::uint32_t available = 0;  // chains since it was set up
    std::uint32_t base = 0;       // that GET_VRING_BASE said
  };

  static Features features_of(std::uint32_t seed) {
    Features features = kBalloonMustTellHost | kBalloonDeflateOnOom;
    if (seed % 2 == 0) features |= kBalloonStatsVq;
    if (seed % 7 != 0) features |= kBalloonPageReporting;
    if (seed % 5 == 0) features |= kBalloonPagePoison;
    if (seed % 3 == 0) features |= kFeatureEventIdx;
    if (seed % 4 == 0) features |= kFeatureRingPacked;
    return features;
  }
  std::uint32_t one_of(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  void note(const std::string& what) { made_ += what + "\n"; }
  bool can_disable() const { return (guest_.accepted & kVhostFProtocolFeatures) != 0; }
  bool writable(const Ring& ring) const {
    return ring.started && !ring.rests && (ring.enabled || !can_disable());
  }

  // ---- What it does. ----

  void step() {
    const auto queue = static_cast<std::uint16_t>(one_of(kQueues));
    switch (one_of(20)) {
      case 0:
        return write_config();
      case 1:
        return another_driver();
      case 2:
        note("SET_MEM_TABLE");
        static_cast<void>(guest_.set_memory());
        return look();
      case 3:
      case 4:
        return set_up(queue);
      case 5:
        return free_disabled(queue);
      case 6:
        return set_base(queue, one_of(2) == 0 ? one_of(4) : static_cast<std::uint32_t>(random_()));
      case 7:
        return enable(queue, one_of(3) != 0);
      case 8:
        return stop(queue);
      case 9:
        return go_on(queue);
      case 10:
        return unload_without_a_word();
      case 11:
        note("statistics");
        static_cast<void>(box_.ask([](Server& s) { return s.request_statistics(0); }));
        return look();
      case 12:
        return kick(queue);
      default:
        return make_available(queue);
    }
  }

  void write_config() {
    const std::uint32_t offset = one_of(20), size = 1 + one_of(20);
    note("SET_CONFIG " + std::to_string(offset) + " " + std::to_string(size));
    Bytes payload = bytes_of(VhostConfigHead{offset, size, 0});
    payload.resize(payload.size() + size, one_of(3) == 0 ? std::byte{0xaa} : std::byte{0});
    static_cast<void>(guest_.ack(VhostRequest::SetConfig, payload));
  }
  void accept(std::uint64_t features) {
    note("SET_FEATURES " + std::to_string(features));
    const bool accepted = guest_.set_features(features) == 0;
    look();
    for (Ring& ring : rings_) {
      if (ring.started) gone(ring);
    }
    if (accepted) guest_.accepted = features;
  }
  void another_driver() {
    switch (one_of(4)) {
      case 0:
        return accept(guest_.accepted ^ kBalloonDeflateOnOom);
      case 1:
        return accept(one_of(8) == 0 ? guest_.accepted ^ kVhostFProtocolFeatures : guest_.accepted);
      case 2:
        note("RESET_DEVICE");
        static_cast<void>(guest_.ack(VhostRequest::ResetDevice));
        break;
      default:
        note("SET_STATUS 0");
        static_cast<void>(guest_.ack(VhostRequest::SetStatus, bytes_of(std::uint64_t{0})));
    }
    look();
    for (Ring& ring : rings_) {
      if (ring.started) gone(ring);
      ring.enabled = false;
    }
  }
  // The ring has to be described from the beginning; where it was, something else is now.
  void gone(Ring& ring) {
    ring.started = ring.described = ring.kick = false;
    give_up_lot(ring);
  }
  void give_up_lot(Ring& ring) {
    if (ring.lot == kLots) return;
    std::memset(guest_.memory() + ring.lot * kLot, static_cast<int>(kTheirs), kLot);
    own(ring.lot * kLot, kLot);
    ring.lot = kLots;
    ring.sound = false;
  }

  void set_up(std::uint16_t queue) {
    Ring& ring = rings_[queue];
    std::uint64_t lot = one_of(kLots);
    while (std::any_of(std::begin(rings_), std::end(rings_), [&](const Ring& r) { return r.lot == lot; }))
      lot = (lot + 1) % kLots;
    note("set up " + std::to_string(queue) + " in lot " + std::to_string(lot));
    // The back-end hears of it before its lot is something else's, or of the new one only.
    if (ring.started && !ring.rests) end(queue);
    make_ring(queue, lot);
    const std::uint32_t base = guest_.fresh_base();
    const bool described = guest_.describe_ring(queue, base);
    look();
    give_up_lot(ring);
    ring = {lot, described, ring.kick, false, ring.enabled, false, true, 0, base};
    kick(queue);
    if (one_of(6) != 0) enable(queue, true);
  }
  void end(std::uint16_t queue) {
    if (one_of(2) == 0) return stop(queue);
    note("SET_VRING_BASE 0 " + std::to_string(queue));
    const bool taken = guest_.ack(VhostRequest::SetVringBase, bytes_of(VhostVringState{queue, 0})) == 0;
    look();
    if (taken) rings_[queue].started = false;
  }
  void make_ring(std::uint16_t queue, std::uint64_t lot) {
    VhostGuest::Ring& ring = guest_.rings[queue];
    ring.close();
    guest_.packed = (guest_.accepted & kFeatureRingPacked) != 0;
    ring.driver = guest_.packed ? static_cast<DriverQueue*>(&ring.packed) : &ring.split;
    DriverQueueConfig config;
    config.size = kSize;
    config.ring = {guest_.packed, (guest_.accepted & kFeatureEventIdx) != 0, false};
    const bool packed = guest_.packed;
    const ByteCount shared =
        packed ? PackedDriverQueue::shared_size(config) : SplitDriverQueue::shared_size(config);
    const ByteCount own_size =
        packed ? PackedDriverQueue::own_size(config) : SplitDriverQueue::own_size(config);
    FALLOW_CHECK(shared.raw <= kLot);
    ring.own.assign(own_size.raw / 8 + 1, 0);
    std::byte* const at = guest_.memory() + lot * kLot;
    std::memset(at, 0, shared.raw);
    FALLOW_CHECK(ring.driver->start(config, {at, {VhostGuest::kBase + lot * kLot}, shared},
                                    std::as_writable_bytes(std::span(ring.own))) == Status::Ok);
    ring.kick = VhostFrontEnd::event();
    ring.call = VhostFrontEnd::event();
    own(lot * kLot, kLot);
  }
  void kick(std::uint16_t queue) {
    Ring& ring = rings_[queue];
    const int fd = guest_.rings[queue].kick;
    note("SET_VRING_KICK " + std::to_string(queue));
    const bool taken = guest_.ack(VhostRequest::SetVringKick, bytes_of(std::uint64_t{queue}),
                                  {fd >= 0 ? dup(fd) : VhostFrontEnd::event()}) == 0;
    if (taken) {
      ring.kick = true;
      begins(ring);
    }
  }
  void enable(std::uint16_t queue, bool on) {
    Ring& ring = rings_[queue];
    note((on ? "enable " : "disable ") + std::to_string(queue));
    if (guest_.enable(queue, on) != 0) return;
    if (!on) look();  // up to here it may have been written
    ring.enabled = on;
    if (on) begins(ring);
    // Of what it freed, too: it is the front-end's word that there is a ring.
    if (on && ring.rests) ring.rests = ring.sound = false;
  }
  void begins(Ring& ring) {
    if (ring.described && ring.kick) ring.started = true;
  }
  void stop(std::uint16_t queue) {
    Ring& ring = rings_[queue];
    note("GET_VRING_BASE " + std::to_string(queue));
    if (ring.rests && ring.started) {  // what is owed goes back, wherever that is now
      ring.rests = ring.sound = false;
      ring.enabled = true;
    }
    const std::uint32_t base = guest_.stop_ring(queue);
    const bool enabled = std::exchange(ring.enabled, true);  // a disabled ring returns what it owes, too
    look();
    ring.enabled = enabled;
    ring.started = ring.kick = false;
    ring.base = base;
  }
  // Where it was stopped, as a monitor does.
  void go_on(std::uint16_t queue) {
    Ring& ring = rings_[queue];
    if (ring.lot == kLots || ring.started || !ring.sound) return;
    note("go on " + std::to_string(queue));
    if (!guest_.describe_ring(queue, ring.base)) return;
    ring.described = true;
    kick(queue);
    enable(queue, true);
  }
  void set_base(std::uint16_t queue, std::uint32_t base) {
    Ring& ring = rings_[queue];
    note("SET_VRING_BASE " + std::to_string(queue) + " " + std::to_string(base));
    const bool taken = guest_.ack(VhostRequest::SetVringBase, bytes_of(VhostVringState{queue, base})) == 0;
    look();
    if (!taken) return;
    ring.started = ring.sound = false;
    if (one_of(2) == 0) kick(queue);
  }
  // A driver frees the rings that it disabled.
  void free_disabled(std::uint16_t queue) {
    Ring& ring = rings_[queue];
    if (!can_disable() || ring.lot == kLots) return;
    enable(queue, false);
    note("free " + std::to_string(queue));
    if (ring.enabled) return;
    look();
    std::memset(guest_.memory() + ring.lot * kLot, static_cast<int>(kTheirs), kLot);
    own(ring.lot * kLot, kLot);
    ring.rests = ring.started;
    ring.sound = false;
  }
  // A driver frees rings that it cannot disable, after the last message that User Mode Linux sends.
  void unload_without_a_word() {
    if (can_disable()) return;
    note("GET_FEATURES, and all rings are freed");
    static_cast<void>(guest_.ask(VhostRequest::GetFeatures));
    look();
    for (Ring& ring : rings_) {
      if (ring.lot == kLots) continue;
      std::memset(guest_.memory() + ring.lot * kLot, static_cast<int>(kTheirs), kLot);
      own(ring.lot * kLot, kLot);
      ring.rests = ring.started;
      ring.sound = false;
    }
    if (one_of(2) == 0) static_cast<void>(guest_.set_memory());
    static_cast<void>(box_.ask([](Server& s) { return s.request_statistics(0); }));
    look();
    accept(guest_.accepted);
  }
  void make_available(std::uint16_t queue) {
    Ring& ring = rings_[queue];
    if (ring.lot == kLots || !ring.sound) return;
    DriverQueue& driver = *guest_.rings[queue].driver;
    Used back;
    while (driver.take(back) == Taken::Used) {
    }
    if (driver.fault() != DeviceFault::None)
      return fail("queue " + std::to_string(queue) + ": a chain came back wrongly");
    const std::uint64_t page = one_of(kPageCount);
    QueueBuffer buffer;
    if (queue >= 2 && one_of(3) != 0) {
      const std::uint32_t length =
          one_of(16) == 0 ? ~0U : (1 + one_of(4)) * static_cast<std::uint32_t>(kPage);
      buffer = {{VhostGuest::kBase + kPages + page * kPage}, length, true};
      for (std::uint64_t i = page; length != ~0U && i < kPageCount && i < page + length / kPage; ++i)
        given_[i] = true;
    } else {
      const std::uint64_t at = kLists + queue * kPage;
      const auto frame = static_cast<std::uint32_t>((VhostGuest::kBase + kPages) / kPage + page);
      std::memcpy(guest_.memory() + at, &frame, sizeof frame);
      own(at, sizeof frame);
      given_[page] = true;
      buffer = {{VhostGuest::kBase + at}, sizeof frame, false};
    }
    note("make available " + std::to_string(queue));
    if (driver.add({&buffer, 1}, 0) != Status::Ok) return;
    ++ring.available;
    const QueueAddresses at = driver.addresses();
    own(at.descriptors.raw - VhostGuest::kBase, kSize * sizeof(VirtqDesc));
    own(at.driver_area.raw - VhostGuest::kBase, AvailRing::bytes(kSize).raw);
    guest_.kick(queue);
  }

  // ---- What may have changed. ----

  // This end wrote there.
  void own(std::uint64_t at, std::uint64_t size) { std::memcpy(&expected_[at], guest_.memory() + at, size); }
  void fail(const std::string& what) {
    if (error_.empty()) error_ = what;
  }
  void may_change(std::vector<bool>& may, std::uint64_t at, std::uint64_t size) {
    for (std::uint64_t i = at; i < at + size; ++i) may[i] = true;
  }
  // Compares all of the memory with what it should be, but for what the rings that run, as they are known
  // here, may have had written since.
  void look() {
    std::vector<bool> may(kPages);
    for (std::uint16_t queue = 0; queue < kQueues; ++queue) {
      const Ring& ring = rings_[queue];
      if (ring.lot == kLots || !writable(ring)) continue;
      const QueueAddresses at = guest_.rings[queue].driver->addresses();
      const std::uint64_t descriptors = at.descriptors.raw - VhostGuest::kBase;
      const std::uint64_t device = at.device_area.raw - VhostGuest::kBase;
      const std::uint64_t returned = ring.sound ? std::min<std::uint64_t>(ring.available, kSize) : kSize;
      if (guest_.packed) {
        may_change(may, descriptors, returned * sizeof(PvirtqDesc));
        may_change(may, device, sizeof(PvirtqEventSuppress));
      } else {
        constexpr std::uint64_t kHead = 4, kEvent = 2;
        may_change(may, device, kHead + returned * sizeof(VirtqUsedElem));
        may_change(may, device + UsedRing::bytes(kSize).raw - kEvent, kEvent);
      }
    }
    const std::byte* const memory = guest_.memory();
    for (std::uint64_t i = 0; i < kPages; ++i) {
      if (memory[i] == expected_[i]) continue;
      if (!may[i]) fail("byte " + std::to_string(i) + " of lot " + std::to_string(i / kLot) + " was written");
      expected_[i] = memory[i];
    }
    for (std::uint64_t page = 0; page < kPageCount; ++page) {
      const std::byte* const at = memory + kPages + page * kPage;
      if (!given_[page] && !std::all_of(at, at + kPage, [](std::byte b) { return b == kTheirs; }))
        fail("page " + std::to_string(page) + " was released, which nobody reported");
    }
  }

  VhostServerBox& box_;
  std::mt19937 random_;
  VhostGuest guest_;
  Ring rings_[kQueues];
  std::vector<std::byte> expected_;
  bool given_[kPageCount] = {};
  std::string made_, error_;
};

}  // namespace fallow
