// `fallow serve` with a real Linux guest: freed memory returns to the host, and the guest never loses data,
// even if processes are killed.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "fallow/balloon/wire.h"
#include "fallow/virtio/features.h"
#include "tests/e2e/serve_process.h"
#include "tests/e2e/uml_guest.h"
#include "tests/e2e/wait_until.h"

namespace fallow {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

class Serve : public testing::TestWithParam<UmlKernel> {
 protected:
  void SetUp() override {
    if (UmlGuest::available(GetParam())) return;
    GTEST_SKIP() << (GetParam() == UmlKernel::Packaged
                         ? "needs the packages user-mode-linux and busybox-static"
                         : "needs the User Mode Linux of sid (tools/install-deps guests) and busybox-static");
  }

  // Writes files of 4 MiB of random bytes in the guest, and a list of their checksums.
  static std::string fill(int from, int to) {
    return "for i in $(seq " + std::to_string(from) + " " + std::to_string(to) +
           "); do dd if=/dev/urandom of=/tmp/f$i bs=1M count=4 2>/dev/null || exit 1; done; "
           "md5sum /tmp/f* >/sums";
  }
  static std::string remove(int from, int to) {
    return "for i in $(seq " + std::to_string(from) + " " + std::to_string(to) +
           "); do rm /tmp/f$i; done; for f in /tmp/f*; do grep \" $f$\" /sums; done >/sums.left; "
           "mv /sums.left /sums";
  }
  static void expect_unharmed(UmlGuest& guest) {
    const GuestAnswer checked = guest.run("md5sum -c -s /sums");
    EXPECT_TRUE(checked.ok()) << checked.out;
  }

  static std::unique_ptr<UmlGuest> boot(const ServeProcess& daemon, const char* memory = "256M",
                                        unsigned order = 9) {
    auto guest = UmlGuest::boot(daemon.socket(), memory, GetParam());
    if (guest == nullptr) return guest;
    const GuestAnswer loaded = guest->load_balloon(order);
    EXPECT_TRUE(loaded.ok()) << loaded.out;
    return guest;
  }

  // Linux reports every 2 s while there is anything to report. The next step then usually runs during a
  // report.
  static bool wait_for_a_report(const ServeProcess& daemon) {
    const std::uint64_t before = daemon.figure("requests");
    return wait_until([&] { return daemon.figure("requests") > before; });
  }

  // Expects no kernel warnings on the console.
  static void expect_calm(const UmlGuest& guest) {
    for (const char* word : {"WARN", "BUG", "Oops", "reports error", "hung", "Call Trace"})
      EXPECT_EQ(guest.console().find(word), std::string::npos) << word << " in\n" << guest.console();
  }
};

TEST_P(Serve, what_a_guest_deletes_is_gone_from_the_host) {
  ServeProcess daemon;
  const auto guest = boot(daemon, "512M", 0);
  ASSERT_NE(guest, nullptr);
  ASSERT_TRUE(guest->run(fill(1, 75), seconds(60)).ok());
  const std::uint64_t full = guest->resident_bytes();
  EXPECT_GE(full, 300 * kMiB);

  ASSERT_TRUE(guest->run(remove(26, 75), seconds(60)).ok());
  std::vector<std::pair<Clock::time_point, std::uint64_t>> residents;
  const auto begin = Clock::now();
  std::uint64_t reported = daemon.figure("reported_bytes");
  auto last = begin;
  while (Clock::now() - last < milliseconds(4500)) {
    const std::uint64_t now = daemon.figure("reported_bytes");
    if (now != reported) last = Clock::now();
    reported = now;
    residents.emplace_back(Clock::now(), guest->resident_bytes());
    std::this_thread::sleep_for(milliseconds(10));
    ASSERT_LT(Clock::now() - begin, seconds(30));
  }
  const std::uint64_t settled = residents.back().second;
  EXPECT_LE(settled, full - 190 * kMiB);
  const auto gone = std::find_if(residents.begin(), residents.end(),
                                 [&](const auto& at) { return at.second <= settled + kMiB; });
  const double after = std::chrono::duration<double>(gone->first - last).count();
  EXPECT_LE(after, 1.0) << "s after the last report";
  const std::uint64_t released = daemon.figure("released_bytes");
  EXPECT_GE(static_cast<double>(released), 0.99 * static_cast<double>(reported));
  RecordProperty("resident_mib_full", static_cast<int>(full / kMiB));
  RecordProperty("resident_mib_after", static_cast<int>(settled / kMiB));
  RecordProperty("ms_after_the_last_report", static_cast<int>(1000 * after));
  RecordProperty("reported_mib", static_cast<int>(reported / kMiB));
  RecordProperty("released_mib", static_cast<int>(released / kMiB));

  expect_unharmed(*guest);
  ASSERT_TRUE(guest->run(fill(26, 75), seconds(60)).ok());
  expect_unharmed(*guest);
  expect_calm(*guest);
  EXPECT_EQ(daemon.troubles(), "");
  EXPECT_EQ(daemon.stop(), 0);
}

TEST_P(Serve, a_balloon_grows_and_shrinks) {
  ServeProcess daemon({"--target", "64M"});
  const auto guest = boot(daemon);
  ASSERT_NE(guest, nullptr);
  EXPECT_TRUE(wait_until([&] { return daemon.figure("actual_bytes") == 64 * kMiB; }));
  for (const std::uint64_t target : {128 * kMiB, 16 * kMiB, std::uint64_t{0}}) {
    const auto answer = daemon.ask({{"command", "target"}, {"guest", 1}, {"size", target}});
    EXPECT_EQ(answer.value("ok", false), true) << answer;
    EXPECT_TRUE(wait_until([&] { return daemon.figure("actual_bytes") == target; }))
        << daemon.figure("actual_bytes");
    if (target == 128 * kMiB) {
      EXPECT_GE(daemon.figure("inflate_released_bytes"), 127 * kMiB);
    }
  }
  ASSERT_TRUE(guest->run(fill(1, 40)).ok());
  expect_unharmed(*guest);
  expect_calm(*guest);
  EXPECT_EQ(daemon.troubles(), "");
}

TEST_P(Serve, one_daemon_after_the_other) {
  ServeProcess daemon;
  {
    const auto guest = boot(daemon);
    ASSERT_NE(guest, nullptr);
    EXPECT_TRUE(wait_for_a_report(daemon));
    guest->kill();
    EXPECT_TRUE(daemon.wait_for_events("disconnected", 1));
  }
  EXPECT_EQ(daemon.stop(), 0);
  EXPECT_FALSE(std::filesystem::exists(daemon.socket()));
  daemon.start_again();
  const auto guest = boot(daemon);
  ASSERT_NE(guest, nullptr);
  EXPECT_TRUE(wait_for_a_report(daemon));
  EXPECT_EQ(daemon.troubles(), "");
}

TEST_P(Serve, a_guest_that_is_killed_costs_nobody_anything) {
  ServeProcess daemon;
  for (int round = 0; round < 2; ++round) {
    const auto guest = boot(daemon);
    ASSERT_NE(guest, nullptr);
    EXPECT_TRUE(wait_for_a_report(daemon));
    guest->kill();
    EXPECT_TRUE(wait_until([&] { return daemon.guests().empty(); }));
  }
  EXPECT_EQ(daemon.events("worker_died"), 0U);
  EXPECT_EQ(daemon.stop(), 0);
}

TEST_P(Serve, a_worker_that_is_killed_is_followed_by_another_and_the_guest_does_not_notice) {
  ServeProcess daemon;
  // Spare memory, because Linux cannot allocate memory that is in an unanswered report.
  const auto guest = boot(daemon, "512M");
  ASSERT_NE(guest, nullptr);
  ASSERT_TRUE(guest->run(fill(1, 45)).ok());
  // Frees and fills memory repeatedly, while reports are in flight.
  guest->start(
      "for n in 1 2; do for i in $(seq 16 45); do rm /tmp/f$i; done; sleep 3; for i in $(seq 16 45); do "
      "dd if=/dev/urandom of=/tmp/f$i bs=1M count=4 2>/dev/null; done; done; md5sum /tmp/f* >/sums");
  std::size_t killed = 0;
  for (int i = 0; i < 8; ++i) {
    const std::uint64_t before = daemon.figure("requests");
    wait_until([&] { return daemon.figure("requests") != before; }, milliseconds(600));
    const pid_t worker = daemon.worker();
    if (worker <= 0) continue;
    if (i % 2 == 1) {  // so that a report is pending when it is killed
      kill(worker, SIGSTOP);
      std::this_thread::sleep_for(milliseconds(300));
    }
    if (kill(worker, SIGKILL) == 0) ++killed;
    EXPECT_TRUE(daemon.wait_for_events("resumed", killed));
  }
  const GuestAnswer worked = guest->finish(seconds(60));
  EXPECT_TRUE(worked.ok()) << worked.out;
  EXPECT_EQ(killed, 8U);
  EXPECT_EQ(daemon.events("worker_died"), killed);
  EXPECT_EQ(daemon.figure("restarts"), killed);
  expect_unharmed(*guest);

  // The guest reports again, and neither its memory nor the driver is stuck.
  const std::uint64_t full = guest->resident_bytes();
  ASSERT_TRUE(guest->run("rm /tmp/f*").ok());
  EXPECT_TRUE(wait_until([&] { return guest->resident_bytes() < full - 150 * kMiB; }))
      << (full >> 20) << " MiB, then " << (guest->resident_bytes() >> 20) << daemon.guests().dump(1);
  const GuestAnswer unloaded = guest->run("rmmod virtio_balloon");
  EXPECT_TRUE(unloaded.ok()) << unloaded.out;
  EXPECT_TRUE(guest->load_balloon().ok());
  expect_calm(*guest);
  EXPECT_EQ(daemon.stop(), 0);
}

TEST_P(Serve, a_guest_lives_on_when_the_daemon_ends) {
  ServeProcess daemon;
  const auto guest = boot(daemon);
  ASSERT_NE(guest, nullptr);
  ASSERT_TRUE(guest->run(fill(1, 30)).ok());
  ASSERT_TRUE(guest->run("rm /tmp/f1?; md5sum /tmp/f* >/sums").ok());
  wait_for_a_report(daemon);
  EXPECT_EQ(daemon.stop(), 0);
  std::this_thread::sleep_for(milliseconds(2500));  // time for one more report
  expect_unharmed(*guest);
  // The guest can allocate all its memory; none is held by an unanswered request.
  ASSERT_TRUE(guest->run(fill(1, 45)).ok());
  expect_unharmed(*guest);
  EXPECT_TRUE(guest->running());
}

TEST_P(Serve, the_driver_comes_and_goes_on_one_connection) {
  ServeProcess daemon;
  const auto guest = boot(daemon);
  ASSERT_NE(guest, nullptr);
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(wait_for_a_report(daemon)) << "round " << round;
    const GuestAnswer unloaded = guest->run("rmmod virtio_balloon");
    EXPECT_TRUE(unloaded.ok()) << unloaded.out;
    EXPECT_TRUE(guest->load_balloon().ok());
    // Linux keeps the reported state across a reload, so only newly freed memory is reported.
    ASSERT_TRUE(guest->run("dd if=/dev/zero of=/tmp/f bs=1M count=100; rm /tmp/f").ok());
  }
  EXPECT_TRUE(wait_for_a_report(daemon));
  EXPECT_EQ(daemon.events("connected"), 1U);
  expect_calm(*guest);
  EXPECT_EQ(daemon.troubles(), "");
}

TEST_P(Serve, eight_guests_at_once) {
  ServeProcess daemon;
  std::vector<std::unique_ptr<UmlGuest>> guests;
  for (int i = 0; i < 8; ++i) {
    guests.push_back(UmlGuest::launch(daemon.socket(), "128M", GetParam()));
    ASSERT_NE(guests.back(), nullptr);
  }
  for (const auto& guest : guests) {
    ASSERT_TRUE(guest->booted());
    // Linux reports only while more than 32 blocks of that order are free.
    EXPECT_TRUE(guest->load_balloon(4).ok());
  }
  for (const auto& guest : guests) guest->start(fill(1, 15) + "; rm /tmp/f?; md5sum /tmp/f* >/sums");
  for (const auto& guest : guests) EXPECT_TRUE(guest->finish(seconds(60)).ok());
  const auto served = [&] {
    const auto all = daemon.guests();
    return all.size() == 8 && std::all_of(all.begin(), all.end(), [](const auto& guest) {
             return guest.value("released_bytes", std::uint64_t{0}) > 24 * kMiB;
           });
  };
  EXPECT_TRUE(wait_until(served, seconds(15))) << daemon.guests().dump(1);
  for (const auto& guest : guests) {
    expect_unharmed(*guest);
    expect_calm(*guest);
  }
  EXPECT_EQ(daemon.troubles(), "");
}

// Reloads the driver `reloads` times. One file fills the memory except a few MiB, and a second file is
// rewritten while the driver is unloaded. The former pages of its rings are then in one of the two files.
constexpr const char* kReload =
    "free=$(awk '/MemAvailable/ {print int($2 / 1024)}' /proc/meminfo); "
    "dd if=/dev/urandom of=/tmp/big bs=1M count=$((free - 28)) 2>/dev/null; md5sum /tmp/big >/sum; "
    "dd if=/dev/urandom of=/base bs=1M count=1 2>/dev/null; "
    "cat /base /base /base /base >/tmp/small; md5sum /tmp/small >/small; changed=0; "
    "for i in $(seq $reloads); do "
    "  rmmod virtio_balloon || exit 1; "
    "  cat /base /base /base /base >/tmp/small; "
    "  insmod /lib/virtio_balloon.ko || exit 2; "
    "  echo 0 >/sys/module/page_reporting/parameters/page_reporting_order; "
    "  [ $((i % 4)) != 0 ] || sleep 2.5; "
    "  md5sum -c -s /small || changed=$((changed + 1)); "
    "  [ $((i % 10)) != 0 ] || md5sum -c -s /sum || changed=$((changed + 1)); "
    "  rm /tmp/small; "
    "done; "
    "md5sum -c -s /sum || changed=$((changed + 1)); stat -c 'filled %s' /tmp/big; echo changed $changed";

// A driver that declines a feature unloads without telling the device. When the next driver starts, the
// device still has the rings of the first one, whose pages now hold other data.
TEST_P(Serve, a_driver_that_declines_features_is_loaded_again_and_again) {
  constexpr const char* kFewReloads = "12";
  const char* const asked = std::getenv("FALLOW_RELOADS");
  const std::string reloads = asked != nullptr ? asked : kFewReloads;
  // The older kernel declines poison, the newer one indirect descriptors. All rings are in use when the
  // driver is unloaded.
  const bool older = GetParam() == UmlKernel::Packaged;
  std::vector<std::string> options = {"--target", "4M", "--stats-interval", "100ms"};
  if (older) options.emplace_back("--features=default,poison");
  ServeProcess daemon(options);
  const auto guest = boot(daemon, "128M", 0);
  ASSERT_NE(guest, nullptr);
  EXPECT_EQ(daemon.figure("features") & (older ? kBalloonPagePoison : kFeatureIndirectDesc), 0U);
  const GuestAnswer worked = guest->run("reloads=" + reloads + "; " + kReload, seconds(900));
  EXPECT_TRUE(worked.ok()) << worked.status << worked.out;
  EXPECT_NE(worked.out.find("changed 0\n"), std::string::npos) << worked.out;
  const auto guests = daemon.guests();
  ASSERT_EQ(guests.size(), 1U);
  for (const auto& [kind, count] : guests[0]["driver_mistakes"].items()) EXPECT_EQ(count, 0) << kind;
  EXPECT_EQ(guests[0]["refused_total"], 0);
  EXPECT_GT(guests[0]["requests"], 0) << guests;
  EXPECT_EQ(guests[0]["actual_bytes"], 4 * kMiB);
  RecordProperty("reloads", reloads);
  RecordProperty("requests", static_cast<int>(daemon.figure("requests")));
  RecordProperty("guest_says", worked.out);
  expect_calm(*guest);
  EXPECT_EQ(daemon.troubles(), "");
}

INSTANTIATE_TEST_SUITE_P(Kernels, Serve, testing::Values(UmlKernel::Packaged, UmlKernel::Newer),
                         [](const auto& info) {
                           return info.param == UmlKernel::Packaged ? "packaged" : "newer";
                         });

}  // namespace
}  // namespace fallow
