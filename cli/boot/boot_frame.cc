#include "cli/boot/boot_frame.h"

#include <fmt/format.h>

#include "cli/term/format.h"
#include "cli/term/live_layout.h"

namespace fallow::cli {
namespace {

std::vector<LiveBar> bars_of(const BootSample& sample) {
  const boot::GuestFigures& guest = sample.guest;
  return {{"resident", to_mib(sample.resident), Layer::Resident},
          {"used", mib_of_kib(guest.used_kib), Layer::Used},
          {"free", mib_of_kib(guest.free_kib), Layer::Nothing},
          {"reported", mib_of_kib(guest.reported_kib), Layer::Nothing}};
}

}  // namespace

std::string boot_legend(const Terminal& terminal) {
  return fmt::format("{} used by the guest   {} resident on the host beyond that",
                     swatch(Layer::Used, terminal), swatch(Layer::Resident, terminal));
}

std::vector<std::string> boot_frame(const BootState& state, const History& history,
                                    const Terminal& terminal) {
  if (!state.sample) return {state.doing};
  const BootSample& now = *state.sample;
  return lay_out({.title = state.title,
                  .progress = fmt::format("{:7.1f} s  {}", to_seconds(now.time), state.doing),
                  .end = now.time,
                  .legend = boot_legend(terminal),
                  .bars = bars_of(now),
                  .scale_mib = to_mib(state.memory)},
                 history, terminal);
}

}  // namespace fallow::cli
