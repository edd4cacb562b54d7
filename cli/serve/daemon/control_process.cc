#include "cli/serve/daemon/control_process.h"

#include <unistd.h>

#include <exception>
#include <memory>

#include "cli/control/control_server.h"
#include "cli/control/metrics_server.h"
#include "cli/serve/daemon/guest_board_control.h"
#include "cli/serve/serve_sandbox.h"
#include "cli/term/exit_status.h"

namespace fallow::cli {
namespace {

// Serves until a signal ends the process. Returns only on an error, with its text.
std::string serve(const ControlPlan& plan) {
  const auto process = std::make_shared<const ProcessMetrics>();  // opens a file
  if (plan.request->sandbox) {
    if (std::string error = enter_control_sandbox(); !error.empty()) return error;
  }
  const auto guests = std::make_shared<GuestBoardControl>(*plan.board);
  std::unique_ptr<RequestServer> control, metrics;
  if (plan.control >= 0) {
    auto made = serve_control(plan.control, guests, plan.socket_paths);
    if (!made) return made.error;
    control = std::move(made.object);
  }
  if (plan.metrics >= 0) {
    auto made = serve_metrics(plan.metrics, guests, plan.socket_paths, process);
    if (!made) return made.error;
    metrics = std::move(made.object);
  }
  for (;;) pause();
}

}  // namespace

int run_control_process(const ControlPlan& plan) noexcept {
  try {
    plan.log->write(LogLevel::Error, "failed", "control process: " + serve(plan));
  } catch (const std::exception& error) {
    plan.log->write(LogLevel::Error, "failed", error.what());
  }
  return kExitFailed;
}

}  // namespace fallow::cli
