// A guest of a daemon without the daemon: the test itself steps the session, and so decides what happens
// between a call that answered Pending and its retry.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/vhost_guest.h"
#include "vhost_user/daemon/balloon_guest.h"
#include "vhost_user/session/session.h"

namespace fallow {

class SteppedGuest final : private vhost::BalloonGuestEvents {
 public:
  explicit SteppedGuest(const VhostGuestOptions& driver = {}, const vhost::BalloonGuestOptions& device = {})
      : front("", driver), options_(device), event_fd_(VhostFrontEnd::event()) {
    int ends[2] = {-1, -1};
    FALLOW_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    front.front.connect(ends[0]);
    record.number = 1;
    vhost::begin_connection(record.vhost, ends[1]);
    begin();
  }
  ~SteppedGuest() {
    while (session && session->close() == Status::Pending) wait();
    session.reset();
    guest.reset();
    close(event_fd_);
  }
  SteppedGuest(const SteppedGuest&) = delete;
  SteppedGuest& operator=(const SteppedGuest&) = delete;

  // Runs `f`, which plays the front-end, while another thread steps the session.
  template <class F>
  auto serve(F f) {
    std::atomic<bool> done{false};
    std::thread loop([&] {
      while (!done.load(std::memory_order_relaxed)) {
        wait(1);
        static_cast<void>(step());
      }
    });
    const auto result = f();
    done.store(true, std::memory_order_relaxed);
    loop.join();
    return result;
  }
  // Handles messages until there is none, or one has to wait.
  vhost::SessionOutcome step() {
    vhost::SessionOutcome outcome = vhost::SessionOutcome::Done;
    while ((outcome = session->step()) == vhost::SessionOutcome::Done ||
           outcome == vhost::SessionOutcome::Refused) {
      if (outcome == vhost::SessionOutcome::Refused) said.emplace_back(session->error_text().text());
    }
    return outcome;
  }
  // As step(), and waits for what has to be waited for.
  vhost::SessionOutcome finish() {
    vhost::SessionOutcome outcome = vhost::SessionOutcome::Pending;
    while ((outcome = step()) == vhost::SessionOutcome::Pending) wait();
    return outcome;
  }
  // Waits until the guest needs its session, or the front-end sends a message.
  void wait(int ms = 20) {
    pollfd any[] = {{event_fd_, POLLIN, 0}, {record.vhost.socket, POLLIN, 0}};
    static_cast<void>(poll(any, 2, ms));
    std::uint64_t count = 0;
    static_cast<void>(!read(event_fd_, &count, sizeof count));
  }

  // The serving process dies. Nothing is notified or handed back.
  void die() {
    session.reset();
    guest.reset();
  }
  // A successor takes over; returns its result.
  Status take_over() {
    if (session) die();
    begin();
    Status status = Status::Pending;
    for (;;) {
      guest->set_resuming(true);
      status = session->resume();
      guest->set_resuming(false);
      if (status != Status::Pending) return status;
      wait();
    }
  }

  vhost::GuestRecord record{};
  VhostGuest front;
  std::unique_ptr<vhost::BalloonGuest> guest;
  std::unique_ptr<vhost::Session> session;
  std::vector<std::string> said;

 private:
  void begin() {
    auto made = vhost::BalloonGuest::create(options_, record, *this, event_fd_);
    FALLOW_CHECK(made);
    guest = std::move(made.object);
    session = std::make_unique<vhost::Session>(record.vhost, *guest);
  }
  void guest_event(std::uint64_t, Kind, const std::string&) noexcept override {}

  const vhost::BalloonGuestOptions options_;
  const int event_fd_;
};

}  // namespace fallow
