#include "fallow/host/detail/event_fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "fallow/base/check.h"
#include "fallow/host/detail/system_error.h"

namespace fallow::detail {

Expected<EventFd> EventFd::create() {
  const int fd = eventfd(0, EFD_CLOEXEC);
  if (fd < 0) return detail::system_error_text("creating an event descriptor", "eventfd", errno);
  return std::unique_ptr<EventFd>(new EventFd(fd));
}

EventFd::~EventFd() { close(fd_); }

// Never blocks: writing would wait only after 2^64 - 1 signals that no thread consumed.
void EventFd::ring() noexcept {
  const std::uint64_t one = 1;
  ssize_t written = 0;
  while ((written = write(fd_, &one, sizeof one)) < 0 && errno == EINTR) {
  }
  FALLOW_CHECK(written == sizeof one);
}

void EventFd::wait() noexcept {
  std::uint64_t rings = 0;
  ssize_t got = 0;
  while ((got = read(fd_, &rings, sizeof rings)) < 0 && errno == EINTR) {
  }
  FALLOW_CHECK(got == sizeof rings);
}

Doorbell EventFd::doorbell() noexcept {
  return {[](void* self) noexcept { static_cast<EventFd*>(self)->ring(); }, this};
}

Expected<EventThread> EventThread::create(Work work) {
  auto event = EventFd::create();
  if (!event) return event.error;
  std::unique_ptr<EventThread> made(new EventThread(std::move(event.object), work));
  try {
    made->thread_ = std::thread([self = made.get()] {
      while (true) {
        self->event_->wait();
        // relaxed: the signal comes after the store, and the eventfd orders the two.
        if (self->stopping_.load(std::memory_order_relaxed)) return;
        self->begun_.fetch_add(1, std::memory_order_relaxed);
        self->work_();
        // release: pairs with flush(), which then sees what the run did.
        self->over_.fetch_add(1, std::memory_order_release);
      }
    });
  } catch (const std::system_error& e) {
    return std::string("starting a thread failed: ") + e.what();
  }
  return made;
}

EventThread::~EventThread() { stop(); }

// The signal follows the read of begun_, so the run that answers it began later than any run counted there.
void EventThread::flush() noexcept {
  const std::uint64_t begun = begun_.load(std::memory_order_relaxed);
  event_->ring();
  // acquire: pairs with the release of over_ in the thread, so that the caller sees what the run did.
  while (over_.load(std::memory_order_acquire) <= begun) std::this_thread::yield();
}

void EventThread::stop() noexcept {
  if (!thread_.joinable()) return;
  FALLOW_REQUIRE(
      thread_.get_id() != std::this_thread::get_id(),
      "EventThread: stopped by its own thread, which would wait for itself; stop it from another one");
  stopping_.store(true, std::memory_order_relaxed);
  event_->ring();
  thread_.join();
}

}  // namespace fallow::detail
