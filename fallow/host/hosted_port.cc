#include "fallow/host/hosted_port.h"

#include <time.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "fallow/base/check.h"

namespace fallow {
namespace {

constexpr std::size_t kAlignment = 64;

timespec to_timespec(Nanoseconds t) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  return {static_cast<time_t>(t.raw / kSecond), static_cast<long>(t.raw % kSecond)};
}

}  // namespace

HostedPort::HostedPort() noexcept { FALLOW_CHECK(sem_init(&alarm_, 0, 0) == 0); }

HostedPort::~HostedPort() {
  stop();
  sem_destroy(&alarm_);
}

Status HostedPort::start(Worker worker) noexcept {
  if (!worker) return Status::InvalidArgument;
  if (started()) return Status::Busy;
  stopping_.store(false, std::memory_order_relaxed);  // ordered by the start of the thread
  try {
    thread_ = std::thread([this, worker] { work(worker); });
  } catch (const std::exception&) {
    return Status::NoMemory;
  }
  return Status::Ok;
}

void HostedPort::stop() noexcept {
  if (!started()) return;
  FALLOW_REQUIRE(
      thread_.get_id() != std::this_thread::get_id(),
      "HostedPort::stop(): called by the worker, which would wait for itself; call it from another "
      "thread");
  stopping_.store(true, std::memory_order_relaxed);  // the post below orders it before the wakeup
  sem_post(&alarm_);
  thread_.join();
}

void HostedPort::work(Worker worker) noexcept {
  while (true) {
    sleep_until_due_or_stopped();
    if (stopping_.load(std::memory_order_relaxed)) return;
    // Taken before the run, so that a request that arrives during the run stays pending.
    wakeups_.take();
    wakeups_.lower(worker());
  }
}

// Posts left over from earlier requests only cause another loop.
void HostedPort::sleep_until_due_or_stopped() noexcept {
  while (!stopping_.load(std::memory_order_relaxed)) {
    const Nanoseconds deadline = wakeups_.get();
    if (deadline == kNever) {
      sem_wait(&alarm_);
    } else if (deadline <= now()) {
      return;
    } else {
      const timespec until = to_timespec(deadline);
      sem_clockwait(&alarm_, CLOCK_MONOTONIC, &until);
    }
  }
}

Nanoseconds HostedPort::now() noexcept {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return {static_cast<std::uint64_t>(std::chrono::nanoseconds(since).count())};
}

void HostedPort::wake_at(Nanoseconds deadline) noexcept {
  if (wakeups_.lower(deadline)) sem_post(&alarm_);
}

void HostedPort::relax() noexcept { std::this_thread::yield(); }

std::uintptr_t HostedPort::current() noexcept {
  static thread_local char self;
  return reinterpret_cast<std::uintptr_t>(&self);
}

void* HostedPort::allocate(ByteCount size) noexcept {
  if (size.raw == 0 || size.raw > SIZE_MAX - kAlignment) return nullptr;
  const std::size_t rounded = (static_cast<std::size_t>(size.raw) + kAlignment - 1) & ~(kAlignment - 1);
  void* const memory = std::aligned_alloc(kAlignment, rounded);
  if (memory != nullptr) std::memset(memory, 0, rounded);
  return memory;
}

void HostedPort::release(void* memory, ByteCount) noexcept { std::free(memory); }

}  // namespace fallow
