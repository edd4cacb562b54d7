// The environment of a workload.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "guest/kernel/balloon_binding.h"
#include "guest/kernel/guest_errors.h"
#include "guest/kernel/guest_zones.h"
#include "guest/kernel/machine.h"
#include "guest/kernel/stamps.h"
#include "guest/protocol/command_line.h"

namespace fallow::guest {

struct Context {
  Machine& machine;
  const Options& options;
  GuestZones& zones;
  BalloonBinding& balloon;
  GuestErrors& errors;
  Stamps& stamps;
  std::uint32_t cpus = 1;
  PfnCount memory;                    // frames available for allocation, approximately
  std::span<const std::byte> module;  // the boot module

  // The share of CPU `cpu` in `total`. The total is split evenly; the remainder goes to the first CPUs.
  std::uint64_t share(std::uint64_t total, std::uint32_t cpu) const noexcept {
    return total / cpus + (cpu < total % cpus ? 1 : 0);
  }
};

}  // namespace fallow::guest
