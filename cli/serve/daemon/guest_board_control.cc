#include "cli/serve/daemon/guest_board_control.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <thread>

namespace fallow::cli {
namespace {

using Clock = std::chrono::steady_clock;

// acquire: pairs with the release in WorkerEvents::called(), so that the caller sees the whole snapshot.
bool has_answered(const GuestSlot& slot) {
  return slot.answered.load(std::memory_order_acquire) == slot.asked.load(std::memory_order_relaxed);
}

}  // namespace

std::vector<GuestBoardControl::Asked> GuestBoardControl::ask(GuestCommand command,
                                                             std::chrono::milliseconds timeout) {
  std::vector<Asked> asked(board_.size());
  const std::uint64_t addressee = command.guest;
  for (std::size_t i = 0; i < board_.size(); ++i) {
    GuestSlot& slot = board_.slot(i);
    // acquire: pairs with the release in Daemon::start_guest(), so that this process sees the initialised
    // slot.
    const std::uint64_t number = slot.number.load(std::memory_order_acquire);
    if (number == 0 || (addressee != 0 && number != addressee)) continue;
    asked[i].guest = number;
    // The worker has not answered the previous command, so it still owns the slot.
    if (!has_answered(slot)) continue;
    command.guest = number;
    slot.command = command;
    // release: pairs with the acquire in WorkerEvents::called(), so that the worker sees the command.
    slot.asked.fetch_add(1, std::memory_order_release);
    last_[i].asked = Clock::now();
    asked[i].waits = true;
    eventfd_write(board_.event_fd(i), 1);
  }
  // Do not wait for a worker that has not answered the previous command.
  const auto waits = [&](std::size_t i) { return asked[i].waits && !has_answered(board_.slot(i)); };
  const Clock::time_point until = Clock::now() + timeout;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    while (waits(i) && Clock::now() < until && !closed_.load(std::memory_order_relaxed))
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    asked[i].answered = asked[i].guest != 0 && has_answered(board_.slot(i));
  }
  return asked;
}

std::optional<std::vector<vhost::GuestSnapshot>> GuestBoardControl::guests() {
  const std::lock_guard held(mutex_);
  const std::vector<Asked> asked = ask({}, kTimeout);
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

std::optional<Status> GuestBoardControl::send_command(const GuestCommand& command) {
  const std::lock_guard held(mutex_);
  std::optional<Status> status = command.guest == 0 ? Status::Ok : Status::NotFound;
  const std::vector<Asked> asked = ask(command, kCommandTimeout);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (asked[i].guest == 0) continue;
    // An answer to an older command is not an answer to this one, which was not sent.
    if (!asked[i].waits || !asked[i].answered) return {};
    if (command.guest != 0) status = board_.slot(i).status;
  }
  return status;
}

std::optional<Status> GuestBoardControl::set_target(std::uint64_t guest, PfnCount frames) {
  return send_command({GuestCommand::Kind::Target, guest, frames});
}

std::optional<Status> GuestBoardControl::pause(std::uint64_t guest, bool on) {
  return send_command({on ? GuestCommand::Kind::Pause : GuestCommand::Kind::Resume, guest, {}});
}

DaemonCounts GuestBoardControl::counts() {
  const DaemonFigures& figures = board_.figures();
  return {figures.connections.load(std::memory_order_relaxed),
          figures.turned_away.load(std::memory_order_relaxed),
          figures.quarantined.load(std::memory_order_relaxed)};
}

void GuestBoardControl::close() noexcept { closed_.store(true, std::memory_order_relaxed); }

}  // namespace fallow::cli
