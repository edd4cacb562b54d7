// A daemon for tests: a Server on its own thread, behind a real socket, with records that outlive it.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/un.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

#include "tests/support/scratch_folder.h"
#include "tests/support/vhost_guest.h"
#include "vhost_user/daemon/server.h"

namespace fallow {

template <class F>
bool eventually(F f) {
  for (int i = 0; i < 20'000; ++i) {
    if (f()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

// Waits until every other thread of the process sleeps. A thread that was woken before the call has then done
// its work. A driver sees a request used before the device enables notifications again; without a message
// that stops the device, the driver may free its rings only after that.
inline bool others_sleep() {
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    if (thread.path().filename() == std::to_string(gettid())) continue;
    std::string stat;
    std::getline(std::ifstream(thread.path() / "stat"), stat);
    const std::size_t state = stat.rfind(") ");  // after the name, which may contain any character
    if (state != std::string::npos && stat[state + 2] != 'S') return false;
  }
  return true;
}

class RecordingEvents final : public vhost::ServerEvents {
 public:
  void guest_event(std::uint64_t, Kind, const std::string& why) noexcept override { note("event: " + why); }
  void connected(std::uint64_t, std::uint32_t) noexcept override { note("connected"); }
  void resumed(std::uint64_t, std::uint32_t) noexcept override { note("resumed"); }
  void disconnected(std::uint64_t, const std::string& why) noexcept override { note("disconnected: " + why); }
  void refused(std::uint64_t, const std::string& what) noexcept override { note("refused: " + what); }
  void turned_away(std::uint32_t, const std::string& why) noexcept override { note("turned away: " + why); }

  // Counts the events so far that contain the words.
  unsigned count(const std::string& words) {
    const std::lock_guard held(mutex_);
    unsigned n = 0;
    for (const std::string& line : lines_) n += line.find(words) != std::string::npos;
    return n;
  }
  bool wait_for(const std::string& words, unsigned n = 1) {
    return eventually([&] { return count(words) >= n; });
  }
  void forget() {
    const std::lock_guard held(mutex_);
    lines_.clear();
  }
  std::string all() {
    const std::lock_guard held(mutex_);
    std::string text;
    for (const std::string& line : lines_) text += line + "\n";
    return text;
  }

 private:
  void note(std::string line) noexcept {
    const std::lock_guard held(mutex_);
    lines_.push_back(std::move(line));
  }
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

inline std::vector<int> all_descriptors() {
  std::vector<int> open;
  for (int fd = 0; fd < 8192; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) open.push_back(fd);
  }
  return open;
}

// Counts the mappings of memory files in the process.
inline std::size_t file_mappings() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find("/memfd:") != std::string::npos;
  return count;
}

inline int listen_at(const std::string& path, int backlog = 512) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  unlink(path.c_str());
  FALLOW_CHECK(::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
  FALLOW_CHECK(listen(fd, backlog) == 0);
  return fd;
}

struct ServerRecords {
  static constexpr std::size_t kMostGuests = 256;
  vhost::GuestRecord guests[kMostGuests];
};

class VhostServerBox {
 public:
  explicit VhostServerBox(vhost::BalloonGuestOptions guest = {}) {
    path = folder_.path("socket");
    options.listeners = {listen_at(path)};
    options.guest = guest;
    options.statistics = {};
    void* const at =
        mmap(nullptr, sizeof(ServerRecords), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FALLOW_CHECK(at != MAP_FAILED);
    records = new (at) ServerRecords;
  }
  ~VhostServerBox() {
    stop();
    close(options.listeners[0]);
    munmap(records, sizeof *records);
  }
  VhostServerBox(const VhostServerBox&) = delete;
  VhostServerBox& operator=(const VhostServerBox&) = delete;

  // `keep`: descriptors that belong to no guest.
  void start(std::vector<int> keep) {
    auto made = vhost::Server::create(options, records->guests, events, keep);
    ASSERT_TRUE(made) << made.error;
    server = std::move(made.object);
    thread_ = std::thread([this] {
      try {
        EXPECT_EQ(server->run(), "");
      } catch (const Death&) {
      }
    });
  }
  void start() { start(all_descriptors()); }
  // Shuts down in order.
  void stop() {
    if (!server) return;
    server->stop();
    thread_.join();
    server.reset();
  }
  // Simulates a crash: closes nothing, sends no notification and hands nothing back. Only the operation under
  // way in a guest's thread ends first.
  void die() {
    server->post([](vhost::Server&) { throw Death{}; });
    thread_.join();
    server.reset();
  }
  // Runs `f` on the server's thread and returns its result.
  template <class F>
  auto ask(F f) {
    std::promise<decltype(f(*server))> answer;
    server->post([&](vhost::Server& s) { answer.set_value(f(s)); });
    return answer.get_future().get();
  }
  std::vector<vhost::GuestSnapshot> guests() {
    return ask([](vhost::Server& s) { return s.guests(); });
  }
  // Requires a single guest.
  vhost::GuestSnapshot guest() {
    const auto all = guests();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? vhost::GuestSnapshot{} : all[0];
  }
  bool wait_for_guests(std::size_t n) {
    return eventually([&] { return guests().size() == n; });
  }

  std::string path;
  vhost::ServerOptions options;
  ServerRecords* records = nullptr;
  RecordingEvents events;
  std::unique_ptr<vhost::Server> server;

 private:
  struct Death {};
  ScratchFolder folder_;
  std::thread thread_;
};

// Returns whether a well-behaved guest is served from beginning to end.
inline void expect_good_guest(VhostServerBox& box, const VhostGuestOptions& options = {}) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(guest.bind()) << box.events.all();
  constexpr std::uint32_t kBlock = 1 << 20;
  guest.fill(VhostGuest::kFree, 8 * kBlock);
  const std::uint64_t before = guest.blocks();
  ASSERT_TRUE(guest.report(VhostGuest::kFree, kBlock, 4)) << box.events.all();
  EXPECT_EQ(guest.blocks(), before - 4 * kBlock);
  EXPECT_EQ(guest.memory()[VhostGuest::kFree + 4 * kBlock], std::byte{0x5a});
  EXPECT_TRUE(guest.tell(VhostGuest::kInflate, {2048, 2049}));
  EXPECT_TRUE(guest.tell(VhostGuest::kDeflate, {2048, 2049}));
  EXPECT_EQ(guest.config(kBalloonNumPages), 0U);
  EXPECT_EQ(guest.stop_ring(VhostGuest::kReporting), guest.packed ? 0x80018001U : 1U);
}

// A server with an account of descriptors and mappings: after each test a well-behaved guest is served, and
// then both counts are what they were before.
class VhostServerRig : public testing::Test {
 protected:
  explicit VhostServerRig(vhost::BalloonGuestOptions guest = {}) : box(guest) { box.start(); }
  void TearDown() override {
    if (!box.server) box.start(all_descriptors());
    expect_good_guest(box);
    EXPECT_TRUE(box.wait_for_guests(0)) << box.events.all();
    box.stop();
    EXPECT_EQ(all_descriptors(), descriptors_before);
    EXPECT_EQ(file_mappings(), mappings_before);
  }

  VhostServerBox box;
  // Counted with the socket open and without a server.
  const std::vector<int> descriptors_before = all_descriptors();
  const std::size_t mappings_before = file_mappings();
};

}  // namespace fallow
