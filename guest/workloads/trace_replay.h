// trace: does what a recorded trace did, in the time that it is given. The trace is the boot module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "guest/kernel/context.h"
#include "guest/kernel/early_memory.h"
#include "guest/protocol/trace_module.h"
#include "guest/workloads/memory_user.h"
#include "guest/workloads/wait_until_reported.h"
#include "guest/workloads/workload.h"

namespace fallow::guest {

// Every CPU reads all of the trace, and does what concerns its slots: those whose number divided by the
// number of CPUs leaves its own. The trace's time is stretched, or squeezed, to the duration.
class TraceReplay final : public Workload {
 public:
  explicit TraceReplay(Context& context) noexcept : context_(context), settling_(context) {}
  // False: not enough memory, or, with a complaint, no trace.
  bool create(EarlyMemory& memory) noexcept;

  Step step(std::uint32_t cpu, unsigned phase) noexcept override;
  unsigned next(unsigned phase) noexcept override;

 private:
  enum Phase : unsigned { kFirstReports, kReplaying, kEmptying, kLastReports };

  struct alignas(64) Member {
    MemoryUser tenant;
    std::span<std::uint64_t> slots;  // Live::packed(), 0: empty
    TraceModuleReader reader{{}};
    TraceModuleEvent event;
    bool pending = false;  // `event` was read and not done
    bool failed = false;   // an allocation: a free of its slot is no surprise
    std::size_t emptied = 0;
  };

  Step replay(std::uint32_t cpu) noexcept;
  bool act(std::uint32_t cpu) noexcept;
  Step empty(Member& member) noexcept;
  Nanoseconds due(const TraceModuleReader& reader, std::uint64_t time_us) const noexcept;
  void complain(const TraceModuleReader& reader, StringRef why) noexcept;

  Context& context_;
  WaitUntilReported settling_;
  std::span<Member> members_;
  Nanoseconds begin_;
};

}  // namespace fallow::guest
