// The desk of a Server: questions are posted to its thread, and answers waited for.
#pragma once

#include <chrono>
#include <memory>

#include "apps/fallow/control_desk.h"
#include "fallow/vhost_user/server.h"

namespace fallow {

class ControlServerDesk final : public ControlDesk {
 public:
  static constexpr std::chrono::seconds kPatience{2};

  // `server` must outlive the desk, but not what the desk posted.
  explicit ControlServerDesk(Server& server);
  ~ControlServerDesk() override;

  std::optional<std::vector<GuestSnapshot>> guests() override;
  std::optional<Status> set_target(std::uint64_t guest, PfnCount frames) override;
  std::optional<Status> pause(std::uint64_t guest, bool on) override;
  void close() noexcept override;

 private:
  struct Hall;
  template <class T, class Question>
  std::optional<T> ask(Question question);

  Server& server_;
  const std::shared_ptr<Hall> hall_;
};

}  // namespace fallow
