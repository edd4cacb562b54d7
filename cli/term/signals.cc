#include "cli/term/signals.h"

#include "fallow/base/check.h"

namespace fallow::cli {
namespace {

// Lock-free, so that a signal handler may set them. Relaxed: they publish no other data.
std::atomic<bool> stop_wanted{false};
std::atomic<int> last_signal{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void on_signal(int number) {
  last_signal.store(number, std::memory_order_relaxed);
  stop_wanted.store(true, std::memory_order_relaxed);
}

}  // namespace

Signals::Signals() {
  stop_wanted.store(false, std::memory_order_relaxed);
  last_signal.store(0, std::memory_order_relaxed);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    FALLOW_CHECK(sigaction(kSignals.at(i), nullptr, &former_.at(i)) == 0);
    // A signal that the parent process ignores (nohup, a background job) stays ignored.
    if (former_.at(i).sa_handler != SIG_IGN) FALLOW_CHECK(sigaction(kSignals.at(i), &action, nullptr) == 0);
  }
}

Signals::~Signals() {
  for (std::size_t i = 0; i < kSignals.size(); ++i)
    FALLOW_CHECK(sigaction(kSignals.at(i), &former_.at(i), nullptr) == 0);
}

const std::atomic<bool>& Signals::flag() const { return stop_wanted; }

int Signals::signal_number() const { return last_signal.load(std::memory_order_relaxed); }

}  // namespace fallow::cli
