// What a workload works with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "apps/guest/balloon_binding.h"
#include "apps/guest/command_line.h"
#include "apps/guest/findings.h"
#include "apps/guest/guest_zones.h"
#include "apps/guest/machine.h"
#include "apps/guest/stamps.h"

namespace fallow::guest {

struct Context {
  Machine& machine;
  const Options& options;
  GuestZones& zones;
  BalloonBinding& balloon;
  Findings& findings;
  Stamps& stamps;
  std::uint32_t cpus = 1;
  PfnCount memory;                    // frames that may be allocated, about
  std::span<const std::byte> module;  // the boot module

  // What CPU `cpu` has of `total`, when all have the same and the first ones what is over.
  std::uint64_t share(std::uint64_t total, std::uint32_t cpu) const noexcept {
    return total / cpus + (cpu < total % cpus ? 1 : 0);
  }
};

}  // namespace fallow::guest
