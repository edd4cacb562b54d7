// A memory backing over the functions of a C program.
#pragma once

#include <bit>
#include <cstdint>

#include "fallow/base/memory_backing.h"
#include "fallow/c/balloon_device.h"
#include "fallow/c/detail/status_values.h"

namespace fallow::detail {

class CBacking final : public MemoryBacking {
 public:
  CBacking() = default;
  explicit CBacking(const fallow_backing& functions) noexcept : f_(functions) {}

  static bool usable(const fallow_backing* functions) noexcept {
    return functions != nullptr && functions->discard != nullptr && is_content(functions->content_after) &&
           (functions->page_frames == 0 || std::has_single_bit(functions->page_frames));
  }

  Status discard(Pfn first, PfnCount n) noexcept override {
    const Status status = from_c(f_.discard(f_.context, first.raw, n.raw));
    return status == Status::Ok || status == Status::OutsideZone ? status : Status::Failed;
  }
  Status populate(Pfn first, PfnCount n) noexcept override {
    return f_.populate == nullptr ? Status::Ok : from_c(f_.populate(f_.context, first.raw, n.raw));
  }
  // The device does not ask.
  Result<PfnCount> resident() noexcept override { return Status::Failed; }
  Content content_after() const noexcept override { return static_cast<Content>(f_.content_after); }
  PfnCount page() const noexcept override { return {f_.page_frames == 0 ? 1 : f_.page_frames}; }

 private:
  fallow_backing f_ = {};
};

}  // namespace fallow::detail
