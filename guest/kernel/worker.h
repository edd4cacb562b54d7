// When the core's worker runs, and when the device's calls are made: on whichever CPU may.
//
// Every wait of the core calls Port::relax(), and this is who calls it (fallow/, in full):
//
//   LocalCache::allocate()             what is free is with the device (R11): serving it ends the wait
//   Reporter::unregister_device(), forget_reported()      for requests in flight: the same
//   BalloonDriver::work(), probe(), remove(), deflate_on_oom()    Patience: for registers and rings, which it
//                                      polls itself; and it allocates, as above
//   SpinLock, Zone::forget_reported(), a block being split, a port's arena, the registration:
//                                      for another CPU, which is in the middle of a few instructions
//
// So one CPU makes progress: outside the worker a wait serves the device, and runs the worker too, which
// gives up a device that has gone silent. Inside the worker a wait may be one for a lock whose next ticket it
// holds, and serving would ask for the same lock again; but only where there is another CPU to hold it. That
// CPU serves the device, then. On a machine of one CPU a wait inside the worker is never for a lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "fallow/base/callback.h"
#include "fallow/base/units.h"
#include "fallow/platform/bare_port.h"
#include "guest/kernel/machine.h"

namespace fallow::guest {

// What is run when the port's wish is due, on CPU 0; returns when it wants to be run again.
using Work = Callback<Nanoseconds()>;

// Where a CPU is. Read and written by that CPU alone.
enum class Level : std::uint8_t { Outside, Working, Serving };
struct alignas(64) CpuLevel {
  Level level = Level::Outside;
};

class Worker {
 public:
  // One at a time in a program: the port's hooks find it. `arena`: as BarePort's. `levels`: one for each CPU.
  Worker(Machine& machine, std::span<CpuLevel> levels, std::span<std::byte> arena) noexcept;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  BarePort& port() noexcept { return port_; }
  void set_work(Work work) noexcept { work_ = work; }

  // Serves the device unless another CPU does, or this one is inside the driver.
  void serve() noexcept;

  // Serves the device, and runs the worker if it is due. CPU 0, outside.
  void run_if_due() noexcept;

  // Calls `body()` as the worker: nothing is served meanwhile, on any CPU. For the driver's life.
  template <class Body>
  auto as_worker(Body body) noexcept {
    const Turn turn(*this);
    const Inside inside(*this, Level::Working);
    return body();
  }

  // Port::relax().
  void relax() noexcept;

 private:
  class Inside {
   public:
    Inside(Worker& worker, Level level) noexcept
        : mine_(worker.levels_[worker.machine_.cpu()].level), before_(mine_) {
      mine_ = level;
    }
    ~Inside() { mine_ = before_; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Level& mine_;
    const Level before_;
  };

  // The turn to serve the device, which one CPU has at a time.
  class Turn {
   public:
    explicit Turn(Worker& worker) noexcept : worker_(worker) {
      // acquire: pairs with the release at the end of a turn, here or in serve(). The last CPU's work on the
      // device's calls is seen.
      while (worker_.serving_.exchange(true, std::memory_order_acquire)) worker_.machine_.relax();
    }
    // release: pairs with the acquire at the beginning of the next turn, here or in serve().
    ~Turn() { worker_.serving_.store(false, std::memory_order_release); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Worker& worker_;
  };

  Level level() noexcept { return levels_[machine_.cpu()].level; }

  Machine& machine_;
  const std::span<CpuLevel> levels_;
  std::atomic<bool> serving_{false};
  Work work_;
  BarePort port_;
};

}  // namespace fallow::guest
