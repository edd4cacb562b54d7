// A virtio balloon of a replay, both ends: its driver is the reporting device of the zone, its device
// releases the memory, and between them are a ring and notifications.
//
//   guest physical   0 .. zone's frames -> BookedBacking,  behind them: the ring
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>

#include "fallow/balloon/device/balloon_device.h"
#include "fallow/balloon/device/memory_map.h"
#include "fallow/balloon/driver/balloon_driver.h"
#include "fallow/host/backing.h"
#include "fallow/host/detail/event_fd.h"
#include "fallow/host/expected.h"
#include "fallow/virtio/transport/in_process_transport.h"
#include "replay/accounted_backing.h"
#include "replay/residency_model.h"
#include "replay/wire_options.h"
#include "replay/zeroed_memory.h"

namespace fallow::replay {

struct WireSetup {
  WireOptions options;
  std::uint32_t capacity = 32;  // entries a request; fewer if the queue is shorter
  bool threads = false;         // driver and device on a thread of their own each; else inline
};

class ReplayBalloon {
 public:
  // `cache` is of the zone and the wire's alone; `host` is null with books only. All must outlive the wire.
  static Expected<ReplayBalloon> create(const WireSetup& setup, Port& port, Zone& zone, LocalCache& cache,
                                        ResidencyModel& books, Backing* host);
  // Closes.
  ~ReplayBalloon();

  ReportingDevice& device() noexcept { return *driver_; }
  // See BalloonDriver::set_completion(); before anything is reported.
  void set_completion(BalloonDriver::Completion completion) noexcept { driver_->set_completion(completion); }

  // The worker's part of the driver: what is due of it. Returns when it wants to be called again.
  Nanoseconds work() noexcept;

  // Returns when neither end does anything that it was notified to do; nothing may be in flight.
  void settle() noexcept;

  // The driver lets go of the device, and the threads end. Nothing may be in flight, or be reported later;
  // work() must not run meanwhile. More than once is as once.
  void close() noexcept;

  // Disturbances, from any thread. The next discard fails.
  void fail_discard() noexcept { backing_.fail_next(); }
  // The device asks for a reset: a queue of its is exchanged for one that breaks the rules of the ring.
  void break_device() noexcept;
  // The driver resets the device, next time it works.
  void reset_device() noexcept;

  WireCounts counts() const noexcept;  // any thread

 private:
  ReplayBalloon(const WireSetup& setup, Port& port, Zone& zone, ResidencyModel& books, Backing* host);

  GuestPhys ring_address() const noexcept { return address_of(zone_.base() + zone_.size()); }

  // Empty, or what failed.
  std::string set_up(LocalCache& cache);
  std::string set_up_memory(const BalloonDriverConfig& config);
  std::string set_up_bells();

  WireSetup setup_;
  Port& port_;
  Zone& zone_;
  AccountedBacking backing_;
  std::unique_ptr<Backing> room_;  // with books only: addresses for frames, which nobody touches
  std::byte* frames_ = nullptr;    // the zone's, here
  ByteCount ring_size_;            // the trap lies behind it
  ZeroedMemory ring_, driver_memory_, device_memory_;
  MemoryMap map_;
  std::unique_ptr<InProcessTransport> transport_;
  BalloonDevice* device_ = nullptr;  // in device_memory_
  std::unique_ptr<BalloonDriver> driver_;
  std::unique_ptr<detail::EventThread> device_thread_, driver_thread_;  // null: inline
  std::atomic<bool> reset_wanted_{false};
  bool open_ = false;
};

}  // namespace fallow::replay
