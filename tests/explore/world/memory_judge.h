// Decides whether an allocation that returned NoMemory should have succeeded.
//
// A frame is free throughout a call if no user and no local cache held it at any moment of the call. Frames
// that an attempt took and gave back without holding them (half of a pair, an incomplete run, a reservation)
// do not excuse a failure; frames that are being reported come back (R11).
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

  // Records every call of a thread, and its result.
  void begin_call();
  void end_call();
  void holds(Pfn first, PfnCount count);  // the call's result
  void had_no_memory(Order order);
  // The zone was changed while the world was prepared.
  void restart() { begun_ = false; }

  // Records each write to the zone's tables.
  void wrote(void* at, std::uint64_t before, std::uint64_t after);

  // Called after all threads. Returns an empty string, or the error. `weak`: a thread need not see frames
  // that others freed during the schedule, so only frames that were free from the beginning count.
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

  // Lies outside the arena, and is emptied when a schedule begins; `epoch_` in the arena detects that.
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
