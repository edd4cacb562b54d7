// Front-ends that send valid messages and abuse what they share: descriptors, memory, rings, time. After
// each, a well-behaved guest is served and no descriptor is left open: see VhostServerRig.
#include <signal.h>
#include <sys/timerfd.h>

#include <atomic>

#include "fallow/virtio/ring/detail/split_layout.h"
#include "tests/support/sanitized.h"
#include "tests/support/vhost_server.h"

namespace fallow::vhost {
namespace {

using Request = Request;
constexpr std::uint32_t kMib = 1 << 20;
constexpr std::uint64_t kFree = VhostGuest::kFree;
constexpr std::uint16_t kReporting = VhostGuest::kReporting;

class ServerHostile : public VhostServerRig {
 protected:
  void TearDown() override {
    guest.reset();
    VhostServerRig::TearDown();
  }
  bool set_call(int fd) {
    return guest->ack(Request::SetVringCall, bytes_of(std::uint64_t{kReporting}), {fd}) == 0;
  }
  std::uint64_t set_kick(int fd) {
    return guest->ack(Request::SetVringKick, bytes_of(std::uint64_t{kReporting}), {fd});
  }
  // Sends a report without expecting a notification of its return.
  bool report_untold() {
    const detail::QueueBuffer range = VhostGuest::range(kFree, kMib);
    static_cast<void>(guest->rings[kReporting].driver->ask_for_notifications(true));
    guest->add(kReporting, {&range, 1});
    return eventually([&] {
      Used used;
      return guest->rings[kReporting].driver->take(used) == Taken::Used;
    });
  }

  std::unique_ptr<VhostGuest> guest = std::make_unique<VhostGuest>(box.path);
};

TEST_F(ServerHostile, KicksOfAnyKind) {
  ASSERT_TRUE(guest->bind());
  const auto stopped = [&] {
    const std::uint32_t base = guest->stop_ring(kReporting);
    EXPECT_TRUE(guest->describe_ring(kReporting, base));
  };
  int pipe_ends[2], ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  close(ends[1]);
  for (const int fd : {pipe_ends[0], ends[0], timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)}) {
    stopped();
    EXPECT_EQ(set_kick(fd), 0U);
  }
  close(pipe_ends[1]);
  for (const int fd : {VhostFrontEnd::memory(), dup(guest->file()), open("/dev/null", O_RDWR | O_CLOEXEC)}) {
    stopped();
    EXPECT_EQ(set_kick(fd), 1U) << "no thread can wait there";
  }
  // The same for a running ring, which keeps its previous descriptor.
  EXPECT_EQ(set_kick(dup(guest->rings[kReporting].kick)), 0U);
  EXPECT_EQ(set_kick(VhostFrontEnd::memory()), 1U);
  EXPECT_TRUE(guest->report(kFree, kMib)) << box.events.all();
}

TEST_F(ServerHostile, CallsOfAnyKind) {
  ASSERT_TRUE(guest->bind());
  const std::uint64_t most = ~std::uint64_t{0} - 1;
  const int full = eventfd(0, EFD_CLOEXEC);
  ASSERT_EQ(write(full, &most, sizeof most), 8);
  int pipe_ends[2], closed[2], unread[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, closed), 0);
  close(closed[1]);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, unread), 0);
  const std::vector<char> much(1 << 20);
  while (send(unread[0], much.data(), much.size(), MSG_DONTWAIT) > 0) {
  }
  const int full_pipe = dup(pipe_ends[1]);
  ASSERT_EQ(fcntl(full_pipe, F_SETFL, O_NONBLOCK), 0);
  while (write(full_pipe, much.data(), 4096) > 0) {
  }
  ASSERT_EQ(fcntl(full_pipe, F_SETFL, 0), 0);
  for (const int fd : {full, pipe_ends[0], pipe_ends[1], closed[0], unread[0], full_pipe}) {
    ASSERT_TRUE(set_call(fd));
    EXPECT_TRUE(report_untold()) << fd;
  }
  const int file = VhostFrontEnd::memory();
  for (const int fd :
       {open("/dev/full", O_RDWR | O_CLOEXEC), open("/tmp", O_RDONLY | O_CLOEXEC), dup(file)}) {
    EXPECT_FALSE(set_call(fd)) << "nothing that can be called";
    EXPECT_TRUE(report_untold()) << "the one before stays";
  }
  EXPECT_EQ(lseek(file, 0, SEEK_END), 0) << "nothing was written there";
  close(file);
  close(unread[1]);
  ASSERT_TRUE(set_call(dup(guest->rings[kReporting].call)));
  EXPECT_TRUE(guest->report(kFree, kMib));
}

// The daemon polls before it writes, but the front-end can fill the descriptor in between. The guest's thread
// then blocks. This delays no other guest, and ends with this one.
TEST_F(ServerHostile, ACallThatIsFilledAtTheLastMoment) {
  ASSERT_TRUE(guest->bind());
  const int call = eventfd(0, EFD_CLOEXEC);
  ASSERT_TRUE(set_call(dup(call)));
  std::atomic<bool> done{false};
  // The filling thread may block too.
  std::thread rescue([&done, filler = pthread_self()] {
    while (!done) {
      std::this_thread::sleep_for(std::chrono::microseconds(300));
      pthread_kill(filler, SIGURG);
    }
  });
  DriverQueue& driver = *guest->rings[kReporting].driver;
  const detail::QueueBuffer range = VhostGuest::range(kFree, 4096);
  const auto report = [&] {
    static_cast<void>(driver.ask_for_notifications(true));
    guest->add(kReporting, {&range, 1});
  };
  const auto all_came_back = [&] {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
    Used used;
    while (driver.in_flight() != 0 && std::chrono::steady_clock::now() < until)
      static_cast<void>(driver.take(used));
    return driver.in_flight() == 0;
  };
  bool waits = false;
  for (unsigned i = 0; i < 2000 && !waits; ++i) {
    const std::uint64_t almost = ~std::uint64_t{0} - 2, one = 1;
    std::uint64_t count = 0;
    pollfd readable{call, POLLIN, 0};
    if (poll(&readable, 1, 0) == 1) static_cast<void>(!read(call, &count, sizeof count));
    static_cast<void>(!write(call, &almost, sizeof almost));
    report();
    const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(i % 500 * 100);
    while (std::chrono::steady_clock::now() < until) {
    }
    static_cast<void>(!write(call, &one, sizeof one));
    report();
    waits = !all_came_back();
  }
  done = true;
  rescue.join();
  RecordProperty("waited", waits ? "yes" : "no");
  EXPECT_TRUE(guest->config(0)) << "its own session continues";
  expect_good_guest(box);
  // The write ends with the connection, even though another process still holds the call descriptor.
  const auto begin = std::chrono::steady_clock::now();
  guest.reset();
  EXPECT_TRUE(box.wait_for_guests(0)) << box.events.all();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(kSanitized ? 10 : 2));
  close(call);
}

TEST_F(ServerHostile, AMemoryFileThatIsCutOff) {
  ASSERT_TRUE(guest->bind());
  VhostGuest neighbour(box.path);
  ASSERT_TRUE(neighbour.bind());
  ASSERT_EQ(ftruncate(guest->file(), 0), 0);
  guest->kick(kReporting);
  EXPECT_TRUE(guest->hung_up()) << box.events.all();
  EXPECT_TRUE(box.events.wait_for("shorter")) << box.events.all();
  EXPECT_TRUE(neighbour.report(kFree, kMib));
}

TEST_F(ServerHostile, AMemoryFileThatIsCutOffUnderTheDaemonsThread) {
  ASSERT_TRUE(guest->negotiate() && guest->give_channel() && guest->set_memory());
  guest->make_ring(kReporting);
  ASSERT_TRUE(guest->describe_ring(kReporting, 0));
  ASSERT_EQ(ftruncate(guest->file(), 0), 0);
  static_cast<void>(set_kick(VhostFrontEnd::event()));
  EXPECT_TRUE(guest->hung_up());
}

TEST_F(ServerHostile, AnInflightAreaThatIsCutOff) {
  ASSERT_TRUE(guest->negotiate());
  const int area = VhostFrontEnd::memory();
  ASSERT_EQ(ftruncate(area, 16384), 0);
  ASSERT_EQ(guest->ack(Request::SetInflightFd, bytes_of(InflightDescription{16384, 0, 4, 64}), {dup(area)}),
            0U);
  ASSERT_TRUE(guest->set_memory() && guest->start_rings());
  ASSERT_EQ(ftruncate(area, 0), 0);
  close(area);
  EXPECT_TRUE(guest->report(kFree, kMib)) << "no client needs it now";
}

TEST_F(ServerHostile, AKickStorm) {
  ASSERT_TRUE(guest->bind());
  std::atomic<bool> done{false};
  std::thread storm([&] {
    while (!done) {
      for (std::uint16_t queue = 0; queue < 4; ++queue) guest->kick(queue);
    }
  });
  for (int i = 0; i < 5; ++i) expect_good_guest(box);
  done = true;
  storm.join();
  EXPECT_TRUE(guest->report(kFree, kMib)) << "nor does it harm itself";
}

// A faulty ring stops its device until the driver begins anew, even without a reset.
class ServerHostileRing : public ServerHostile {
 protected:
  struct Split {
    detail::VirtqDesc* table;
    std::uint16_t* avail;  // flags, idx, ring
  };
  Split ring() {
    const detail::QueueAddresses at = guest->rings[kReporting].driver->addresses();
    const auto host = [&](GuestPhys a) { return guest->memory() + (a.raw - VhostGuest::kBase); };
    return {reinterpret_cast<detail::VirtqDesc*>(host(at.descriptors)),
            reinterpret_cast<std::uint16_t*>(host(at.driver_area))};
  }
  static void write_desc(detail::VirtqDesc& desc, std::uint64_t address, std::uint32_t length,
                         std::uint16_t flags, std::uint16_t next) {
    struct Plain {
      std::uint64_t address;
      std::uint32_t length;
      std::uint16_t flags, next;
    } const plain{address, length, flags, next};
    std::memcpy(static_cast<void*>(&desc), &plain, sizeof plain);
  }
  template <class F>
  void breaks(const char* fault, F write_ring) {
    ASSERT_TRUE(guest->bind());
    const Split split = ring();
    write_ring(split);
    guest->kick(kReporting);
    EXPECT_TRUE(box.events.wait_for(fault)) << box.events.all();
    EXPECT_TRUE(guest->told_of_config()) << "the device needs a reset (2.1.2)";
    EXPECT_EQ(guest->ask(Request::GetStatus)->u64() & kStatusNeedsReset, kStatusNeedsReset);
    // User Mode Linux loads a driver again.
    for (std::uint32_t queue = 4; queue-- > 0;)
      ASSERT_EQ(guest->ack(Request::SetVringEnable, bytes_of(VringState{queue, 0})), 0U);
    ASSERT_EQ(guest->ack(Request::SetFeatures, bytes_of(guest->accepted)), 0U);
    ASSERT_TRUE(guest->set_memory());
    for (std::uint16_t queue = 0; queue < 4; ++queue) {
      guest->make_ring(queue);
      ASSERT_TRUE(guest->describe_ring(queue, 0));
    }
    for (std::uint16_t queue = 0; queue < 4; ++queue) ASSERT_TRUE(guest->start_ring(queue, 0));
    EXPECT_TRUE(guest->report(kFree, kMib)) << box.events.all();
  }
};

TEST_F(ServerHostileRing, LoopOfLengthOne) {
  breaks("loop", [](Split s) {
    write_desc(s.table[0], VhostGuest::kBase + kFree, 4096, 3, 0);
    s.avail[2] = 0;
    s.avail[1] = 1;
  });
}
TEST_F(ServerHostileRing, AHeadThatThereIsNot) {
  breaks("queue 3", [](Split s) {
    s.avail[2] = 64;
    s.avail[1] = 1;
  });
}
TEST_F(ServerHostileRing, AnIndexThatJumps) {
  breaks("queue 3", [](Split s) { s.avail[1] = 65; });
}
TEST_F(ServerHostileRing, ANextThatThereIsNot) {
  breaks("queue 3", [](Split s) {
    write_desc(s.table[0], VhostGuest::kBase + kFree, 4096, 3, 0xffff);
    s.avail[2] = 0;
    s.avail[1] = 1;
  });
}

// Its ring covers itself.
TEST_F(ServerHostileRing, AReportOfTheRingsThemselves) {
  ASSERT_TRUE(guest->bind());
  const detail::QueueBuffer all = {
      {VhostGuest::kBase}, static_cast<std::uint32_t>(guest->options.memory), true};
  guest->add(kReporting, {&all, 1});
  EXPECT_TRUE(eventually([&] { return box.guest().device.released.raw == guest->options.memory; }));
  EXPECT_TRUE(guest->config(0));
}

TEST_F(ServerHostile, ARegionThatIsReplacedWhileAReportRuns) {
  constexpr std::uint64_t kLarge = 512ULL << 20;
  guest = std::make_unique<VhostGuest>(box.path, VhostGuestOptions{.memory = kLarge});
  ASSERT_TRUE(guest->bind());
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(posix_fallocate(guest->file(), VhostGuest::kInFile, kLarge), 0);
    const detail::QueueBuffer most = VhostGuest::range(kFree, static_cast<std::uint32_t>(kLarge - kFree));
    guest->add(kReporting, {&most, 1});
    ASSERT_TRUE(guest->set_memory()) << box.events.all();
    ASSERT_TRUE(guest->take(kReporting)) << box.events.all();
  }
  // The front-end closes the connection in the middle.
  const detail::QueueBuffer most = VhostGuest::range(kFree, static_cast<std::uint32_t>(kLarge - kFree));
  ASSERT_EQ(posix_fallocate(guest->file(), VhostGuest::kInFile, kLarge), 0);
  guest->add(kReporting, {&most, 1});
}

// A signal interrupts epoll_wait() while a guest is being closed; the work done before errno is checked sets
// errno too.
TEST_F(ServerHostile, SignalsWhileAGuestEnds) {
  constexpr std::uint64_t kLarge = 256ULL << 20;
  struct sigaction action {
  }, before{};
  action.sa_handler = [](int) {};
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  const pthread_t server = box.ask([](Server&) { return pthread_self(); });
  std::atomic<bool> done{false};
  std::thread signals([&] {
    while (!done) {
      pthread_kill(server, SIGUSR1);
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  for (int i = 0; i < 4; ++i) {
    guest = std::make_unique<VhostGuest>(box.path, VhostGuestOptions{.memory = kLarge});
    if (!guest->bind()) break;
    EXPECT_EQ(posix_fallocate(guest->file(), VhostGuest::kInFile, kLarge), 0);
    const detail::QueueBuffer most = VhostGuest::range(kFree, static_cast<std::uint32_t>(kLarge - kFree));
    guest->add(kReporting, {&most, 1});
    guest.reset();
  }
  EXPECT_TRUE(box.events.wait_for("disconnected", 5)) << box.events.all();
  done = true;
  signals.join();
  sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(ServerHostile, RepliesThatAreNotRead) {
  ASSERT_TRUE(guest->negotiate());
  bool sent = true;
  for (int i = 0; i < 100'000 && sent; ++i) {
    sent = guest->front.send(Request::GetFeatures);
    if (!sent && !guest->hung_up(0)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      sent = !guest->hung_up(0);
    }
  }
  EXPECT_TRUE(guest->hung_up());
  EXPECT_TRUE(box.events.wait_for("does not read its replies")) << box.events.all();
}

TEST_F(ServerHostile, AWriterOfOneByteAtATime) {
  const Bytes all = VhostFrontEnd::message(16, bytes_of(std::uint64_t{0}), VhostGuest::kAck);
  for (const std::byte& byte : all) {
    ASSERT_TRUE(guest->front.send_bytes({&byte, 1}));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    expect_good_guest(box);
  }
  ASSERT_FALSE(guest->hung_up(0));
}

}  // namespace
}  // namespace fallow::vhost
