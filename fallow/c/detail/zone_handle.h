// The objects behind a fallow_zone and a fallow_cache.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/c/detail/c_port.h"
#include "fallow/c/detail/storage.h"
#include "fallow/c/zone.h"
#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"

struct fallow_reporter;

/// The zone with its port. The zone's own memory follows.
struct alignas(fallow::detail::kStorageAlignment) fallow_zone {
  static constexpr auto kKind = fallow::detail::HandleKind::Zone;

  explicit fallow_zone(const fallow_port& functions) noexcept : port(functions) {}

  fallow::detail::HandleKind kind = fallow::detail::HandleKind::None;
  fallow::detail::CPort port;
  fallow::Zone* zone = nullptr;
  std::atomic<fallow_reporter*> reporter{nullptr};
};

namespace fallow::detail {

// A fallow_cache is a LocalCache, so that no indirection is on the fast path.
inline LocalCache* from_c(fallow_cache* cache) noexcept { return reinterpret_cast<LocalCache*>(cache); }
inline fallow_cache* to_c(LocalCache* cache) noexcept { return reinterpret_cast<fallow_cache*>(cache); }

}  // namespace fallow::detail
