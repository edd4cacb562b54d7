// trace: replays a recorded trace, scaled to the given duration. The trace is the boot module.
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

// Every CPU reads the whole trace and executes the events of its own slots: those whose number modulo the
// number of CPUs is its own. The times of the trace are scaled to the duration.
class TraceReplay final : public Workload {
 public:
  explicit TraceReplay(Context& context) noexcept : context_(context), wait_until_reported_(context) {}
  // Returns false if memory is short or, with an error text, if the module is not a valid trace.
  bool create(EarlyMemory& memory) noexcept;

  Step step(std::uint32_t cpu, unsigned phase) noexcept override;
  unsigned next(unsigned phase) noexcept override;

 private:
  enum Phase : unsigned { kFirstReports, kReplaying, kEmptying, kLastReports };

  struct alignas(64) Member {
    MemoryUser user;
    std::span<std::uint64_t> slots;  // Live::packed(); 0 if empty
    TraceModuleReader reader{{}};
    TraceModuleEvent event;
    bool pending = false;  // `event` was read but not executed
    bool failed = false;   // an allocation failed, so a free of an empty slot is valid
    std::size_t emptied = 0;
  };

  Step replay(std::uint32_t cpu) noexcept;
  bool act(std::uint32_t cpu) noexcept;
  Step empty(Member& member) noexcept;
  Nanoseconds due(const TraceModuleReader& reader, std::uint64_t time_us) const noexcept;
  void record_error(const TraceModuleReader& reader, StringRef why) noexcept;

  Context& context_;
  WaitUntilReported wait_until_reported_;
  std::span<Member> members_;
  Nanoseconds begin_;
};

}  // namespace fallow::guest
