// Whether an allocation that was answered NoMemory should have found something.
//
// A frame is free throughout a call if no user and no local cache held it at any moment of the call. What an
// attempt took and gave back without holding it (the half of a pair, a run that was not whole, a reservation)
// excuses nobody; what a device is being shown comes back (R11).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"
#include "tests/explore/engine/engine.h"

namespace fallow::explore {

class MemoryJudge {
 public:
  explicit MemoryJudge(Zone& zone);

  // Every call of a thread, and what came of it.
  void begin_call();
  void end_call();
  void holds(Pfn first, PfnCount count);  // the call's result
  void had_no_memory(Order order);
  // The zone has changed while the world was prepared.
  void restart() { begun_ = false; }

  // Each write to the zone's tables.
  void wrote(void* at, std::uint64_t before, std::uint64_t after);

  // After all threads: empty, or what is wrong. `weak`: a thread need not know of what others freed during
  // the schedule, so only what was free from the beginning counts.
  std::string verdict(bool weak) const;

 private:
  struct Write {
    unsigned step, thread;
    std::uint32_t offset;
    std::uint64_t before, after;
  };
  struct Call {
    unsigned thread, begin, end;
  };
  struct Hold {
    unsigned step, begin;
    Pfn first;
    PfnCount count;
  };
  struct Refusal {
    unsigned begin, end;
    Order order;
  };
  class Frames;

  // Lies outside the arena, and is emptied when a schedule begins: `epoch_` in the arena tells.
  struct Log {
    std::vector<Write> writes;
    std::vector<Call> calls;
    std::vector<Hold> holds;
    std::vector<Refusal> refusals;
  };

  Log& log() const;
  std::uint64_t slot_word(std::uint64_t raw) const { return raw >> 32; }

  Zone& zone_;
  const std::byte* words_;
  const std::byte* entries_;
  const std::byte* tables_end_;
  const std::byte* caches_;
  std::uint32_t held_slots_ = 0;  // a bit for each 8 bytes of a LocalCache that hold a word and its frames
  mutable bool begun_ = false;
  unsigned call_of_[Engine::kMaxThreads] = {};
};

}  // namespace fallow::explore
