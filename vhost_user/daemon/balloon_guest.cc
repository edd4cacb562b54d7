// The life of a guest: its thread, its lock, and the daemon's requests. The session's requests are in
// guest_backend.cc.
#include "vhost_user/daemon/balloon_guest.h"

#include <pthread.h>
#include <signal.h>

#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <new>

#include "fallow/host/detail/system_error.h"
#include "vhost_user/daemon/notify_front_end.h"

namespace fallow::vhost {
namespace {

void count_call(CallTimes& times, double seconds) noexcept {
  std::size_t i = 0;
  while (i < CallTimes::kBounds.size() && seconds > CallTimes::kBounds[i]) ++i;
  ++times.counts[i];
  times.sum += seconds;
}

}  // namespace

BalloonGuest::BalloonGuest(const BalloonGuestOptions& options, GuestRecord& record,
                           BalloonGuestEvents& events, int session_event)
    : record_(record),
      events_(events),
      session_event_(session_event),
      device_(options, record, events, *this) {}

Expected<BalloonGuest> BalloonGuest::create(const BalloonGuestOptions& options, GuestRecord& record,
                                            BalloonGuestEvents& events, int session_event) {
  std::unique_ptr<BalloonGuest> guest(new BalloonGuest(options, record, events, session_event));
  if (std::string error = guest->set_up(); !error.empty()) return error;
  return guest;
}

std::string BalloonGuest::set_up() {
  if (std::string failed = device_.create(*this, *this); !failed.empty()) return failed;
  // The daemon's first thread handles signals. Its other threads accept only kInterruptSignal and the signals
  // that a thread raises itself: with SIGBUS blocked, an access to lost memory would end the process.
  static const bool handled = handle_interrupt_signal();
  if (!handled) return detail::system_error_text("a guest", "sigaction", errno);
  sigset_t all, before;
  sigfillset(&all);
  for (const int own : {kInterruptSignal, SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGSYS}) sigdelset(&all, own);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::string error;
  try {
    thread_ = std::thread([this] { thread_main(); });
  } catch (const std::system_error& e) {
    error = std::string("starting a guest's thread failed: ") + e.what();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return error;
}

BalloonGuest::~BalloonGuest() {
  if (thread_.joinable()) {
    {
      const Lock held = lock();
      stopping_ = true;
    }
    device_.kicks().wake();
    thread_.join();
  }
}

BalloonGuest::Lock BalloonGuest::lock() noexcept {
  waiting_.fetch_add(1, std::memory_order_relaxed);
  Lock held(mutex_);
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  return held;
}

// A message may call this several times, and an earlier call than the last may have returned false. The
// session must then be woken although the guest's thread is not waited for any more.
bool BalloonGuest::quiet() noexcept {
  const bool before = std::exchange(wanted_, busy_ || calling_);
  if (before && !wanted_) wake_session();
  if (!wanted_ && device_.work().any()) device_.kicks().wake();  // work that its thread left for this call
  return !wanted_;
}

void BalloonGuest::wake_session() noexcept { add_one(session_event_); }

void BalloonGuest::thread_main() noexcept {
  for (;;) {
    const std::uint32_t kicked = device_.kicks().wait();
    Lock held(mutex_);
    device_.kicked(kicked);
    serve(held);
    settle();
    if (stopping_) return;
  }
}

// Runs after the rings were served.
void BalloonGuest::settle() noexcept {
  if (settling_ == Settling::Asked) {
    settling_ = Settling::Looking;
    device_.kicks().wake();
  } else if (settling_ == Settling::Looking && device_.work().pending == 0) {
    settling_ = Settling::Done;
    wake_session();
  }
}

// Runs with the lock held; releases it between two steps, and in discard().
void BalloonGuest::serve(Lock& held) noexcept {
  serving_ = &held;
  notify_driver(held);
  while (device_.work().pending != 0 && !wanted_ && !stopping_) {
    const auto queue = static_cast<std::uint16_t>(std::countr_zero(device_.work().pending));
    busy_ = true;
    const bool more = device_.process(queue, kBudget);
    busy_ = false;
    if (!more) device_.work().pending &= ~(1U << queue);
    device_.report_fault(queue);
    notify_driver(held);
    held.unlock();
    while (waiting_.load(std::memory_order_relaxed) != 0) std::this_thread::yield();
    held.lock();
  }
  serving_ = nullptr;
  if (wanted_ || device_.memory().lost()) wake_session();
}

// Writes without the lock, so that no other thread waits for a front-end that does not read. The descriptors
// stay open, because the calls that take them away return Pending meanwhile.
void BalloonGuest::notify_driver(Lock& held) noexcept {
  if (!device_.work().notifies()) return;
  std::array<int, GuestDevice::kMaxNotifications> due;
  const std::size_t count = device_.take_notifications(due);
  calling_ = true;
  held.unlock();
  for (std::size_t i = 0; i < count; ++i) {
    if (due[i] >= 0) notify_front_end(due[i]);
  }
  held.lock();
  calling_ = false;
}

void BalloonGuest::interrupt_notification() noexcept {
  const Lock held = lock();
  if (calling_) pthread_kill(thread_.native_handle(), kInterruptSignal);
}

// The device is in the middle of a request, and only this thread can continue that request. The other thread
// may access registers meanwhile: in VirtioDevice they touch nothing that a request uses.
Status BalloonGuest::discard(FileBacking& file, Pfn first, PfnCount n) noexcept {
  Lock* const held = serving_;
  if (held != nullptr) held->unlock();
  const auto start = std::chrono::steady_clock::now();
  const Status status = file.discard(first, n);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (held != nullptr) held->lock();
  count_call(calls_, took.count());
  if (status != Status::Ok) release_error_ = file.release_error();
  return status;
}

void BalloonGuest::queue_used(std::uint16_t queue) noexcept {
  device_.work().calls |= 1U << queue;
  if (serving_ == nullptr) device_.kicks().wake();
}

void BalloonGuest::config_changed() noexcept {
  config_changed_ = true;
  wake_session();
}

void BalloonGuest::notice(Notice notice) noexcept {
  if (notice == Notice::PoisonInDoubt) {
    events_.guest_event(record_.number, BalloonGuestEvents::Kind::Poison,
                        "the driver accepted PAGE_POISON but has not written the value that free pages must "
                        "keep (poison_val, 4 bytes at offset 12 of the configuration): reported pages are "
                        "not released until it does; --features=-poison disables the feature");
  } else if (notice == Notice::PoisonKeepsPages) {
    char value[16];
    std::snprintf(value, sizeof value, "0x%x", device_.device().poison());
    events_.guest_event(
        record_.number, BalloonGuestEvents::Kind::Poison,
        std::string("free pages of the guest must keep the value ") + value +
            ": reported pages cannot be released; boot the guest without page_poison= to change that");
  } else {
    events_.guest_event(record_.number, BalloonGuestEvents::Kind::NotReleased, release_error_);
  }
}

void BalloonGuest::actual_changed() noexcept {
  record_.actual = static_cast<std::uint32_t>(device_.device().actual().raw);
}

bool BalloonGuest::take_config_change() noexcept {
  const Lock held = lock();
  return std::exchange(config_changed_, false);
}

bool BalloonGuest::memory_lost() noexcept { return device_.memory().lost(); }

void BalloonGuest::set_target(PfnCount frames) noexcept {
  const Lock held = lock();
  device_.device().set_target(frames);
  record_.target = static_cast<std::uint32_t>(device_.device().target().raw);
}

void BalloonGuest::pause(bool on) noexcept {
  const Lock held = lock();
  device_.device().pause_reporting(on);
  record_.paused = on ? 1 : 0;
}

Status BalloonGuest::request_statistics() noexcept {
  const Lock held = lock();
  const std::uint16_t queue = device_.device().number(BalloonQueue::Stats);
  if (device_.rests(queue)) return Status::Busy;
  return device_.device().request_statistics();
}

GuestSnapshot BalloonGuest::snapshot() noexcept {
  GuestSnapshot s;
  s.number = record_.number;
  s.socket = record_.socket;
  s.connected = true;
  s.paused = record_.paused != 0;
  s.restarts = record_.restarts;
  s.memory = device_.memory().size();
  s.resident = device_.memory().resident();
  const Lock held = lock();
  s.ready = device_.ready();
  s.target = device_.device().target();
  s.actual = device_.device().actual();
  s.device = device_.device().stats();
  s.statistics = device_.device().guest_statistics();
  s.mistakes = device_.device().mistakes();
  s.calls = calls_;
  s.features = device_.device().accepted();
  return s;
}

}  // namespace fallow::vhost
