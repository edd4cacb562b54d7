// How `fallow serve` starts, lives and ends, without a guest.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/e2e/serve_process.h"
#include "tests/e2e/wait_until.h"
#include "tests/support/sanitized.h"

namespace fallow {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string status_of(pid_t process) { return read_file("/proc/" + std::to_string(process) + "/status"); }

TEST(ServeLife, begins_and_ends_in_order) {
  ServeProcess daemon;
  struct stat at {};
  ASSERT_EQ(stat(daemon.socket().c_str(), &at), 0);
  EXPECT_EQ(at.st_mode & 07777, 0600U);
  EXPECT_TRUE(daemon.guests().is_array());
  EXPECT_EQ(daemon.stop(), 0);
  EXPECT_FALSE(std::filesystem::exists(daemon.socket()));
  EXPECT_FALSE(std::filesystem::exists(daemon.socket() + ".ctl"));
  EXPECT_EQ(daemon.events("ended"), 1U);
  EXPECT_EQ(daemon.troubles(), "");
}

TEST(ServeLife, a_second_daemon_leaves_the_first_alone) {
  ServeProcess daemon;
  const CliOutcome second = run_cli({"serve", "--socket", daemon.socket()});
  EXPECT_EQ(second.status, 1);
  EXPECT_EQ(second.err, "fallow serve: --socket " + daemon.socket() + ": a program listens there already\n");
  EXPECT_TRUE(daemon.guests().is_array());
}

TEST(ServeLife, what_a_daemon_that_was_killed_left_is_replaced) {
  ServeProcess daemon;
  daemon.kill_all();
  EXPECT_TRUE(std::filesystem::exists(daemon.socket()));
  daemon.start_again();
  EXPECT_TRUE(daemon.guests().is_array());
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(ServeLife, a_connection_outlives_the_worker) {
  ServeProcess daemon;
  const int front_end = connect_to(daemon.socket());
  ASSERT_GE(front_end, 0);
  EXPECT_TRUE(daemon.wait_for_events("connected", 1));
  for (std::size_t round = 1; round <= 3; ++round) {
    daemon.kill_worker();
    EXPECT_TRUE(daemon.wait_for_events("resumed", round));
  }
  EXPECT_EQ(daemon.guests().size(), 1U);
  char byte = 0;
  EXPECT_EQ(recv(front_end, &byte, 1, MSG_DONTWAIT), -1) << "it was closed";
  close(front_end);
  EXPECT_TRUE(daemon.wait_for_events("disconnected", 1));
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(ServeLife, a_worker_leaves_no_descriptor_behind) {
  ServeProcess daemon({"--metrics", "127.0.0.1:29105"});
  const auto descriptors = [&] {
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(daemon.process()) + "/fd");
    return std::distance(begin(all), end(all));
  };
  const auto before = descriptors();
  for (std::size_t round = 1; round <= 4; ++round) {
    const int front_end = connect_to(daemon.socket());
    EXPECT_TRUE(daemon.wait_for_events("connected", round));
    daemon.kill_worker();
    EXPECT_TRUE(daemon.wait_for_events("resumed", round));
    close(front_end);
    EXPECT_TRUE(daemon.wait_for_events("disconnected", round));
  }
  EXPECT_TRUE(wait_until([&] { return descriptors() == before; })) << descriptors() << ", before " << before;
}

TEST(ServeLife, the_worker_has_no_rights_that_it_does_not_need) {
  if (kSanitized) GTEST_SKIP() << "it runs without its sandbox";
  ServeProcess daemon;
  const int front_end = connect_to(daemon.socket());
  ASSERT_TRUE(daemon.wait_for_events("connected", 1));
  for (const pid_t process : {daemon.worker(), daemon.control()}) {
    const std::string status = status_of(process);
    EXPECT_TRUE(has(status, "NoNewPrivs:\t1")) << status;
    EXPECT_TRUE(has(status, "Seccomp:\t2")) << status;
  }
  close(front_end);
}

TEST(ServeLife, root_can_have_it_serve_as_somebody_else) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  ServeProcess daemon({"--user", "nobody", "--socket-mode", "660"});
  const int front_end = connect_to(daemon.socket());
  ASSERT_TRUE(daemon.wait_for_events("connected", 1));
  const auto processes = daemon.processes();
  EXPECT_EQ(processes.size(), 4U);
  for (const pid_t process : processes) {
    if (process != daemon.process()) {
      EXPECT_TRUE(has(status_of(process), "Uid:\t65534\t65534\t65534\t65534"));
    }
  }
  struct stat at {};
  ASSERT_EQ(stat(daemon.socket().c_str(), &at), 0);
  EXPECT_EQ(at.st_uid, 65534U);
  EXPECT_EQ(at.st_mode & 07777, 0660U);
  daemon.kill_worker();
  EXPECT_TRUE(daemon.wait_for_events("resumed", 1));
  EXPECT_EQ(daemon.stop(), 0);
  close(front_end);
  EXPECT_EQ(run_cli({"serve", "--socket", daemon.socket(), "--user", "nobody-at-all"}).err,
            "fallow serve: --user: there is no user 'nobody-at-all'\n");
}

TEST(ServeLife, metrics_come_out_of_the_sandbox) {
  ServeProcess daemon({"--metrics", "127.0.0.1:29106"});
  const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(29106);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
  ASSERT_EQ(write(file, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  std::string answer;
  char piece[4096];
  for (ssize_t n = 0; (n = read(file, piece, sizeof piece)) > 0;)
    answer.append(piece, static_cast<std::size_t>(n));
  close(file);
  EXPECT_TRUE(has(answer, "200 OK")) << answer;
  EXPECT_TRUE(has(answer, "# TYPE fallow_")) << answer;
  EXPECT_EQ(daemon.events("worker_died"), 0U);
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(ServeLife, a_log_that_was_put_away_begins_anew) {
  ServeProcess daemon;
  std::filesystem::rename(daemon.log_path(), daemon.log_path() + ".1");
  kill(daemon.process(), SIGHUP);
  EXPECT_TRUE(wait_until([&] { return std::filesystem::exists(daemon.log_path()); }));
  close(connect_to(daemon.socket()));
  EXPECT_TRUE(daemon.wait_for_events("connected", 1));
}

TEST(ServeLife, takes_sockets_from_the_service_manager) {
  const ScratchFolder folder;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder.path("passed");
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(listener, 3);
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", "1", 1);
    execl(FALLOW_PROGRAM, "fallow", "serve", "--no-sandbox", "--log", folder.path("log").c_str(), nullptr);
    _exit(127);
  }
  close(listener);
  const auto logged = [&](const char* words) { return has(read_file(folder.path("log")), words); };
  EXPECT_TRUE(wait_until([&] { return logged("guests are served"); }));
  const int front_end = connect_to(path);
  EXPECT_GE(front_end, 0);
  EXPECT_TRUE(wait_until([&] { return logged("a guest connected"); }));
  EXPECT_TRUE(std::filesystem::exists(path + ".ctl"));
  close(front_end);
  kill(child, SIGTERM);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(std::filesystem::exists(path)) << "it belongs to the service manager";
}

TEST(ServeLife, what_makes_no_sense_is_told) {
  EXPECT_EQ(run_cli({"serve"}).status, 2);
  const CliOutcome outcome = run_cli({"serve", "--socket", "a", "--queue-size", "100"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err,
            "fallow serve: --queue-size '100': expected a power of two from 1 to 1024\n"
            "Try 'fallow serve --help'.\n");
  EXPECT_EQ(run_cli({"serve", "x"}).err,
            "fallow serve: unexpected argument 'x'; expected options only\nTry 'fallow serve --help'.\n");
}

TEST(ServeLife, many_idle_guests_cost_little) {
  ServeProcess daemon;
  const std::uint64_t before = daemon.memory();
  std::vector<int> front_ends;
  for (int i = 0; i < 64; ++i) front_ends.push_back(connect_to(daemon.socket()));
  EXPECT_TRUE(daemon.wait_for_events("connected", 64));
  const std::uint64_t all = daemon.memory();
  RecordProperty("memory_kib", static_cast<int>(all >> 10));
  if (!kSanitized) {
    EXPECT_LE(all, before + (64U << 20));
  }
  for (const int front_end : front_ends) close(front_end);
  EXPECT_TRUE(daemon.wait_for_events("disconnected", 64));
}

}  // namespace
}  // namespace fallow
