// The loop that serves guests: sockets to listen on, sessions, and what is asked of them.
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
  std::vector<int> listeners;  // sockets that listen, one for each path; stay the caller's
  // Serves the guests whose records there are, and returns when the last one is gone.
  bool until_no_guest = false;
  // An eventfd; each write to it has ServerEvents::called() run. Stays the caller's; -1: there is none.
  int calls = -1;
  BalloonGuestOptions guest;
  PfnCount target;                      // of a new guest's balloon
  Nanoseconds statistics = seconds(5);  // between two requests for a guest's statistics; 0: none
};

class Server;

// What happens, for a log. The server's thread, but for guest_event().
class ServerEvents : public BalloonGuestEvents {
 public:
  virtual void connected(std::uint64_t guest, std::uint32_t socket) noexcept = 0;
  virtual void resumed(std::uint64_t guest, std::uint32_t socket) noexcept = 0;
  virtual void disconnected(std::uint64_t guest, const std::string& why) noexcept = 0;
  virtual void refused(std::uint64_t guest, const std::string& complaint) noexcept = 0;
  virtual void turned_away(std::uint32_t socket, const std::string& why) noexcept = 0;
  // Somebody wrote to ServerOptions::calls.
  virtual void called(Server& /*server*/) noexcept {}

 protected:
  ~ServerEvents() = default;
};

// One thread, but for stop() and post().
class Server {
 public:
  // `records`: a place for each guest that there can be, zero-filled at first, in memory that outlives the
  // process. Takes up the guests that they hold, and closes what descriptors a process before left that none
  // of them, nor `keep`, names. A guest that cannot be taken up is closed, and the event disconnected() says
  // why.
  static Expected<Server> create(const ServerOptions& options, std::span<GuestRecord> records,
                                 ServerEvents& events, std::span<const int> keep);
  ~Server();

  // Serves until stop(). Then no new requests are taken, those under way end, and the connections close.
  // Empty, or what failed.
  std::string run();

  // Any thread, and signal handlers.
  void stop() noexcept;

  // Has `work` run by the server's thread, soon. Any thread.
  void post(std::function<void(Server&)> work);

  // The server's thread: from work that was posted.
  std::vector<GuestSnapshot> guests();
  // NotFound: there is no such guest. 0: all guests.
  Status set_target(std::uint64_t guest, PfnCount frames);
  Status pause(std::uint64_t guest, bool on);
  // Asks for new statistics, which come later.
  Status request_statistics(std::uint64_t guest);

 private:
  struct Client;
  enum class Source : std::uint32_t { EventFd, Calls, Timer, Listener, Socket, Guest };

  Server(const ServerOptions& options, std::span<GuestRecord> records, ServerEvents& events);
  std::string set_up(std::span<const int> keep);
  void close_unnamed(std::span<const int> keep);
  void take_up(std::size_t place);
  bool watch(Source source, std::size_t place, int fd, bool once = false);

  void handle(Source source, std::size_t place);
  void run_posted();
  void accept_from(std::size_t listener);
  bool turn_one_away(std::size_t listener);
  std::string begin(std::size_t place);
  void step(std::size_t place);
  void follow_up(std::size_t place, Client& client);
  void hang_up(Client& client, std::string why);
  void finish(std::size_t place, Client& client);
  void look_again();
  template <class F>
  Status for_guests(std::uint64_t guest, F f);

  const ServerOptions options_;
  const std::span<GuestRecord> records_;
  ServerEvents& events_;
  std::vector<std::unique_ptr<Client>> clients_;  // by the place of their record
  std::uint64_t last_number_ = 0;                 // of a guest
  int epoll_ = -1, bell_ = -1, timer_ = -1, reserve_ = -1;
  bool ending_ = false;   // some client waits for its guest to be out of what it does
  bool resting_ = false;  // some listener is not watched
  Nanoseconds look_at_;   // monotonic: when to look after these two again
  std::atomic<bool> stopping_{false};
  std::mutex posting_;
  std::vector<std::function<void(Server&)>> posted_;
};

}  // namespace fallow::vhost
