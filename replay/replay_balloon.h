// Both ends of the virtio balloon of a replay. The driver is the reporting device of the zone, and the device
// releases the memory. A ring and notifications connect the two.
//
//   guest physical   0 .. zone frames -> AccountedBacking,  then the ring, then the malformed ring
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
#include "replay/balloon_options.h"
#include "replay/residency_model.h"
#include "replay/zeroed_memory.h"

namespace fallow::replay {

struct BalloonSetup {
  BalloonOptions options;
  std::uint32_t capacity = 32;  // entries a request; limited by the queue size
  bool threads = false;         // driver and device each run on a thread; otherwise inline
};

class ReplayBalloon {
 public:
  // `cache` belongs to the zone and is used only by the balloon. `host` is null if the replay uses only the
  // residency model. All arguments must outlive the balloon.
  static Expected<ReplayBalloon> create(const BalloonSetup& setup, Port& port, Zone& zone, LocalCache& cache,
                                        ResidencyModel& residency, Backing* host);
  // Calls close().
  ~ReplayBalloon();

  ReportingDevice& device() noexcept { return *driver_; }
  // See BalloonDriver::set_completion(). Must precede the first report.
  void set_completion(BalloonDriver::Completion completion) noexcept { driver_->set_completion(completion); }

  // Runs the due work of the driver on the worker. Returns the time of the next call.
  Nanoseconds work() noexcept;

  // Waits until both ends have handled their notifications. No request may be in flight.
  void settle() noexcept;

  // Removes the driver from the device and stops the threads. Idempotent. No request may be in flight, no
  // report may follow, and work() must not run meanwhile.
  void close() noexcept;

  // Injected faults; any thread may call these functions. fail_discard() makes the next discard fail.
  void fail_discard() noexcept { backing_.fail_next(); }
  // Replaces a queue of the device with a malformed ring, so that the device requests a reset.
  void break_device() noexcept;
  // Makes the driver reset the device the next time it works.
  void reset_device() noexcept;

  BalloonCounts counts() const noexcept;  // any thread may call

 private:
  ReplayBalloon(const BalloonSetup& setup, Port& port, Zone& zone, ResidencyModel& residency, Backing* host);

  GuestPhys ring_address() const noexcept { return address_of(zone_.base() + zone_.size()); }

  // Returns an error text, or an empty text on success.
  std::string set_up(LocalCache& cache);
  std::string set_up_memory(const BalloonDriverConfig& config);
  std::string set_up_threads();

  BalloonSetup setup_;
  Port& port_;
  Zone& zone_;
  AccountedBacking backing_;
  std::unique_ptr<Backing> addresses_;  // without a host: an address range for the frames, never accessed
  std::byte* frames_ = nullptr;         // host address of the frames of the zone
  ByteCount ring_size_;                 // the malformed ring follows the ring
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
