// The device's end of one split ring, controlled by a test.
#pragma once

#include "tests/support/balloon_pair.h"

namespace fallow {

// Every feature except page poison, on the plain rings that LyingDevice needs.
inline BalloonPair::Config plain(std::uint32_t in_flight = 1) {
  BalloonPair::Config config;
  config.driver.features = kBalloonMustTellHost | kBalloonStatsVq | kBalloonDeflateOnOom |
                           kBalloonFreePageHint | kBalloonPageReporting;
  config.driver.in_flight = in_flight;
  return config;
}

// The pair's driver was probed with split rings, without event index and indirect descriptors. From here on
// the real device receives no notification of the queue.
class LyingDevice {
 public:
  LyingDevice(BalloonPair& pair, std::uint16_t queue) : pair_(pair), queue_(queue) {
    pair.meddler.on_notify = [&pair, queue](std::uint16_t kicked) {
      if (kicked != queue) pair.transport.notify(kicked);
    };
  }

  // Returns the number of chains that the driver made available.
  std::uint16_t available() { return avail().idx().load(); }
  // Returns the head of the i-th chain, and its first descriptor.
  std::uint16_t head(std::uint16_t i) { return avail().ring(i % size()).load(); }
  detail::VirtqDesc& descriptor(std::uint16_t i) {
    return reinterpret_cast<detail::VirtqDesc*>(pair_.host(at().descriptors))[i];
  }
  // Returns the number of bytes of a chain.
  std::uint64_t length(std::uint16_t head) {
    std::uint64_t sum = 0;
    for (std::uint16_t i = head;; i = descriptor(i).next.load()) {
      sum += descriptor(i).len.load();
      if ((descriptor(i).flags.load() & detail::kDescNext) == 0) return sum;
    }
  }

  // Puts an entry, true or false, into the used ring.
  void use(std::uint32_t id, std::uint32_t length) {
    used().ring(used_ % size()).id.store(id);
    used().ring(used_ % size()).len.store(length);
    used().idx().store(++used_);
  }
  void use_truly(std::uint16_t i) { use(head(i), static_cast<std::uint32_t>(length(head(i)))); }
  // Advances only the index.
  void jump(std::uint16_t by) { used().idx().store(used_ = static_cast<std::uint16_t>(used_ + by)); }
  void tell() { pair_.meddler.calls->queue_used(queue_); }

 private:
  const detail::QueueAddresses& at() const { return pair_.meddler.queues[queue_]; }
  std::uint16_t size() const { return at().size; }
  detail::AvailRing avail() { return {pair_.host(at().driver_area), size()}; }
  detail::UsedRing used() { return {pair_.host(at().device_area), size()}; }

  BalloonPair& pair_;
  std::uint16_t queue_;
  std::uint16_t used_ = 0;
};

}  // namespace fallow
