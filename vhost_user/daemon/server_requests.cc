// Requests to a server: work for its thread, and operations on one guest or on all.
#include <unistd.h>

#include <utility>

#include "vhost_user/daemon/server_client.h"

namespace fallow::vhost {

void Server::post(std::function<void(Server&)> work) {
  {
    const std::lock_guard held(posting_);
    posted_.push_back(std::move(work));
  }
  const std::uint64_t one = 1;
  static_cast<void>(!::write(event_fd_, &one, sizeof one));
}

void Server::run_posted() {
  std::vector<std::function<void(Server&)>> works;
  {
    const std::lock_guard held(posting_);
    works.swap(posted_);
  }
  for (const auto& work : works) work(*this);
}

std::vector<GuestSnapshot> Server::guests() {
  std::vector<GuestSnapshot> all;
  for (const auto& client : clients_) {
    if (client != nullptr) all.push_back(client->guest->snapshot());
  }
  return all;
}

template <class F>
Status Server::for_guests(std::uint64_t guest, F f) {
  Status status = guest == 0 ? Status::Ok : Status::NotFound;
  for (std::size_t slot = 0; slot < clients_.size(); ++slot) {
    if (clients_[slot] == nullptr || (guest != 0 && clients_[slot]->record.number != guest)) continue;
    const Status one = f(*clients_[slot]->guest);
    if (guest != 0) status = one;
    follow_up(slot, *clients_[slot]);
  }
  return status;
}

Status Server::set_target(std::uint64_t guest, PfnCount frames) {
  return for_guests(guest, [&](BalloonGuest& g) {
    g.set_target(frames);
    return Status::Ok;
  });
}

Status Server::pause(std::uint64_t guest, bool on) {
  return for_guests(guest, [&](BalloonGuest& g) {
    g.pause(on);
    return Status::Ok;
  });
}

Status Server::request_statistics(std::uint64_t guest) {
  return for_guests(guest, [](BalloonGuest& g) { return g.request_statistics(); });
}

}  // namespace fallow::vhost
