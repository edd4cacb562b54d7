#include "apps/fallow/metrics_server.h"

#include <fmt/format.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <exception>
#include <utility>

#include "apps/fallow/control_server_desk.h"
#include "apps/fallow/metrics_families.h"
#include "apps/fallow/quantity.h"

namespace fallow {
namespace {

// Of the web server; a scrape takes one.
constexpr std::size_t kThreads = 2;

// The web server would also take "8080" for all addresses, "8080s" for TLS, and lists of them.
bool is_address(const std::string& text) {
  constexpr std::uint64_t kLastPort = 65535;
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || text.find(',') != std::string::npos) return false;
  const auto port = parse_count(std::string_view(text).substr(colon + 1));
  return port && *port <= kLastPort;
}

}  // namespace

// One snapshot a scrape.
class MetricsServer::Guests final : public prometheus::Collectable {
 public:
  Guests(std::unique_ptr<ControlDesk> desk, std::vector<std::string> sockets)
      : desk_(std::move(desk)), sockets_(std::move(sockets)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    return metric_families(desk_->guests(), sockets_);
  }
  void close() noexcept { desk_->close(); }

 private:
  const std::unique_ptr<ControlDesk> desk_;
  const std::vector<std::string> sockets_;
};

struct MetricsServer::Web {
  explicit Web(const std::string& address) : exposer(address, kThreads) {}
  prometheus::Exposer exposer;
};

MetricsServer::MetricsServer() = default;

MetricsServer::~MetricsServer() {
  if (guests_) guests_->close();
}

Created<MetricsServer> MetricsServer::create(const std::string& address_and_port, Server& server,
                                             std::vector<std::string> sockets) {
  return create(address_and_port, std::make_unique<ControlServerDesk>(server), std::move(sockets));
}

Created<MetricsServer> MetricsServer::create(const std::string& address_and_port,
                                             std::unique_ptr<ControlDesk> desk,
                                             std::vector<std::string> sockets) {
  if (!is_address(address_and_port))
    return fmt::format("metrics at '{}': expected ADDRESS:PORT, such as 127.0.0.1:9105 or [::1]:9105",
                       address_and_port);
  std::unique_ptr<MetricsServer> made(new MetricsServer);
  made->guests_ = std::make_shared<Guests>(std::move(desk), std::move(sockets));
  // Before a sandbox closes: the web server's first date reads /etc/localtime.
  tzset();
  errno = 0;
  try {
    made->web_ = std::make_unique<Web>(address_and_port);
    made->web_->exposer.RegisterCollectable(made->guests_);
  } catch (const std::exception&) {
    // The exception says "null context" and no more; the web server's last call may have left a reason.
    return fmt::format(
        "metrics at {}: cannot listen there{}{}; is the address this machine's, and the port free?",
        address_and_port, errno != 0 ? ": " : "", errno != 0 ? std::strerror(errno) : "");
  }
  return made;
}

int MetricsServer::port() const { return web_->exposer.GetListeningPorts().front(); }

}  // namespace fallow
