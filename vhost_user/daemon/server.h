// The loop that serves guests: listening sockets, sessions, and requests from the daemon's operator.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "fallow/host/expected.h"
#include "vhost_user/daemon/balloon_guest.h"

namespace fallow::vhost {

struct ServerOptions {
  std::vector<int> listeners;  // listening sockets, one for each path; the caller owns them
  // Serves only the guests that already have records, and returns when the last one is gone.
  bool until_no_guest = false;
  // An eventfd, owned by the caller; each write to it triggers ServerEvents::called(). -1: none.
  int calls = -1;
  BalloonGuestOptions guest;
  PfnCount target;                      // balloon target of a new guest
  Nanoseconds statistics = seconds(5);  // interval between two requests for a guest's statistics; 0: none
};

class Server;

// Events for a log. Called by the server's thread, except guest_event().
class ServerEvents : public BalloonGuestEvents {
 public:
  virtual void connected(std::uint64_t guest, std::uint32_t socket) noexcept = 0;
  virtual void resumed(std::uint64_t guest, std::uint32_t socket) noexcept = 0;
  virtual void disconnected(std::uint64_t guest, const std::string& why) noexcept = 0;
  virtual void refused(std::uint64_t guest, const std::string& error_text) noexcept = 0;
  virtual void turned_away(std::uint32_t socket, const std::string& why) noexcept = 0;
  // ServerOptions::calls was written.
  virtual void called(Server& /*server*/) noexcept {}

 protected:
  ~ServerEvents() = default;
};

// Not thread-safe, except stop() and post().
class Server {
 public:
  // `records`: a slot for each possible guest, zero-filled at first, in memory that outlives the process.
  // Adopts the guests that the records hold, and closes the descriptors of an earlier process that neither a
  // record nor `keep` names. A guest that cannot be adopted is closed, and the event disconnected() says why.
  static Expected<Server> create(const ServerOptions& options, std::span<GuestRecord> records,
                                 ServerEvents& events, std::span<const int> keep);
  ~Server();

  // Serves until stop(). Then no new requests are taken, those under way end, and the connections close.
  // Returns an empty string, or what failed.
  std::string run();

  // Thread-safe and async-signal-safe.
  void stop() noexcept;

  // Makes the server's thread run `work` soon. Thread-safe.
  void post(std::function<void(Server&)> work);

  // The following calls are for the server's thread, from posted work.
  std::vector<GuestSnapshot> guests();
  // `guest` 0 means all guests. NotFound: there is no such guest.
  Status set_target(std::uint64_t guest, PfnCount frames);
  Status pause(std::uint64_t guest, bool on);
  // Requests new statistics, which arrive later.
  Status request_statistics(std::uint64_t guest);

 private:
  struct Client;
  enum class Source : std::uint32_t { EventFd, Calls, Timer, Listener, Socket, Guest };

  Server(const ServerOptions& options, std::span<GuestRecord> records, ServerEvents& events);
  std::string set_up(std::span<const int> keep);
  void close_unnamed(std::span<const int> keep);
  void adopt(std::size_t slot);
  bool watch(Source source, std::size_t slot, int fd, bool once = false);

  void handle(Source source, std::size_t slot);
  void run_posted();
  void accept_from(std::size_t listener);
  bool turn_one_away(std::size_t listener);
  std::string begin(std::size_t slot);
  void step(std::size_t slot);
  void follow_up(std::size_t slot, Client& client);
  void hang_up(Client& client, std::string why);
  void finish(std::size_t slot, Client& client);
  void check_again();
  template <class F>
  Status for_guests(std::uint64_t guest, F f);

  const ServerOptions options_;
  const std::span<GuestRecord> records_;
  ServerEvents& events_;
  std::vector<std::unique_ptr<Client>> clients_;  // by the slot of their record
  std::uint64_t last_number_ = 0;                 // of the newest guest
  int epoll_ = -1, event_fd_ = -1, timer_ = -1, reserve_ = -1;
  bool ending_ = false;   // a client waits until its guest's work under way is complete
  bool resting_ = false;  // a listener is not watched at present
  Nanoseconds check_at_;  // monotonic time of the next check of these two
  std::atomic<bool> stopping_{false};
  std::mutex posting_;
  std::vector<std::function<void(Server&)>> posted_;
};

}  // namespace fallow::vhost
