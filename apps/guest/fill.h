// fill: takes most of the memory, writes it, and gives it all back. What Linux is measured with, too.
#pragma once

#include <cstddef>
#include <span>

#include "apps/guest/context.h"
#include "apps/guest/early_memory.h"
#include "apps/guest/settling.h"
#include "apps/guest/tenant.h"
#include "apps/guest/workload.h"

namespace fallow::guest {

class Fill final : public Workload {
 public:
  explicit Fill(Context& context) noexcept : context_(context), settling_(context) {}
  // False, and a complaint: there is not that much memory.
  bool create(EarlyMemory& memory) noexcept;

  Step step(std::uint32_t cpu, unsigned phase) noexcept override;
  unsigned next(unsigned phase) noexcept override;

 private:
  enum Phase : unsigned { kFirstReports, kFilling, kHolding, kFreeing, kLastReports };

  struct alignas(64) Member {
    Tenant tenant;
    std::size_t verified = 0;  // of its frames, the first so many
  };

  Step fill(Tenant& tenant) noexcept;
  Step verify(Member& member) noexcept;
  Step free(Tenant& tenant) noexcept;
  void say(Text name) noexcept;

  Context& context_;
  Settling settling_;
  PfnCount frames_;  // of all CPUs
  std::span<Member> members_;
  Nanoseconds held_until_;
};

}  // namespace fallow::guest
