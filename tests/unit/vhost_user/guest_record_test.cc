// A process that dies may have left anything in its guest's record: the next process refuses impossible
// values and says why.
#include <random>

#include "tests/support/random_counts.h"
#include "tests/support/sanitized.h"
#include "tests/support/stepped_guest.h"

namespace fallow::vhost {
namespace {

constexpr std::uint16_t kStats = VhostGuest::kStats;
using Step = RingProgress::Step;

class GuestRecords : public testing::TestWithParam<Features> {
 protected:
  GuestRecords() { begin(); }
  void begin() {
    VhostGuestOptions driver;
    driver.features = (driver.features & ~kRingFeatures) | GetParam();
    box = std::make_unique<SteppedGuest>(
        driver, BalloonGuestOptions{.features = BalloonGuestOptions{}.features | kFeatureRingPacked});
    ASSERT_TRUE(box->serve([&] { return box->front.bind(); }));
  }
  bool packed() const { return (GetParam() & kFeatureRingPacked) != 0; }
  // Returns the next process's error text for a record with this position of the statistics ring.
  std::string said_of(RingProgress progress, std::uint32_t kept) {
    box->die();
    box->record.rings[kStats].set_progress(progress);
    box->record.rings[kStats].kept = kept;
    if (box->take_over() == Status::Ok) return "nothing";
    return box->session->error_text().text();
  }

  template <class F>
  static void for_each_slot(State& state, F f) {
    for (Settings& settings : state.both) {
      f(settings.backend_req);
      f(settings.inflight.fd);
      for (Vring& ring : settings.vrings) {
        f(ring.kick);
        f(ring.call);
        f(ring.err);
      }
      for (MemoryRegion& region : settings.regions) f(region.fd);
    }
    for (int& fd : state.fds) f(fd);
    f(state.reply.fd);
    f(state.socket);
  }
  // Corrupts some bytes of the record, more often those of its rings.
  void change(std::mt19937& random) {
    std::vector<int> fds;
    for_each_slot(box->record.vhost, [&](int& fd) { fds.push_back(fd); });
    const std::size_t all = sizeof(GuestRecord);
    const std::size_t rings = offsetof(GuestRecord, rings), vhost = offsetof(GuestRecord, vhost);
    auto* const bytes = reinterpret_cast<unsigned char*>(&box->record);
    for (auto n = 1 + random() % 6; n != 0; --n) {
      std::size_t at = random() % all;
      if (random() % 2 == 0) at = rings + random() % (vhost - rings);
      if (random() % 4 == 0) at = vhost + random() % 64;
      bytes[at] = static_cast<unsigned char>(random() % 3 == 0 ? random() % 4 : random());
    }
    std::size_t i = 0;
    constexpr int kNotOpen = 1 << 20;
    for_each_slot(box->record.vhost, [&](int& fd) {
      if (fd != fds[i]) fd = kNotOpen;
      ++i;
    });
  }
  static bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }
  // Closes the descriptors that the record named before and that no process has closed since.
  static void close_what_is_left(GuestRecord& before) {
    for_each_descriptor(before.vhost, [](int fd) {
      if (fd >= 0 && is_open(fd)) ::close(fd);
    });
  }

  std::unique_ptr<SteppedGuest> box;
};
INSTANTIATE_TEST_SUITE_P(All, GuestRecords, testing::Values(Features{0}, kFeatureRingPacked));

TEST_P(GuestRecords, AChainWhereNoneWasTaken) {
  const QueuePosition fresh = QueuePosition::fresh(packed());
  EXPECT_EQ(
      said_of({fresh, 1, 1, Step::Serving}, 0),
      std::string("resuming the connection failed: queue 2 cannot continue: its record names chains of 1 ") +
          (packed() ? "descriptors" : "entries") + ", but only 0 were taken and not returned");
}

TEST_P(GuestRecords, AKeptChainWhereNoneWasTaken) {
  const QueuePosition fresh = QueuePosition::fresh(packed());
  EXPECT_NE(said_of({fresh, 0, 0, Step::Idle}, 1U << 31 | 1U << 16 | 1).find("queue 2 cannot continue"),
            std::string::npos);
}

TEST_P(GuestRecords, AChainOfNoDescriptorsOrThatThereIsNot) {
  QueuePosition one = QueuePosition::fresh(packed());
  ++one.next_avail;
  const RingProgress progress =
      packed() ? RingProgress{one, 1, 0, Step::Serving} : RingProgress{one, 0x4000, 1, Step::Serving};
  EXPECT_NE(said_of(progress, 0).find("queue 2 cannot continue: its record names chain"), std::string::npos);
}

TEST_P(GuestRecords, PositionsThatThereAreNot) {
  if (!packed()) GTEST_SKIP() << "a split ring can be anywhere";
  EXPECT_NE(said_of({{0x8000 | 64, 0x8000}, 0, 0, Step::Idle}, 0).find("queue 2 cannot continue"),
            std::string::npos);
  begin();
  EXPECT_NE(said_of({{0x8000, 0x8001}, 0, 0, Step::Idle}, 0).find("queue 2 cannot continue"),
            std::string::npos);
}

class VhostRecords : public GuestRecords {
 protected:
  // Expects that the next process refuses the state with `why`, and closes only the connection.
  template <class F>
  void expect_refused(F change, const std::string& why) {
    begin();
    box->die();
    auto named = std::make_unique<GuestRecord>(box->record);
    const std::size_t before = open_descriptors();
    change(box->record.vhost);
    EXPECT_NE(box->take_over(), Status::Ok) << why;
    EXPECT_EQ(std::string(box->session->error_text().text()),
              "the connection state that the previous process left is invalid: " + why);
    EXPECT_EQ(box->session->close(), Status::Ok);
    // Counts the descriptors of the new process, without the connection.
    EXPECT_EQ(open_descriptors(), before + 2 - 1) << why;
    close_what_is_left(*named);
  }
  static Settings& settings(State& state) { return state.both[state.progress.second ? 1 : 0]; }
};
INSTANTIATE_TEST_SUITE_P(Any, VhostRecords, testing::Values(Features{0}));

TEST_P(VhostRecords, AreLookedAtNumberByNumber) {
  expect_refused([](State& s) { s.progress.phase = static_cast<Phase>(7); }, "phase 7 is not within 0 to 3");
  expect_refused([](State& s) { s.progress.have = 0xffff; }, "65535 message bytes exceed the buffer of 2068");
  expect_refused([](State& s) { s.progress.phase = Phase::Handling; },
                 "a message of 0 bytes is too short to handle");
  expect_refused(
      [](State& s) {
        s.progress.phase = Phase::Finishing;
        s.reply.size = 100'000;
      },
      "a reply of 100000 bytes exceeds the buffer of 280");
  expect_refused(
      [](State& s) {
        s.progress.phase = Phase::Finishing;
        s.reply.size = 12;
        s.reply.fd = 1;
      },
      "reply descriptor 1 is not that of the in-flight area");
  expect_refused([](State& s) { settings(s).region_count = 65; }, "65 memory regions exceed the limit of 64");
  expect_refused([](State& s) { settings(s).vrings[1].size = 0x10040; },
                 "a queue of 65600 entries exceeds the limit of 32768");
  expect_refused([](State& s) { settings(s).vrings[1].kick = -1; },
                 "a queue runs without having been set up");
  expect_refused([](State& s) { settings(s).regions[0].fd = -1; }, "a memory region has no descriptor");
}

TEST_P(VhostRecords, NameDescriptorsOfTheirKinds) {
  const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), memory = VhostFrontEnd::memory();
  const auto text = [](int fd, const char* rest) { return "descriptor " + std::to_string(fd) + rest; };
  expect_refused([&](State& s) { settings(s).vrings[1].call = file; },
                 text(file, " of a queue is a file of a filesystem other than tmpfs and hugetlbfs"));
  EXPECT_TRUE(is_open(file)) << "whosever it is";
  expect_refused([&](State& s) { settings(s).backend_req = memory; },
                 text(memory, " of the back-end channel is a memory file"));
  EXPECT_TRUE(is_open(memory));
  close(file);
  close(memory);
}

// Random bytes of a record are corrupted: the next process refuses the record or continues, and ends cleanly.
// Corrupted descriptor numbers refer to no open descriptor.
TEST_P(GuestRecords, OfAnyContentEndNobody) {
  const std::uint32_t count = number_from("FALLOW_RANDOM_RECORDS", kSanitized ? 40 : 200);
  const std::uint32_t first = number_from("FALLOW_RANDOM_SEED", 1);
  unsigned continued = 0;
  for (std::uint32_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("FALLOW_RANDOM_SEED=" + std::to_string(seed));
    std::mt19937 random(seed);
    begin();
    box->front.give_statistics(4, 5);
    box->die();
    auto before = std::make_unique<GuestRecord>(box->record);
    change(random);
    if (box->take_over() == Status::Ok) {
      ++continued;
      static_cast<void>(box->step());
      static_cast<void>(box->guest->request_statistics());
      static_cast<void>(box->step());
    }
    Status closed = Status::Pending;
    for (int i = 0; i < 5000 && (closed = box->session->close()) == Status::Pending; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_EQ(closed, Status::Ok);
    box->die();
    close_what_is_left(*before);
    box.reset();
  }
  EXPECT_GT(continued, 0U);
  EXPECT_LT(continued, count);
}

}  // namespace
}  // namespace fallow::vhost
