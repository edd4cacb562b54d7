#include "cli/control/metrics_server.h"

#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include <string_view>
#include <utility>

#include "cli/control/metrics_families.h"

namespace fallow::cli {
namespace {

// Names only what every installation has. No path of the daemon, because everyone who can connect may read.
constexpr const char* kFirstPage =
    "<!DOCTYPE html>\n"
    "<title>fallow " FALLOW_VERSION
    "</title>\n"
    "<h1>fallow " FALLOW_VERSION
    "</h1>\n"
    "<p>This daemon returns the memory that virtual machines do not use to their host.</p>\n"
    "<ul>\n"
    "<li><a href=\"/metrics\">/metrics</a>: the metrics, for Prometheus</li>\n"
    "<li><code>fallow top</code> and <code>fallow ctl list</code> on this host: the guests, live and as a "
    "list</li>\n"
    "<li><code>man fallow-serve</code>: the options, signals and configuration file of the daemon</li>\n"
    "<li>share/fallow/grafana/fallow.json: a dashboard; share/fallow/prometheus/fallow.rules.yml: alert "
    "rules</li>\n"
    "</ul>\n";

// Returns a complete HTTP/1.1 response. The response to HEAD has the Content-Length of GET, and no body.
std::string http_answer(const char* status, const char* type, const std::string& text, bool head) {
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: {}; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
      status, type, text.size(), head ? "" : text);
}

std::string http_error(const char* status, const char* text) {
  return http_answer(status, "text/plain", std::string(text) + '\n', false);
}

// The parts of the request line "GET /metrics HTTP/1.1". Empty if the line is malformed.
struct HttpRequest {
  std::string_view method, path;
};

HttpRequest first_line(std::string_view request) {
  const std::string_view line = request.substr(0, request.find("\r\n"));
  const std::size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || !line.substr(last + 1).starts_with("HTTP/1."))
    return {};
  const std::string_view target = line.substr(first + 1, last - first - 1);
  return {line.substr(0, first), target.substr(0, target.find('?'))};
}

class MetricsService final : public RequestService {
 public:
  MetricsService(std::shared_ptr<GuestControl> desk, std::vector<std::string> sockets,
                 std::shared_ptr<const ProcessMetrics> process)
      : desk_(std::move(desk)), sockets_(std::move(sockets)), process_(std::move(process)) {}

  Answer answer(const std::string& request, uid_t /*user*/) override {
    return {answer_to(first_line(request)), true};
  }
  std::string refuse_long(std::size_t /*most*/) override {
    return http_error("431 Request Header Fields Too Large", "the request is too long");
  }
  void close() noexcept override { desk_->close(); }

 private:
  std::string answer_to(const HttpRequest& request) {
    if (request.path.empty()) return http_error("400 Bad Request", "this is not an HTTP/1.1 request");
    const bool first_page = request.path == "/";
    if (!first_page && request.path != "/metrics")
      return http_error("404 Not Found", "the metrics are at /metrics, and / says where other things are");
    if (request.method != "GET" && request.method != "HEAD")
      return http_error("405 Method Not Allowed", "expected GET or HEAD");
    const bool head = request.method == "HEAD";
    if (first_page) return http_answer("200 OK", "text/html", kFirstPage, head);
    return http_answer("200 OK", "text/plain; version=0.0.4", metrics(), head);
  }

  std::string metrics() {
    auto families = metric_families(desk_->guests(), desk_->counts(), sockets_);
    if (process_ != nullptr)
      for (auto& family : process_->families()) families.push_back(std::move(family));
    return prometheus::TextSerializer().Serialize(families);
  }

  const std::shared_ptr<GuestControl> desk_;
  const std::vector<std::string> sockets_;
  const std::shared_ptr<const ProcessMetrics> process_;
};

}  // namespace

Expected<RequestServer> serve_metrics(int listening_fd, std::shared_ptr<GuestControl> desk,
                                      std::vector<std::string> sockets,
                                      std::shared_ptr<const ProcessMetrics> process) {
  constexpr std::chrono::seconds kTimeout{5};
  const RequestLimits limits{
      .end = "\r\n\r\n", .bytes = 8192, .connections = 16, .idle = kTimeout, .slow = kTimeout};
  return RequestServer::create(
      "the metrics socket", listening_fd,
      std::make_unique<MetricsService>(std::move(desk), std::move(sockets), std::move(process)), limits);
}

}  // namespace fallow::cli
