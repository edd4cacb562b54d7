// Starts `fallow serve` in the sandbox once with every option value that its help lists, and checks that it
// serves.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "tests/e2e/cli_process.h"
#include "tests/e2e/serve_process.h"
#include "tests/e2e/wait_until.h"
#include "tests/support/sanitized.h"

namespace fallow {
namespace {

using Words = std::vector<std::string>;

// Returns a TCP port on which no socket of this machine listens now.
std::string free_port() {
  const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(file, reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(file, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(file);
  return std::to_string(ntohs(address.sin_port));
}

bool has_ipv6() {
  const int file = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const bool there =
      file >= 0 && bind(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (file >= 0) close(file);
  return there;
}

std::string scrape(const std::string& host, const std::string& port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return "cannot resolve " + host;
  std::string answer = "no connection to " + host;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    const int file = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(file, at->ai_addr, at->ai_addrlen) == 0) {
      const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
      EXPECT_EQ(send(file, request.data(), request.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(request.size()));
      answer.clear();
      char piece[4096];
      for (ssize_t n = 0; (n = recv(file, piece, sizeof piece, 0)) > 0;)
        answer.append(piece, static_cast<std::size_t>(n));
      close(file);
      break;
    }
    close(file);
  }
  freeaddrinfo(found);
  return answer;
}

// A daemon that logs to standard error, which is a file.
class Daemon {
 public:
  explicit Daemon(Words options) {
    Words words = {FALLOW_PROGRAM, "serve", "--socket", socket()};
    words.insert(words.end(), options.begin(), options.end());
    if (kSanitized) words.emplace_back("--no-sandbox");
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    process_ = fork();
    EXPECT_GE(process_, 0);
    if (process_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(open(log_path().c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
      execv(FALLOW_PROGRAM, arguments.data());
      _exit(127);
    }
  }
  ~Daemon() {
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  std::string socket() const { return folder_.path("socket"); }
  std::string log() const { return read_file(log_path()); }

  // True if the daemon answers GET_FEATURES.
  bool serves() const {
    const std::uint32_t request[3] = {1, 1, 0};
    std::uint32_t answer[5] = {};
    int file = -1;
    const bool connected = wait_until([&] { return (file = connect_to(socket())) >= 0; });
    const timeval timeout{10, 0};
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    const bool answered = connected && send(file, request, sizeof request, MSG_NOSIGNAL) == sizeof request &&
                          recv(file, answer, sizeof answer, MSG_WAITALL) == sizeof answer && answer[0] == 1;
    if (file >= 0) close(file);
    return answered;
  }

  int stop() {
    int status = -1;
    if (process_ <= 0) return -1;
    kill(process_, SIGTERM);
    if (!wait_until([&] { return waitpid(process_, &status, WNOHANG) == process_; })) return -1;
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  std::string log_path() const { return folder_.path("log"); }

  ScratchFolder folder_;
  pid_t process_ = -1;
};

class ServeValue : public testing::TestWithParam<Words> {};

TEST_P(ServeValue, is_served_in_the_sandbox) {
  Words options = GetParam();
  const bool for_root = options[0] == "--user";
  if (for_root && geteuid() != 0) GTEST_SKIP() << "needs root";
  const ScratchFolder folder;
  for (std::string& word : options)
    if (const std::size_t at = word.find("FOLDER"); at != std::string::npos)
      word.replace(at, 6, folder.path(""));
  Daemon daemon(options);
  EXPECT_TRUE(daemon.serves()) << daemon.log();
  EXPECT_EQ(daemon.stop(), 0) << daemon.log();
  EXPECT_EQ(daemon.log().find("was killed"), std::string::npos) << daemon.log();
}

const Words kValues[] = {
    {"--socket-mode", "600"},
    {"--socket-mode", "777"},
    {"--target", "0"},
    {"--target", "512M"},
    {"--target", "15T"},
    {"--features", "default"},
    {"--features", "all"},
    {"--features", "none"},
    {"--features", "default,must-tell-host"},
    {"--features", "default,stats"},
    {"--features", "default,deflate-on-oom"},
    {"--features", "default,hinting"},
    {"--features", "default,poison"},
    {"--features", "default,reporting"},
    {"--features", "default,init-reported"},
    {"--features", "default,indirect"},
    {"--features", "default,event-index"},
    {"--features=-stats"},
    {"--split"},
    {"--packed"},
    {"--queue-size", "1"},
    {"--queue-size", "1024"},
    {"--stats-interval", "0"},
    {"--stats-interval", "100ms"},
    {"--stats-interval", "24h"},
    {"--control", "none"},
    {"--control", "FOLDERcontrol"},
    {"--log", "FOLDERlog"},
    {"--log-format", "text"},
    {"--log-format", "json"},
    {"--log-level", "debug"},
    {"--log-level", "info"},
    {"--log-level", "warning"},
    {"--log-level", "error"},
    {"--user", "nobody"},
    {"--user", "65534"},
    {"--no-sandbox"},
};

std::string name_of(const testing::TestParamInfo<Words>& info) {
  std::string name;
  for (const std::string& word : info.param)
    for (const char c : word) name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name.substr(2);
}

INSTANTIATE_TEST_SUITE_P(Options, ServeValue, testing::ValuesIn(kValues), name_of);

struct Address {
  const char* name;
  const char* address;  // as typed
  const char* host;     // where the client connects
  bool ipv6;
  friend void PrintTo(const Address& address, std::ostream* out) { *out << address.address; }
};

class ServeMetricsAddress : public testing::TestWithParam<Address> {};

TEST_P(ServeMetricsAddress, is_scraped_also_after_its_process_died) {
  if (GetParam().ipv6 && !has_ipv6()) GTEST_SKIP() << "needs IPv6";
  const std::string port = free_port();
  ServeProcess daemon({"--metrics", std::string(GetParam().address) + ":" + port});
  for (std::size_t round = 1; round <= 2; ++round) {
    const std::string answer = scrape(GetParam().host, port);
    ASSERT_NE(answer.find("200 OK"), std::string::npos) << answer << daemon.troubles();
    EXPECT_NE(answer.find("\nfallow_up 1\n"), std::string::npos) << answer;
    EXPECT_EQ(daemon.events("control_died"), round - 1) << daemon.troubles();
    const pid_t before = daemon.control();
    ASSERT_GT(before, 0);
    kill(before, SIGKILL);
    ASSERT_TRUE(wait_until([&] { return daemon.control() > 0 && daemon.control() != before; })) << round;
  }
  EXPECT_EQ(daemon.stop(), 0);
}

const Address kAddresses[] = {
    {"ipv4", "127.0.0.1", "127.0.0.1", false},   {"ipv4_all", "0.0.0.0", "127.0.0.1", false},
    {"ipv4_short", "127.1", "127.0.0.1", false}, {"ipv6", "[::1]", "::1", true},
    {"ipv6_all", "[::]", "::1", true},           {"a_name", "localhost", "localhost", false},
};

INSTANTIATE_TEST_SUITE_P(Addresses, ServeMetricsAddress, testing::ValuesIn(kAddresses),
                         [](const auto& info) { return info.param.name; });

TEST(ServeMetrics, an_address_that_cannot_be_had_ends_the_command_with_a_reason) {
  const std::string port = free_port();
  ServeProcess first({"--metrics", "127.0.0.1:" + port});
  const ScratchFolder folder;
  const auto error_of = [&](const std::string& address) {
    return run_cli({"serve", "--socket", folder.path("socket"), "--metrics", address});
  };
  const CliOutcome taken = error_of("127.0.0.1:" + port);
  EXPECT_EQ(taken.status, 1);
  EXPECT_EQ(taken.err, "fallow serve: --metrics 127.0.0.1:" + port + ": cannot listen at 127.0.0.1:" + port +
                           ": Address already in use\n");
  const CliOutcome unknown = error_of("no-such-host.invalid:" + port);
  EXPECT_EQ(unknown.status, 1);
  EXPECT_EQ(unknown.err.find("fallow serve: --metrics no-such-host.invalid:" + port +
                             ": cannot resolve 'no-such-host.invalid': "),
            0U)
      << unknown.err;
}

}  // namespace
}  // namespace fallow
