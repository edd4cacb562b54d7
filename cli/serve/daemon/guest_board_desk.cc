#include "cli/serve/daemon/guest_board_desk.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <thread>

namespace fallow::cli {
namespace {

using Clock = std::chrono::steady_clock;

// acquire: pairs with the release of GuestOffice::called(); the snapshot is whole.
bool has_answered(const GuestSlot& slot) {
  return slot.answered.load(std::memory_order_acquire) == slot.asked.load(std::memory_order_relaxed);
}

}  // namespace

std::vector<GuestBoardControl::Asked> GuestBoardControl::ask(GuestOrder order,
                                                             std::chrono::milliseconds patience) {
  std::vector<Asked> asked(board_.size());
  const std::uint64_t whom = order.guest;
  for (std::size_t i = 0; i < board_.size(); ++i) {
    GuestSlot& slot = board_.slot(i);
    // acquire: pairs with the release of Daemon::start_guest(); the slot is as it begins.
    const std::uint64_t number = slot.number.load(std::memory_order_acquire);
    if (number == 0 || (whom != 0 && number != whom)) continue;
    asked[i].guest = number;
    // It has yet to answer the last question: the slot is not ours.
    if (!has_answered(slot)) continue;
    order.guest = number;
    slot.order = order;
    // release: pairs with the acquire in GuestOffice::called(); the order is written before.
    slot.asked.fetch_add(1, std::memory_order_release);
    last_[i].asked = Clock::now();
    asked[i].waits = true;
    eventfd_write(board_.bell(i), 1);
  }
  // Who left the last question unanswered is not waited for again.
  const auto waits = [&](std::size_t i) { return asked[i].waits && !has_answered(board_.slot(i)); };
  const Clock::time_point until = Clock::now() + patience;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    while (waits(i) && Clock::now() < until && !closed_.load(std::memory_order_relaxed))
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    asked[i].answered = asked[i].guest != 0 && has_answered(board_.slot(i));
  }
  return asked;
}

std::optional<std::vector<vhost::GuestSnapshot>> GuestBoardControl::guests() {
  const std::lock_guard held(mutex_);
  const std::vector<Asked> asked = ask({}, kPatience);
  if (closed_.load(std::memory_order_relaxed)) return {};
  std::vector<vhost::GuestSnapshot> all;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (asked[i].guest == 0) continue;
    GuestSlot& slot = board_.slot(i);
    vhost::GuestSnapshot& last = last_[i].snapshot;
    if (asked[i].answered && slot.snapshot.number == asked[i].guest) last = slot.snapshot;
    if (last.number != asked[i].guest) {
      last = {};
      last.number = asked[i].guest;
      last.socket = slot.record.socket;
      last.connected = true;
    }
    last.stuck = !asked[i].answered && Clock::now() - last_[i].asked >= kStuck;
    last.worker = slot.worker.load(std::memory_order_relaxed);
    all.push_back(last);
  }
  std::ranges::sort(all, {}, &vhost::GuestSnapshot::number);
  return all;
}

std::optional<Status> GuestBoardControl::steer(const GuestOrder& order) {
  const std::lock_guard held(mutex_);
  std::optional<Status> status = order.guest == 0 ? Status::Ok : Status::NotFound;
  const std::vector<Asked> asked = ask(order, kSteeringPatience);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (asked[i].guest == 0) continue;
    // An answer to an older question says nothing of this one, which was not asked then.
    if (!asked[i].waits || !asked[i].answered) return {};
    if (order.guest != 0) status = board_.slot(i).status;
  }
  return status;
}

std::optional<Status> GuestBoardControl::set_target(std::uint64_t guest, PfnCount frames) {
  return steer({GuestOrder::Kind::Target, guest, frames});
}

std::optional<Status> GuestBoardControl::pause(std::uint64_t guest, bool on) {
  return steer({on ? GuestOrder::Kind::Pause : GuestOrder::Kind::Resume, guest, {}});
}

DaemonCounts GuestBoardControl::counts() {
  const DaemonFigures& figures = board_.figures();
  return {figures.connections.load(std::memory_order_relaxed),
          figures.turned_away.load(std::memory_order_relaxed),
          figures.quarantined.load(std::memory_order_relaxed)};
}

void GuestBoardControl::close() noexcept { closed_.store(true, std::memory_order_relaxed); }

}  // namespace fallow::cli
