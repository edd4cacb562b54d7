#include "guest/kernel/worker.h"

namespace fallow::guest {
namespace {

// BareHooks carry no context pointer.
constinit Worker* the_worker = nullptr;
constinit Machine* the_machine = nullptr;

constexpr BareHooks kHooks{.clock = [] { return the_machine->now(); },
                           .relax = [] { the_worker->relax(); },
                           .cpu = []() -> std::uintptr_t { return the_machine->cpu(); }};

}  // namespace

Worker::Worker(Machine& machine, std::span<CpuLevel> levels, std::span<std::byte> arena) noexcept
    : machine_(machine), levels_(levels), port_(kHooks, arena) {
  the_machine = &machine;
  the_worker = this;
}

void Worker::serve() noexcept {
  // acquire: pairs with the release that ends the previous turn, below or in ~Turn().
  if (level() == Level::Serving || serving_.exchange(true, std::memory_order_acquire)) return;
  const Inside inside(*this, Level::Serving);
  machine_.serve_device();
  // release: pairs with the acquire that begins the next turn, above or in Turn().
  serving_.store(false, std::memory_order_release);
}

void Worker::run_if_due() noexcept {
  serve();
  if (!work_ || !port_.take_if_due()) return;
  const Inside inside(*this, Level::Working);
  port_.wake_at(work_());
}

void Worker::relax() noexcept {
  if (level() == Level::Outside) {
    if (machine_.cpu() == 0) {
      run_if_due();
    } else {
      serve();
    }
  } else if (level() == Level::Working && levels_.size() == 1) {
    serve();
  }
  machine_.relax();
}

}  // namespace fallow::guest
