// fragment: fills memory frame by frame, frees a random half of them, says how much of that is reported,
// fills it again, and frees all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "apps/guest/context.h"
#include "apps/guest/early_memory.h"
#include "apps/guest/settling.h"
#include "apps/guest/tenant.h"
#include "apps/guest/workload.h"

namespace fallow::guest {

class Fragment final : public Workload {
 public:
  explicit Fragment(Context& context) noexcept : context_(context), settling_(context) {}
  // False: not enough memory.
  bool create(EarlyMemory& memory) noexcept;

  Step step(std::uint32_t cpu, unsigned phase) noexcept override;
  unsigned next(unsigned phase) noexcept override;

 private:
  enum Phase : unsigned { kFirstReports, kFilling, kHalving, kReports, kRefilling, kEmptying, kLastReports };

  struct alignas(64) Member {
    Tenant tenant;
    std::size_t undecided = 0;  // of its frames, the first so many, while half of them are freed
  };

  Step fill(Member& member) noexcept;
  Step halve(Member& member) noexcept;
  Step empty(Tenant& tenant) noexcept;

  Context& context_;
  Settling settling_;
  std::span<Member> members_;
};

}  // namespace fallow::guest
