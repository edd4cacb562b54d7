#include "cli/control/control_server.h"

#include <unistd.h>

#include <utility>

#include "cli/control/control_answer.h"

namespace fallow::cli {
namespace {

class ControlService final : public RequestService {
 public:
  ControlService(std::shared_ptr<GuestControl> desk, std::vector<std::string> sockets)
      : desk_(std::move(desk)), sockets_(std::move(sockets)) {}

  Answer answer(const std::string& request, uid_t user) override {
    const bool may_steer = user == 0 || user == geteuid();
    return {answer_request(request, *desk_, sockets_, may_steer) + '\n', false};
  }
  std::string refuse_long(std::size_t most) override {
    return refuse_request("a request has at most " + std::to_string(most) + " bytes") + '\n';
  }
  void close() noexcept override { desk_->close(); }

 private:
  const std::shared_ptr<GuestControl> desk_;
  const std::vector<std::string> sockets_;
};

}  // namespace

Expected<RequestServer> serve_control(int listening_fd, std::shared_ptr<GuestControl> desk,
                                      std::vector<std::string> sockets, const RequestLimits& limits) {
  return RequestServer::create("the control socket", listening_fd,
                               std::make_unique<ControlService>(std::move(desk), std::move(sockets)), limits);
}

}  // namespace fallow::cli
