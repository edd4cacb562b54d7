#include "apps/fallow/control_server_desk.h"

#include <condition_variable>
#include <mutex>
#include <utility>

namespace fallow {

// Where answers are waited for. Shared with what was posted, which may run when nobody waits any more.
struct ControlServerDesk::Hall {
  std::mutex mutex;
  std::condition_variable changed;
  bool closed = false;
};

ControlServerDesk::ControlServerDesk(Server& server) : server_(server), hall_(std::make_shared<Hall>()) {}

ControlServerDesk::~ControlServerDesk() { close(); }

template <class T, class Question>
std::optional<T> ControlServerDesk::ask(Question question) {
  const std::shared_ptr<Hall> hall = hall_;
  const auto answer = std::make_shared<std::optional<T>>();
  server_.post([hall, answer, question](Server& server) {
    T found = question(server);
    const std::lock_guard lock(hall->mutex);
    *answer = std::move(found);
    hall->changed.notify_all();
  });
  std::unique_lock lock(hall->mutex);
  hall->changed.wait_for(lock, kPatience, [&] { return answer->has_value() || hall->closed; });
  return std::exchange(*answer, std::nullopt);
}

std::optional<std::vector<GuestSnapshot>> ControlServerDesk::guests() {
  return ask<std::vector<GuestSnapshot>>([](Server& server) { return server.guests(); });
}

std::optional<Status> ControlServerDesk::set_target(std::uint64_t guest, PfnCount frames) {
  return ask<Status>([guest, frames](Server& server) { return server.set_target(guest, frames); });
}

std::optional<Status> ControlServerDesk::pause(std::uint64_t guest, bool on) {
  return ask<Status>([guest, on](Server& server) { return server.pause(guest, on); });
}

void ControlServerDesk::close() noexcept {
  const std::lock_guard lock(hall_->mutex);
  hall_->closed = true;
  hall_->changed.notify_all();
}

}  // namespace fallow
