// The daemon's metrics, served over HTTP to Prometheus at /metrics.
//
// Two threads of prometheus-cpp's web server (civetweb). To be made after Server::create(), which closes the
// socket that a worker before left listening, and after a change of user: ports below 1024 need a privilege.
// What it asks of a sandbox:
//   made:     socket setsockopt bind listen getsockname fcntl close, clone3 (or clone) mmap mprotect madvise
//             rt_sigprocmask rt_sigaction prctl set_robust_list rseq, and openat newfstatat read lseek of
//             /etc/localtime
//   serving:  poll accept getsockname setsockopt fcntl recvfrom sendto write shutdown close futex
//             clock_nanosleep newfstatat (of /.htpasswd), and brk mmap munmap madvise for memory
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/fallow/control_desk.h"
#include "fallow/host/created.h"

namespace fallow {

class Server;

class MetricsServer {
 public:
  // `address_and_port`: "127.0.0.1:9105", "[::1]:9105"; port 0: any that is free. Whoever can connect there
  // can read the metrics. `sockets`: the paths of the daemon's sockets in the order of
  // ServerOptions::listeners. `server` must outlive the metrics server. The error names the address.
  static Created<MetricsServer> create(const std::string& address_and_port, Server& server,
                                       std::vector<std::string> sockets = {});
  static Created<MetricsServer> create(const std::string& address_and_port, std::unique_ptr<ControlDesk> desk,
                                       std::vector<std::string> sockets = {});
  // Waits for the scrape under way, and for the web server, which looks every 2 s whether it is to end.
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  int port() const;

 private:
  class Guests;
  struct Web;

  MetricsServer();

  std::shared_ptr<Guests> guests_;
  std::unique_ptr<Web> web_;
};

}  // namespace fallow
