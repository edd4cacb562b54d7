// A whole guest for tests of a vhost-user daemon: a front-end on a real socket, memory in a file, and a
// driver's rings in that memory. A test may leave out, repeat, or corrupt each step.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <string>
#include <thread>

#include "fallow/balloon/wire.h"
#include "fallow/virtio/ring/detail/packed_driver_queue.h"
#include "fallow/virtio/ring/detail/split_driver_queue.h"
#include "tests/support/unix_socket.h"
#include "tests/support/vhost_front_end.h"
#include "vhost_user/protocol/request_table.h"

namespace fallow {

struct VhostGuestOptions {
  Features features = kBalloonMustTellHost | kBalloonStatsVq | kBalloonDeflateOnOom | kBalloonPageReporting |
                      kFeatureIndirectDesc | kFeatureEventIdx;
  std::uint64_t memory = 32 << 20;
  std::uint16_t queue_size = 64;
};

class VhostGuest {
 public:
  static constexpr std::uint32_t kAck = vhost::kVhostVersion | vhost::kVhostNeedReply;
  static constexpr std::uint64_t kBase = 0x1000'0000, kUser = 0x7f12'0000'0000, kInFile = 0x20'0000;
  static constexpr std::uint64_t kLists = 0x10'0000,
                                 kFree = 0x20'0000;  // offsets from the base, after the rings
  static constexpr std::uint64_t kRingRoom = 0x2'0000;
  static constexpr std::uint16_t kInflate = 0, kDeflate = 1, kStats = 2, kReporting = 3, kQueues = 4;
  static constexpr std::uint16_t kMostQueues = 5;
  static constexpr int kWaitMs = 10'000;
  static constexpr std::uint64_t kHungUp = ~std::uint64_t{0};  // instead of an acknowledgement

  explicit VhostGuest(const std::string& path, const VhostGuestOptions& options = {})
      : front(connect_to(path)), options(options), file_(VhostFrontEnd::memory()) {
    FALLOW_CHECK(ftruncate(file_, static_cast<off_t>(kInFile + options.memory)) == 0);
    memory_ = static_cast<std::byte*>(
        mmap(nullptr, options.memory, PROT_READ | PROT_WRITE, MAP_SHARED, file_, kInFile));
    FALLOW_CHECK(memory_ != MAP_FAILED);
  }
  ~VhostGuest() {
    munmap(memory_, options.memory);
    close(file_);
    for (Ring& ring : rings) ring.close();
    if (requests_ >= 0) close(requests_);
  }
  VhostGuest(const VhostGuest&) = delete;
  VhostGuest& operator=(const VhostGuest&) = delete;

  // ---- Messages. ----

  // Returns the reply, or nothing if the connection is closed or no reply arrives in time.
  std::optional<VhostFrontEnd::Reply> ask(vhost::Request request, const Bytes& payload = {},
                                          std::vector<int> fds = {},
                                          std::uint32_t flags = vhost::kVhostVersion) {
    if (!front.send(request, payload, std::move(fds), flags)) return {};
    return reply();
  }
  std::optional<VhostFrontEnd::Reply> reply(int wait_ms = kWaitMs) {
    pollfd readable{front.socket(), POLLIN, 0};
    if (poll(&readable, 1, wait_ms) != 1) return {};
    return front.reply();
  }
  // Returns 0 if the request was accepted, kHungUp if the connection closed, and another value if it was
  // refused.
  std::uint64_t ack(vhost::Request request, const Bytes& payload = {}, std::vector<int> fds = {}) {
    const auto reply = ask(request, payload, std::move(fds), kAck);
    return reply ? reply->u64() : kHungUp;
  }
  bool hung_up(int wait_ms = kWaitMs) {
    pollfd gone{front.socket(), POLLRDHUP, 0};
    return poll(&gone, 1, wait_ms) == 1;
  }

  // ---- Setup, in the order of a driver and its monitor. ----

  bool negotiate(std::uint64_t protocol = vhost::kServedProtocolFeatures) {
    const auto offered = ask(vhost::Request::GetFeatures);
    if (!offered) return false;
    accepted = offered->u64() & (options.features | kFeatureVersion1 | vhost::kVhostFProtocolFeatures);
    packed = (accepted & kFeatureRingPacked) != 0;
    return ack(vhost::Request::SetProtocolFeatures, bytes_of(protocol)) == 0 &&
           ack(vhost::Request::SetOwner) == 0 && ack(vhost::Request::SetFeatures, bytes_of(accepted)) == 0;
  }
  vhost::Region region() const { return {kBase, options.memory, kUser, kInFile}; }
  bool set_memory() {
    return ack(vhost::Request::SetMemTable, bytes_of(vhost::MemTable{1, 0}, region()), {dup(file_)}) == 0;
  }
  // Creates a new ring in memory.
  void make_ring(std::uint16_t queue) {
    Ring& ring = rings[queue];
    ring.close();
    ring.driver = packed ? static_cast<DriverQueue*>(&ring.packed) : &ring.split;
    DriverQueueConfig config;
    config.size = options.queue_size;
    config.ring = {packed, (accepted & kFeatureEventIdx) != 0, (accepted & kFeatureIndirectDesc) != 0};
    if (config.ring.indirect) {
      config.indirect_tables = 4;
      config.indirect_length = options.queue_size;
    }
    const ByteCount shared = packed ? detail::PackedDriverQueue::shared_size(config)
                                    : detail::SplitDriverQueue::shared_size(config);
    const ByteCount own =
        packed ? detail::PackedDriverQueue::own_size(config) : detail::SplitDriverQueue::own_size(config);
    ring.own.assign(own.raw / 8 + 1, 0);
    const std::uint64_t at = rings_at + queue * kRingRoom;
    FALLOW_CHECK(shared.raw <= kRingRoom);
    std::memset(memory_ + at, 0, kRingRoom);
    FALLOW_CHECK(ring.driver->start(config, {memory_ + at, {kBase + at}, shared},
                                    std::as_writable_bytes(std::span(ring.own))) == Status::Ok);
    ring.kick = VhostFrontEnd::event();
    ring.call = VhostFrontEnd::event();
  }
  static std::uint64_t user(GuestPhys at) { return at.raw - kBase + kUser; }
  vhost::VringAddr addresses(std::uint16_t queue) const {
    const detail::QueueAddresses at = rings[queue].driver->addresses();
    return {queue, 0, user(at.descriptors), user(at.device_area), user(at.driver_area), 0};
  }
  bool describe_ring(std::uint32_t queue, std::uint32_t base) {
    return ack(vhost::Request::SetVringNum, bytes_of(vhost::VringState{queue, options.queue_size})) == 0 &&
           ack(vhost::Request::SetVringBase, bytes_of(vhost::VringState{queue, base})) == 0 &&
           ack(vhost::Request::SetVringAddr, bytes_of(addresses(static_cast<std::uint16_t>(queue)))) == 0 &&
           ack(vhost::Request::SetVringCall, bytes_of(std::uint64_t{queue}), {dup(rings[queue].call)}) == 0;
  }
  bool start_ring(std::uint32_t queue, std::uint32_t base) {
    return describe_ring(queue, base) &&
           ack(vhost::Request::SetVringKick, bytes_of(std::uint64_t{queue}), {dup(rings[queue].kick)}) == 0 &&
           ack(vhost::Request::SetVringEnable, bytes_of(vhost::VringState{queue, 1})) == 0;
  }
  std::uint32_t fresh_base() const { return packed ? 0x80008000U : 0; }
  bool start_rings() {
    for (std::uint16_t queue = 0; queue < kQueues; ++queue) {
      make_ring(queue);
      if (!start_ring(queue, fresh_base())) return false;
    }
    return true;
  }
  // The channel for the back-end's own messages.
  bool give_channel() {
    int ends[2];
    FALLOW_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    requests_ = ends[0];
    return ack(vhost::Request::SetBackendReqFd, {}, {ends[1]}) == 0;
  }
  bool told_of_config(int wait_ms = kWaitMs) {
    vhost::Header header;
    pollfd readable{requests_, POLLIN, 0};
    return poll(&readable, 1, wait_ms) == 1 &&
           recv(requests_, &header, sizeof header, 0) == static_cast<ssize_t>(sizeof header) &&
           header.request == static_cast<std::uint32_t>(vhost::BackendRequest::ConfigChangeMsg);
  }
  bool bind() { return negotiate() && give_channel() && set_memory() && start_rings(); }

  // Returns the position at which the ring stopped.
  std::uint32_t stop_ring(std::uint32_t queue) {
    const auto reply = ask(vhost::Request::GetVringBase, bytes_of(vhost::VringState{queue, 0}));
    vhost::VringState state{~0U, ~0U};
    if (reply && reply->payload.size() == sizeof state)
      std::memcpy(&state, reply->payload.data(), sizeof state);
    return state.index == queue ? state.num : ~0U;
  }
  std::optional<std::uint32_t> config(std::uint32_t offset) {
    const auto reply = ask(vhost::Request::GetConfig, bytes_of(vhost::ConfigHead{offset, 4, 0}, 0U));
    std::uint32_t value = 0;
    if (!reply || reply->payload.size() != sizeof(vhost::ConfigHead) + sizeof value) return {};
    std::memcpy(&value, reply->payload.data() + sizeof(vhost::ConfigHead), sizeof value);
    return value;
  }
  // Suspends the driver's rings on a monitor's request: disables them first, then stops them. Returns their
  // positions.
  std::vector<std::uint32_t> stop_rings() {
    std::vector<std::uint32_t> bases;
    for (std::uint16_t queue = 0; queue < kQueues; ++queue) enable(queue, false);
    for (std::uint16_t queue = 0; queue < kQueues; ++queue) bases.push_back(stop_ring(queue));
    return bases;
  }
  bool continue_rings(const std::vector<std::uint32_t>& bases) {
    for (std::uint16_t queue = 0; queue < kQueues; ++queue) {
      if (!start_ring(queue, bases[queue])) return false;
    }
    return true;
  }
  std::uint64_t enable(std::uint32_t queue, bool on) {
    return ack(vhost::Request::SetVringEnable, bytes_of(vhost::VringState{queue, on ? 1U : 0U}));
  }
  std::uint64_t set_features(std::uint64_t features) {
    return ack(vhost::Request::SetFeatures, bytes_of(features));
  }
  std::uint64_t write_config(std::uint32_t offset, std::uint32_t value) {
    return ack(vhost::Request::SetConfig, bytes_of(vhost::ConfigHead{offset, 4, 0}, value));
  }

  // ---- The driver's actions. ----

  void add(std::uint16_t queue, std::span<const detail::QueueBuffer> buffers, std::uint64_t token = 0) {
    FALLOW_CHECK(rings[queue].driver->add(buffers, token) == Status::Ok);
    if (rings[queue].driver->take_kick()) kick(queue);
  }
  void kick(std::uint16_t queue) {
    const std::uint64_t one = 1;
    static_cast<void>(!write(rings[queue].kick, &one, sizeof one));
  }
  // Sleeps until the driver is notified, as a driver does. Returns nothing if no notification came or the
  // ring is broken.
  std::optional<Used> take(std::uint16_t queue, int wait_ms = kWaitMs) {
    Ring& ring = rings[queue];
    for (;;) {
      Used used;
      const Taken taken = ring.driver->take(used);
      if (taken == Taken::Used) return used;
      if (taken == Taken::Broken) return {};
      if (ring.driver->ask_for_notifications(true)) continue;
      pollfd called{ring.call, POLLIN, 0};
      if (poll(&called, 1, wait_ms) != 1) return {};
      std::uint64_t count = 0;
      static_cast<void>(!read(ring.call, &count, sizeof count));
    }
  }
  std::optional<std::uint32_t> exchange(std::uint16_t queue, std::span<const detail::QueueBuffer> buffers) {
    add(queue, buffers);
    const auto used = take(queue);
    return used ? std::optional(used->length) : std::nullopt;
  }
  static detail::QueueBuffer range(std::uint64_t offset, std::uint32_t length) {
    return {{kBase + offset}, length, true};
  }
  // Reports `count` ranges of `length` bytes from `offset` on; returns the bytes that were released.
  std::optional<std::uint32_t> report(std::uint64_t offset, std::uint32_t length, unsigned count = 1) {
    std::vector<detail::QueueBuffer> ranges;
    for (unsigned i = 0; i < count; ++i) ranges.push_back(range(offset + std::uint64_t{i} * length, length));
    return exchange(kReporting, ranges);
  }
  // Takes frame numbers relative to the base.
  bool tell(std::uint16_t queue, std::initializer_list<std::uint32_t> frames) {
    std::uint32_t* const list = reinterpret_cast<std::uint32_t*>(memory_ + kLists);
    std::uint32_t n = 0;
    for (const std::uint32_t frame : frames) list[n++] = static_cast<std::uint32_t>(kBase >> 12) + frame;
    const detail::QueueBuffer buffer{{kBase + kLists}, n * 4, false};
    return exchange(queue, {&buffer, 1}).has_value();
  }
  void give_statistics(std::uint16_t tag, std::uint64_t value) {
    std::byte* const at = memory_ + kLists + 4096;
    std::memcpy(at, &tag, sizeof tag);
    std::memcpy(at + 2, &value, sizeof value);
    const detail::QueueBuffer buffer{{kBase + kLists + 4096}, kStatSize, false};
    add(kStats, {&buffer, 1});
  }

  // ---- The guest's memory. ----

  std::byte* memory() { return memory_; }
  int file() const { return file_; }
  void fill(std::uint64_t offset, std::uint64_t length) { std::memset(memory_ + offset, 0x5a, length); }
  std::uint64_t blocks() const {  // bytes that the file holds
    struct stat file {};
    FALLOW_CHECK(fstat(file_, &file) == 0);
    return static_cast<std::uint64_t>(file.st_blocks) * 512;
  }

  // Every descriptor that this end has open.
  std::vector<int> descriptors() const {
    std::vector<int> fds{front.socket(), file_, requests_};
    for (const Ring& ring : rings) {
      fds.push_back(ring.kick);
      fds.push_back(ring.call);
    }
    return fds;
  }

  struct Ring {
    detail::SplitDriverQueue split;
    detail::PackedDriverQueue packed;
    DriverQueue* driver = nullptr;
    std::vector<std::uint64_t> own;
    int kick = -1, call = -1;
    void close() {
      if (kick >= 0) ::close(kick);
      if (call >= 0) ::close(call);
      kick = call = -1;
    }
  };
  VhostFrontEnd front;
  const VhostGuestOptions options;
  std::uint64_t accepted = 0;
  bool packed = false;
  std::uint64_t rings_at = 0;  // offset from the base at which make_ring() puts the rings
  Ring rings[kMostQueues];

 private:
  int file_;
  std::byte* memory_;
  int requests_ = -1;
};

}  // namespace fallow
