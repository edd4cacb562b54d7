// Decides which CPU runs the core's worker and which CPU delivers the device's calls.
//
// Every wait in the core calls Port::relax(). The complete list of callers in fallow/:
//
//   LocalCache::allocate()             all free memory is in reports in flight (R11); serving the device ends
//                                      the wait
//   Reporter::unregister_device(), forget_reported()      wait for requests in flight; likewise
//   BalloonDriver::work(), probe(), remove(), deflate_on_oom()    poll registers and rings with a timeout;
//                                      the driver also allocates, as above
//   SpinLock, Zone::forget_reported(), a block being split, a port's arena, the registration:
//                                      wait for another CPU to leave a section of a few instructions
//
// These rules guarantee progress. Outside the worker, a wait serves the device and also runs the worker,
// which gives up a silent device. Inside the worker, the CPU may already hold a ticket of the lock that it
// waits for, and serving the device could request the same lock. That happens only if another CPU holds the
// lock, and that CPU then serves the device. On a machine with one CPU, a wait inside the worker is never for
// a lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "fallow/base/callback.h"
#include "fallow/base/units.h"
#include "fallow/platform/bare_port.h"
#include "guest/kernel/machine.h"

namespace fallow::guest {

// The function that CPU 0 runs when the port's wakeup request is due. Returns the next deadline.
using Work = Callback<Nanoseconds()>;

// The activity of a CPU at present. Read and written by that CPU only.
enum class Level : std::uint8_t { Outside, Working, Serving };
struct alignas(64) CpuLevel {
  Level level = Level::Outside;
};

class Worker {
 public:
  // Only one Worker may exist, because the port's hooks use a global pointer. `arena` is the memory of the
  // BarePort; `levels` has one element for each CPU.
  Worker(Machine& machine, std::span<CpuLevel> levels, std::span<std::byte> arena) noexcept;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  BarePort& port() noexcept { return port_; }
  void set_work(Work work) noexcept { work_ = work; }

  // Serves the device. A no-op while another CPU serves it or this CPU is inside the driver.
  void serve() noexcept;

  // Serves the device, and runs the worker if it is due. Called on CPU 0, outside the worker.
  void run_if_due() noexcept;

  // Calls `body()` as the worker. No CPU serves the device meanwhile. Used to probe and remove the driver.
  template <class Body>
  auto as_worker(Body body) noexcept {
    const Turn turn(*this);
    const Inside inside(*this, Level::Working);
    return body();
  }

  // Implements Port::relax().
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

  // The exclusive right to serve the device, held by one CPU at a time.
  class Turn {
   public:
    explicit Turn(Worker& worker) noexcept : worker_(worker) {
      // acquire: pairs with the release that ends a turn, here or in serve(), so that this CPU sees what the
      // previous CPU did in the device's calls.
      while (worker_.serving_.exchange(true, std::memory_order_acquire)) worker_.machine_.relax();
    }
    // release: pairs with the acquire that begins the next turn, here or in serve().
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
