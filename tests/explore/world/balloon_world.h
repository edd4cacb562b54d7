// A guest's balloon driver and its host's device in the arena. The driver reports; the device runs when the
// scenario runs it.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/balloon/device/balloon_device.h"
#include "fallow/balloon/driver/balloon_driver.h"
#include "fallow/virtio/transport/in_process_transport.h"
#include "tests/explore/engine/engine.h"
#include "tests/explore/world/model_port.h"

namespace fallow::explore {

// Stands for the contents of the guest's frames: a plain word for each block.
class BlockContents final : public MemoryBacking {
 public:
  static constexpr std::uint32_t kBlocks = 2;
  static constexpr PfnCount kFrames{kBlocks * 512};

  void use(std::uint64_t block) {
    engine().plain(&contents_[block], sizeof contents_[block], true, "the use of a frame");
    contents_[block] = 1;
  }
  Status discard(Pfn first, PfnCount) noexcept override {
    const std::uint64_t block = first.raw / 512;
    engine().plain(&contents_[block], sizeof contents_[block], true, "a discard");
    contents_[block] = 0;
    return Status::Ok;
  }
  Status populate(Pfn, PfnCount) noexcept override { return Status::Ok; }
  Result<PfnCount> resident() noexcept override { return kFrames; }

 private:
  std::uint64_t contents_[kBlocks] = {};
};

class BalloonWorld {
 public:
  // Constructs a probed, idle pair.
  BalloonWorld();

  // The reporter's thread: reports the first block.
  Status report() {
    const ScatterEntry list[] = {{{0}, {512}, true}};
    return driver_->report(list, 0);
  }
  // The worker's thread: runs the driver's work if it is due. Returns false if it is not due.
  bool work();
  // The device's thread: serves a report, and sleeps until it is kicked for one.
  void serve_report();

  // Called after all threads: a Pending request is completed exactly once, any other request never.
  void check_completed_once(Status status);
  // Runs the worker until it has nothing left to do, up to time `until`.
  void work_until_quiet(Nanoseconds until);

  BalloonDriver& driver() { return *driver_; }
  BalloonDevice& device() { return *device_; }
  ModelPort& port() { return port_; }
  InProcessTransport transport{port_, {kicked, this}, {}};
  BlockContents contents;
  // Release and acquire, as in Reporter::complete().
  std::atomic<unsigned> completions{0};
  Status completed = Status::Ok;
  unsigned completer = Engine::kMain;  // the thread of the last completion
  // The used index of the reporting queue, as the device writes it.
  detail::Le16& used_index() { return *used_index_; }

 private:
  static constexpr std::uint16_t kQueueSize = 4;

  // A doorbell orders accesses before and after it, like an eventfd.
  static void kicked(void* self) noexcept {
    static_cast<BalloonWorld*>(self)->kicked_.store(true, std::memory_order_release);
  }
  static void complete(void* self, std::uint32_t token, Status status) noexcept;

  ModelPort port_;
  MemoryMap map_;
  Zone* zone_ = nullptr;
  BalloonDriver* driver_ = nullptr;
  BalloonDevice* device_ = nullptr;
  detail::Le16* used_index_ = nullptr;
  std::atomic<bool> kicked_{false};
};

}  // namespace fallow::explore
