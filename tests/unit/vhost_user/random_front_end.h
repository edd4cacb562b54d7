// A front-end with valid messages in an unreasonable order. It places rings anywhere, adds and removes memory
// and frees it as soon as it may. It sends features, bases, configurations and in-flight areas at any time.
// In between it requests statistics, kills the worker, and closes and reopens the connection. It knows every
// byte of its memory that the device may have written.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

#include "fallow/virtio/ring/detail/packed_layout.h"
#include "fallow/virtio/ring/detail/split_layout.h"
#include "tests/support/vhost_server.h"

namespace fallow::vhost {

// Layout of the guest's memory. One region holds lots, in which rings lie, and a list of frames for each
// queue. Another region of the same file holds pages to report and inflate. Further pages lie in files of
// their own: these are slots that come and go. One slot is never added.
class RandomFrontEnd {
 public:
  RandomFrontEnd(VhostServerBox& box, std::uint32_t seed)
      : box_(box),
        random_(seed),
        guest_(box.path,
               {.features = features_of(seed), .memory = kPages + kPageCount * kPage, .queue_size = kSize}) {
    std::memset(guest_.memory(), static_cast<int>(kTheirs), guest_.options.memory);
    expected_.assign(kPages, kTheirs);
    std::uint64_t at = VhostGuest::kBase + (1 << 30);
    for (Slot& slot : slots_) {
      slot.at = at;
      at += 1 << 30;
      FALLOW_CHECK(ftruncate(slot.file, kSlot) == 0);
      void* const mapped = mmap(nullptr, kSlot, PROT_READ | PROT_WRITE, MAP_SHARED, slot.file, 0);
      FALLOW_CHECK(mapped != MAP_FAILED);
      slot.memory = static_cast<std::byte*>(mapped);
      std::memset(slot.memory, static_cast<int>(kTheirs), kSlot);
    }
  }
  ~RandomFrontEnd() {
    for (const Slot& slot : slots_) {
      munmap(slot.memory, kSlot);
      close(slot.file);
    }
    if (area_.fd >= 0) close(area_.fd);
  }
  RandomFrontEnd(const RandomFrontEnd&) = delete;
  RandomFrontEnd& operator=(const RandomFrontEnd&) = delete;

  // Returns an empty string, or what was written without permission.
  std::string run(unsigned steps) {
    static_cast<void>(guest_.ack(Request::SetProtocolFeatures, bytes_of(kServedProtocolFeatures)));
    if (one_of(8) != 0) {
      static_cast<void>(guest_.negotiate());
      if (one_of(3) == 0) accept(guest_.accepted & ~kVhostFProtocolFeatures);
      if (one_of(2) == 0) new_area();
      static_cast<void>(set_table());
    }
    for (std::uint16_t queue = 0; queue < kQueues; ++queue) set_up(queue);
    for (unsigned i = 0; i < steps && error_.empty(); ++i) {
      timely([this] { step(); });
      if (one_of(5) == 0) request_statistics();
      if (one_of(12) == 0) die();
    }
    look();
    // The work under way is then complete.
    for (std::uint16_t queue = 0; queue < kQueues; ++queue) stop(queue);
    for (std::uint16_t queue = 0; queue < kQueues; ++queue) static_cast<void>(take_back(queue));
    return error_;
  }
  const std::string& made() const { return made_; }

 private:
  static constexpr std::uint64_t kPage = 4096, kLot = 2 * kPage, kLots = 16;
  static constexpr std::uint64_t kLists = kLots * kLot, kPages = kLists + 8 * kPage, kPageCount = 64;
  static constexpr std::uint16_t kSize = 16, kQueues = VhostGuest::kMostQueues;
  static constexpr std::byte kTheirs{0x6b};  // content of the guest's memory outside rings

  static constexpr std::size_t kSlots = 3;
  static constexpr std::uint64_t kSlotPages = 8, kSlot = kSlotPages * kPage;

  // Pages in a file of their own.
  struct Slot {
    std::uint64_t at = 0;  // guest address and user address
    int file = VhostFrontEnd::memory();
    std::byte* memory = nullptr;
    bool there = false;  // the back-end has the region
    bool came = false;   // the back-end has had the region
  };

  // A ring in the protocol's terms.
  struct Ring {
    std::uint64_t lot = kLots;  // the lot that holds it; kLots: none
    bool described = false;     // the back-end has its size, base and addresses
    bool kick = false;          // the back-end has its kick descriptor
    bool started = false;
    bool enabled = false;
    bool rests = false;           // its driver may have freed it: nothing may be written
    bool sound = false;           // a driver set it up, and the base is its true position
    std::uint32_t available = 0;  // chains made available since it was set up
    std::uint32_t base = 0;       // the base that GET_VRING_BASE returned
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

  // ---- Actions. ----

  void step() {
    // The only chain that the device keeps is the statistics buffer.
    const auto queue = one_of(4) == 0 ? VhostGuest::kStats : static_cast<std::uint16_t>(one_of(kQueues));
    switch (one_of(26)) {
      case 0:
        return write_config();
      case 1:
        return another_driver();
      case 2:
        static_cast<void>(set_table());
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
        request_statistics();
        return look();
      case 12:
        return kick(queue);
      case 13:
      case 14:
        return change_slot(one_of(kSlots - 1));
      case 15:
        return area_.fd >= 0 && one_of(3) != 0 ? set_area() : new_area();
      case 16:
        return refill();
      case 17:
        return die_in_a_message(queue);
      case 18:
        return one_of(4) == 0 ? reconnect() : die();
      default:
        return make_available(queue);
    }
  }

  // Every reply arrives, and soon.
  template <class F>
  void timely(F f) {
    const auto begin = std::chrono::steady_clock::now();
    f();
    if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(8)) fail("no answer");
    if (guest_.hung_up(0)) fail("the daemon hung up: " + box_.events.all());
  }
  void request_statistics() {
    note("statistics");
    static_cast<void>(box_.ask([](Server& s) { return s.request_statistics(0); }));
  }
  void die() {
    note("the worker dies");
    box_.die();
    box_.start();
  }
  // Statistics are requested while a message without effect, or one that stops a ring, is under way.
  void die_in_a_message(std::uint16_t queue) {
    note("the worker dies in GET_VRING_BASE or GET_CONFIG " + std::to_string(queue));
    Ring& ring = rings_[queue];
    const bool stops = one_of(2) == 0 && !ring.rests;
    if (stops) {
      static_cast<void>(guest_.front.send(Request::GetVringBase, bytes_of(VringState{queue, 0})));
    } else {
      static_cast<void>(guest_.front.send(Request::GetConfig, bytes_of(ConfigHead{0, 4, 0}, 0U)));
    }
    for (std::uint32_t i = one_of(3); i != 0; --i) request_statistics();
    if (one_of(2) == 0) std::this_thread::sleep_for(std::chrono::microseconds(one_of(300)));
    die();
    if (stops) return take_base(queue);
    if (!guest_.reply()) fail("no reply after the worker's death");
  }

  // All of the guest's memory, with the slots in use and some others.
  bool set_table() {
    std::vector<Region> regions = {{VhostGuest::kBase, kPages, VhostGuest::kUser, VhostGuest::kInFile},
                                   {VhostGuest::kBase + kPages, kPageCount * kPage,
                                    VhostGuest::kUser + kPages, VhostGuest::kInFile + kPages}};
    std::vector<int> fds = {dup(guest_.file()), dup(guest_.file())};
    bool wanted[kSlots] = {};
    std::string names;
    for (std::size_t i = 0; i + 1 < kSlots; ++i) {
      wanted[i] = one_of(2) == 0;
      if (!wanted[i]) continue;
      names += " slot " + std::to_string(i);
      regions.push_back({slots_[i].at, kSlot, slots_[i].at, 0});
      fds.push_back(dup(slots_[i].file));
    }
    note("SET_MEM_TABLE" + names);
    Bytes payload = bytes_of(MemTable{static_cast<std::uint32_t>(regions.size()), 0});
    append(payload, regions.data(), regions.size() * sizeof(Region));
    if (guest_.ack(Request::SetMemTable, payload, std::move(fds)) != 0) return false;
    for (std::size_t i = 0; i < kSlots; ++i) {
      slots_[i].there = wanted[i];
      slots_[i].came |= wanted[i];
    }
    memory_set_ = true;
    return true;
  }
  void change_slot(std::size_t which) {
    Slot& slot = slots_[which];
    if (!memory_set_) return;
    note((slot.there ? "REM_MEM_REG " : "ADD_MEM_REG ") + std::to_string(which));
    const Bytes payload = bytes_of(MemReg{0, {slot.at, kSlot, slot.at, 0}});
    const std::uint64_t ack = slot.there ? guest_.ack(Request::RemMemReg, payload)
                                         : guest_.ack(Request::AddMemReg, payload, {dup(slot.file)});
    if (ack != 0) return fail("a slot was refused: " + box_.events.all());
    slot.there = !slot.there;
    slot.came = true;
    look();
  }
  // Takes back the released pages, in places where nothing may release them any more.
  void refill() {
    for (std::uint16_t queue = 0; queue < kQueues; ++queue) {
      const Ring& ring = rings_[queue];
      if (ring.lot == kLots && !ring.started) continue;
      if (!ring.sound) return;
      if (!take_back(queue)) return;
      if (guest_.rings[queue].driver->in_flight() != 0) return;
    }
    note("use the pages again");
    std::memset(guest_.memory() + kPages, static_cast<int>(kTheirs), kPageCount * kPage);
    std::fill(std::begin(given_), std::end(given_), false);
  }

  // ---- In-flight areas. ----

  void new_area() {
    note("GET_INFLIGHT_FD");
    const auto reply =
        guest_.ask(Request::GetInflightFd, bytes_of(InflightDescription{0, 0, kQueues, kSize}));
    if (!reply) return fail("no in-flight area was answered");
    if (area_.fd >= 0) close(area_.fd);
    area_ = {};
    area_.fd = reply->fd;
    if (reply->payload.size() == sizeof area_.area)
      std::memcpy(&area_.area, reply->payload.data(), sizeof area_.area);
    if (area_.fd >= 0) set_area();
  }
  void set_area() {
    note("SET_INFLIGHT_FD");
    static_cast<void>(guest_.ack(Request::SetInflightFd, bytes_of(area_.area), {dup(area_.fd)}));
  }
  // Behaves like a front-end whose back-end died: repeats all settings, and starts each ring at its used
  // index.
  void reconnect() {
    note("hang up, and connect again");
    guest_.front.hang_up();
    if (!box_.wait_for_guests(0)) return fail("the guest did not go");
    look();
    guest_.front.connect(connect_to(box_.path));
    const std::uint64_t accepted = guest_.accepted;
    static_cast<void>(guest_.ack(Request::SetProtocolFeatures, bytes_of(kServedProtocolFeatures)));
    static_cast<void>(guest_.ask(Request::GetFeatures));
    static_cast<void>(guest_.set_features(accepted));
    if (area_.fd >= 0) set_area();
    memory_set_ = false;
    static_cast<void>(set_table());
    for (std::uint16_t queue = 0; queue < kQueues; ++queue) {
      Ring& ring = rings_[queue];
      const bool goes_on = ring.lot != kLots && ring.sound && !guest_.packed && area_.fd >= 0;
      ring.started = ring.described = ring.kick = ring.enabled = false;
      if (!goes_on) {
        give_up_lot(ring);
        continue;
      }
      const std::uint64_t used = guest_.rings[queue].driver->addresses().device_area.raw - VhostGuest::kBase;
      std::uint16_t base = 0;
      std::memcpy(&base, guest_.memory() + used + 2, sizeof base);
      ring.base = base;
      ring.rests = false;
      go_on(queue);
    }
  }

  void write_config() {
    const std::uint32_t offset = one_of(20), size = 1 + one_of(20);
    note("SET_CONFIG " + std::to_string(offset) + " " + std::to_string(size));
    Bytes payload = bytes_of(ConfigHead{offset, size, 0});
    payload.resize(payload.size() + size, one_of(3) == 0 ? std::byte{0xaa} : std::byte{0});
    static_cast<void>(guest_.ack(Request::SetConfig, payload));
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
        static_cast<void>(guest_.ack(Request::ResetDevice));
        break;
      default:
        note("SET_STATUS 0");
        static_cast<void>(guest_.ack(Request::SetStatus, bytes_of(std::uint64_t{0})));
    }
    look();
    for (Ring& ring : rings_) {
      if (ring.started) gone(ring);
      ring.enabled = false;
    }
  }
  // The ring must be set up from scratch; its former lot now holds other data.
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
    // The back-end learns of the change before the old lot is reused, or it learns only of the new lot.
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
    const bool taken = guest_.ack(Request::SetVringBase, bytes_of(VringState{queue, 0})) == 0;
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
    const ByteCount shared = packed ? detail::PackedDriverQueue::shared_size(config)
                                    : detail::SplitDriverQueue::shared_size(config);
    const ByteCount own_size =
        packed ? detail::PackedDriverQueue::own_size(config) : detail::SplitDriverQueue::own_size(config);
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
    const bool taken = guest_.ack(Request::SetVringKick, bytes_of(std::uint64_t{queue}),
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
    if (!on) look();  // the device may have written up to this point
    ring.enabled = on;
    if (on) begins(ring);
    // This includes freed memory: the front-end has declared a ring there.
    if (on && ring.rests) ring.rests = ring.sound = false;
  }
  void begins(Ring& ring) {
    if (ring.described && ring.kick) ring.started = true;
  }
  void stop(std::uint16_t queue) {
    Ring& ring = rings_[queue];
    note("GET_VRING_BASE " + std::to_string(queue));
    if (ring.rests && ring.started) {  // owed chains are returned, wherever the ring lies now
      ring.rests = ring.sound = false;
      ring.enabled = true;
    }
    // Requests statistics while the front-end waits for a reply.
    static_cast<void>(guest_.front.send(Request::GetVringBase, bytes_of(VringState{queue, 0})));
    for (std::uint32_t i = one_of(4); i != 0; --i) request_statistics();
    take_base(queue);
  }
  void take_base(std::uint16_t queue) {
    const auto reply = guest_.reply();
    VringState state{~0U, ~0U};
    if (!reply || reply->payload.size() != sizeof state) return fail("no reply to GET_VRING_BASE");
    std::memcpy(&state, reply->payload.data(), sizeof state);
    stopped(rings_[queue], state.num);
  }
  void stopped(Ring& ring, std::uint32_t base) {
    const bool enabled =
        std::exchange(ring.enabled, true);  // a disabled ring also returns the chains it owes
    look();
    ring.enabled = enabled;
    ring.started = ring.kick = false;
    ring.base = base;
    static_cast<void>(take_back(static_cast<std::uint16_t>(&ring - rings_)));
  }
  // Resumes at the position where the ring stopped, as a monitor does.
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
    const bool taken = guest_.ack(Request::SetVringBase, bytes_of(VringState{queue, base})) == 0;
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
    static_cast<void>(guest_.ask(Request::GetFeatures));
    look();
    for (Ring& ring : rings_) {
      if (ring.lot == kLots) continue;
      std::memset(guest_.memory() + ring.lot * kLot, static_cast<int>(kTheirs), kLot);
      own(ring.lot * kLot, kLot);
      ring.rests = ring.started;
      ring.sound = false;
    }
    if (one_of(2) == 0) static_cast<void>(set_table());
    request_statistics();
    look();
    accept(guest_.accepted);
  }
  // Each chain is returned once: the driver's end knows which chains are in flight.
  bool take_back(std::uint16_t queue) {
    const Ring& ring = rings_[queue];
    if (ring.lot == kLots || !ring.sound) return true;
    DriverQueue& driver = *guest_.rings[queue].driver;
    Used back;
    while (driver.take(back) == Taken::Used) {
    }
    if (driver.fault() == DeviceFault::None) return true;
    fail("queue " + std::to_string(queue) + ": a chain came back wrongly: " + describe(driver.fault()));
    return false;
  }
  void make_available(std::uint16_t queue) {
    Ring& ring = rings_[queue];
    if (ring.lot == kLots || !ring.sound) return;
    DriverQueue& driver = *guest_.rings[queue].driver;
    if (!take_back(queue)) return;
    const std::uint64_t page = one_of(kPageCount);
    detail::QueueBuffer buffer;
    if (queue >= 2 && one_of(4) == 0) {
      buffer = {{slots_[one_of(kSlots)].at}, static_cast<std::uint32_t>(kSlot), true};
    } else if (queue >= 2 && one_of(3) != 0) {
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
    const detail::QueueAddresses at = driver.addresses();
    own(at.descriptors.raw - VhostGuest::kBase, kSize * sizeof(detail::VirtqDesc));
    own(at.driver_area.raw - VhostGuest::kBase, detail::AvailRing::bytes(kSize).raw);
    guest_.kick(queue);
  }

  // ---- Writes that are allowed. ----

  // This end wrote there.
  void own(std::uint64_t at, std::uint64_t size) { std::memcpy(&expected_[at], guest_.memory() + at, size); }
  void fail(const std::string& what) {
    if (error_.empty()) error_ = what;
  }
  void may_change(std::vector<bool>& may, std::uint64_t at, std::uint64_t size) {
    for (std::uint64_t i = at; i < at + size; ++i) may[i] = true;
  }
  // Compares the whole memory with its expected content, except for what the device may have written since
  // into the rings that run.
  void look() {
    std::vector<bool> may(kPages);
    for (std::uint16_t queue = 0; queue < kQueues; ++queue) {
      const Ring& ring = rings_[queue];
      if (ring.lot == kLots || !writable(ring)) continue;
      const detail::QueueAddresses at = guest_.rings[queue].driver->addresses();
      const std::uint64_t descriptors = at.descriptors.raw - VhostGuest::kBase;
      const std::uint64_t device = at.device_area.raw - VhostGuest::kBase;
      const std::uint64_t returned = ring.sound ? std::min<std::uint64_t>(ring.available, kSize) : kSize;
      if (guest_.packed) {
        may_change(may, descriptors, returned * sizeof(detail::PvirtqDesc));
        may_change(may, device, sizeof(detail::PvirtqEventSuppress));
      } else {
        constexpr std::uint64_t kHead = 4, kEvent = 2;
        may_change(may, device, kHead + returned * sizeof(detail::VirtqUsedElem));
        may_change(may, device + detail::UsedRing::bytes(kSize).raw - kEvent, kEvent);
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
      const bool kept = is_all(at, kPage, kTheirs);
      if (!given_[page] && !kept)
        fail("page " + std::to_string(page) + " was released, but was never reported");
      if (!kept && !is_all(at, kPage, std::byte{0})) fail("page " + std::to_string(page) + " was written");
    }
    for (const Slot& slot : slots_) {
      for (std::uint64_t page = 0; page < kSlotPages; ++page) {
        const std::byte* const at = slot.memory + page * kPage;
        const bool kept = is_all(at, kPage, kTheirs);
        if (!kept && (!slot.came || !is_all(at, kPage, std::byte{0})))
          fail("page " + std::to_string(page) + " of a slot was written, or is not the daemon's");
      }
    }
  }
  static bool is_all(const std::byte* at, std::size_t size, std::byte what) {
    return *at == what && std::memcmp(at, at + 1, size - 1) == 0;
  }

  VhostServerBox& box_;
  std::mt19937 random_;
  VhostGuest guest_;
  Ring rings_[kQueues];
  Slot slots_[kSlots];
  InflightSettings area_;
  bool memory_set_ = false;
  std::vector<std::byte> expected_;
  bool given_[kPageCount] = {};
  std::string made_, error_;
};

}  // namespace fallow::vhost
