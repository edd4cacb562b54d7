#include "cli/control/metrics_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <prometheus/text_serializer.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "cli/control/metrics_address.h"
#include "cli/control/metrics_families.h"
#include "tests/support/fake_desk.h"

namespace fallow::cli {
namespace {

std::string text_of(const std::optional<std::vector<vhost::GuestSnapshot>>& guests) {
  const std::vector<std::string> sockets = {"/run/a.sock"};
  return prometheus::TextSerializer().Serialize(metric_families(guests, {}, sockets));
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

std::string http_exchange(int port, const std::string& request) {
  const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(send(file, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
  std::string answer;
  std::array<char, 4096> piece{};
  for (ssize_t count = 0; (count = recv(file, piece.data(), piece.size(), 0)) > 0;)
    answer.append(piece.data(), static_cast<std::size_t>(count));
  close(file);
  return answer;
}

std::string http_get(int port, const std::string& path) {
  return http_exchange(port, "GET " + path + " HTTP/1.0\r\n\r\n");
}

TEST(Metrics, a_guest_in_prometheus_words) {
  const std::string text = text_of(std::vector{snapshot_of(1)});
  const std::string who = R"({guest="1",socket="/run/a.sock"})";
  EXPECT_TRUE(has_line(text, "# TYPE fallow_released_bytes_total counter"));
  EXPECT_TRUE(has_line(text, "fallow_released_bytes_total" + who + " 40894464")) << text;
  EXPECT_TRUE(has_line(text, "fallow_memory_bytes" + who + " 536870912"));
  EXPECT_TRUE(has_line(text, "fallow_resident_bytes" + who + " 104857600"));
  EXPECT_TRUE(has_line(text, "fallow_report_requests_total" + who + " 7"));
  EXPECT_TRUE(has_line(text, "fallow_report_entries_total" + who + " 70"));
  EXPECT_TRUE(has_line(text, "fallow_worker_restarts_total" + who + " 2"));
  EXPECT_TRUE(has_line(text, "fallow_balloon_target_bytes" + who + " 4096000"));
  EXPECT_TRUE(has_line(text, R"(fallow_refused_total{guest="1",socket="/run/a.sock",reason="wraps"} 3)"));
  EXPECT_TRUE(
      has_line(text, R"(fallow_driver_mistakes_total{guest="1",socket="/run/a.sock",kind="kicks"} 5)"));
  EXPECT_TRUE(has_line(
      text, R"(fallow_guest_statistic_bytes{guest="1",socket="/run/a.sock",name="free_memory"} 4096)"));
  EXPECT_TRUE(has_line(
      text, R"(fallow_guest_statistic_events{guest="1",socket="/run/a.sock",name="major_faults"} 11)"));
  EXPECT_EQ(text.find("available_memory"), std::string::npos);
  EXPECT_TRUE(has_line(text, "fallow_guest_stuck" + who + " 0"));
  EXPECT_TRUE(has_line(text, "fallow_guests 1"));
  EXPECT_TRUE(has_line(text, "fallow_up 1"));
}

TEST(Metrics, buckets_of_the_histogram_add_up) {
  const std::string text = text_of(std::vector{snapshot_of(1)});
  const auto bucket = [&](const char* bound, const char* count) {
    return has_line(
        text, std::string(R"(fallow_host_call_seconds_bucket{guest="1",socket="/run/a.sock",le=")") + bound +
                  "\"} " + count);
  };
  EXPECT_TRUE(bucket("1e-05", "4")) << text;
  EXPECT_TRUE(bucket("0.0001", "7")) << text;
  EXPECT_TRUE(bucket("1", "7")) << text;
  EXPECT_TRUE(bucket("+Inf", "8")) << text;
  EXPECT_TRUE(has_line(text, R"(fallow_host_call_seconds_count{guest="1",socket="/run/a.sock"} 8)"));
  EXPECT_TRUE(has_line(text, R"(fallow_host_call_seconds_sum{guest="1",socket="/run/a.sock"} 1.25)"));
}

TEST(Metrics, a_daemon_that_does_not_answer_is_down_and_not_empty) {
  EXPECT_EQ(text_of({}).find("fallow_guests"), std::string::npos);
  EXPECT_TRUE(has_line(text_of({}), "fallow_up 0"));
  EXPECT_TRUE(has_line(text_of(std::vector<vhost::GuestSnapshot>{}), "fallow_guests 0"));
}

TEST(Metrics, the_dashboard_shows_what_there_is) {
  std::ifstream file(FALLOW_DASHBOARD);
  const auto dashboard = nlohmann::json::parse(file, nullptr, false);
  ASSERT_TRUE(dashboard.is_object());
  std::set<std::string> there;
  for (const auto& family : metric_families(std::vector{snapshot_of(1)}, {}, {})) there.insert(family.name);
  std::set<std::string> shown;
  const std::string text = dashboard.at("panels").dump();
  const std::regex name("fallow_[a-z_]+");
  for (std::sregex_iterator match(text.begin(), text.end(), name), end; match != end; ++match)
    shown.insert(std::regex_replace(match->str(), std::regex("_seconds_(bucket|sum|count)$"), "_seconds"));
  for (const std::string& one : shown) EXPECT_TRUE(there.contains(one)) << one;
  EXPECT_GE(shown.size(), 15U);
}

// The metrics whose names a file cites.
std::set<std::string> cited_in(const std::string& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::set<std::string> names;
  const std::regex name("fallow_[a-z_]+");
  for (std::sregex_iterator match(text.begin(), text.end(), name), end; match != end; ++match)
    names.insert(match->str());
  return names;
}

TEST(Metrics, the_alert_rules_cite_what_there_is) {
  std::set<std::string> there;
  for (const auto& family : metric_families(std::vector{snapshot_of(1)}, {}, {})) there.insert(family.name);
  const std::set<std::string> cited = cited_in(FALLOW_RULES);
  for (const std::string& one : cited) EXPECT_TRUE(there.contains(one)) << one;
  EXPECT_GE(cited.size(), 8U);
}

TEST(Metrics, what_limits_did_is_counted) {
  const std::string text = prometheus::TextSerializer().Serialize(
      metric_families(std::vector<vhost::GuestSnapshot>{}, {12, 3, 1}, {}));
  EXPECT_TRUE(has_line(text, "fallow_connections_total 12")) << text;
  EXPECT_TRUE(has_line(text, "fallow_turned_away_total 3"));
  EXPECT_TRUE(has_line(text, "fallow_quarantined_total 1"));
}

class MetricsServerTest : public testing::Test {
 protected:
  MetricsServerTest() {
    house_.guests = {snapshot_of(1)};
    std::string error;
    auto file = listen_for_metrics("127.0.0.1:0", &error);
    EXPECT_TRUE(file) << error;
    if (file) listening_ = std::move(*file);
    auto made = serve_metrics(listening_.get(), std::make_unique<FakeDesk>(house_), {"/run/a.sock"},
                              std::make_shared<const ProcessMetrics>());
    EXPECT_TRUE(made) << made.error;
    server_ = std::move(made.object);
  }

  int port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    EXPECT_EQ(getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    return ntohs(address.sin_port);
  }

  FakeHouse house_;
  UniqueFd listening_;
  std::unique_ptr<RequestServer> server_;
};

TEST_F(MetricsServerTest, serves_a_snapshot_for_each_scrape) {
  EXPECT_NE(http_get(port(), "/metrics").find("\nfallow_guests 1\n"), std::string::npos);
  {
    const std::lock_guard lock(house_.mutex);
    house_.guests.push_back(snapshot_of(2));
  }
  EXPECT_NE(http_get(port(), "/metrics?a=b").find("\nfallow_guests 2\n"), std::string::npos);
  EXPECT_NE(http_get(port(), "/other").find("HTTP/1.1 404 "), std::string::npos);
}

TEST_F(MetricsServerTest, the_first_page_says_where_things_are) {
  const std::string answer = http_get(port(), "/");
  EXPECT_EQ(answer.find("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"), 0U) << answer;
  for (const char* part : {"href=\"/metrics\"", "fallow top", "man fallow-serve", "fallow.rules.yml"})
    EXPECT_NE(answer.find(part), std::string::npos) << part;
  EXPECT_EQ(answer.find("/run/a.sock"), std::string::npos) << "no path of the daemon";
}

TEST_F(MetricsServerTest, the_build_and_the_process) {
  const std::string answer = http_get(port(), "/metrics");
  EXPECT_NE(answer.find("\nfallow_build_info{version=\""), std::string::npos) << answer;
  const auto value = [&](const std::string& name) {
    const std::size_t at = answer.find("\n" + name + " ");
    return at == std::string::npos ? -1.0 : std::stod(answer.substr(at + name.size() + 2));
  };
  EXPECT_GT(value("process_cpu_seconds_total"), 0);
  EXPECT_GT(value("process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(value("process_start_time_seconds"), 1e9);
}

TEST_F(MetricsServerTest, the_length_is_that_of_the_text) {
  const std::string answer = http_get(port(), "/metrics");
  EXPECT_EQ(answer.find("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), 0U)
      << answer;
  const std::size_t end = answer.find("\r\n\r\n");
  ASSERT_NE(end, std::string::npos);
  EXPECT_NE(answer.find("\r\nContent-Length: " + std::to_string(answer.size() - end - 4) + "\r\n"),
            std::string::npos);
  const std::string head = http_exchange(port(), "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto without_length = [](const std::string& text) {
    return std::regex_replace(text, std::regex("Content-Length: [0-9]+"), "");
  };
  EXPECT_EQ(without_length(head), without_length(answer.substr(0, end + 4))) << "but the figures may differ";
}

TEST_F(MetricsServerTest, what_is_no_request_is_refused) {
  const auto status = [&](const std::string& request) {
    return http_exchange(port(), request + "\r\n\r\n").substr(0, 12);
  };
  EXPECT_EQ(status("POST /metrics HTTP/1.1"), "HTTP/1.1 405");
  EXPECT_EQ(status(""), "HTTP/1.1 400");
  EXPECT_EQ(status("GET"), "HTTP/1.1 400");
  EXPECT_EQ(status("GET /metrics"), "HTTP/1.1 400");
  EXPECT_EQ(status("GET /metrics SMTP/1.1"), "HTTP/1.1 400");
  EXPECT_EQ(status("GET  HTTP/1.1"), "HTTP/1.1 400");
  EXPECT_EQ(status("GET /metrics HTTP/1.1\r\nX: " + std::string(9000, 'x')), "HTTP/1.1 431");
}

TEST_F(MetricsServerTest, a_client_that_says_nothing_does_not_hold_up_another) {
  const int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(silent, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_NE(http_get(port(), "/metrics").find("200 OK"), std::string::npos);
  close(silent);
}

TEST_F(MetricsServerTest, two_hundred_slow_clients_do_not_hold_up_a_scrape) {
  std::vector<UniqueFd> slow;
  for (int i = 0; i < 200; ++i) {
    slow.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(connect(slow.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_GT(send(slow.back().get(), "GET /met", 8, MSG_NOSIGNAL), 0);
    if (i % 20 != 0) continue;
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_NE(http_get(port(), "/metrics").find("200 OK"), std::string::npos) << i;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  }
}

TEST(MetricsAddress, errors_name_the_address) {
  const auto error_at = [](const std::string& address) {
    std::string error;
    EXPECT_FALSE(listen_for_metrics(address, &error)) << address;
    return error;
  };
  for (const char* address :
       {"", "9105", ":9105", "[]:9105", "127.0.0.1", "127.0.0.1:", "127.0.0.1:9105s", "127.0.0.1:65536"})
    EXPECT_EQ(error_at(address),
              "'" + std::string(address) + "': expected ADDRESS:PORT, such as 127.0.0.1:9105 or [::1]:9105");
  EXPECT_EQ(error_at("192.0.2.1:9105"),
            "192.0.2.1:9105: cannot listen at 192.0.2.1:9105: Cannot assign requested address");
  EXPECT_EQ(error_at("no-such-host.invalid:9105").find("no-such-host.invalid:9105: cannot resolve"), 0U);
}

}  // namespace
}  // namespace fallow::cli
