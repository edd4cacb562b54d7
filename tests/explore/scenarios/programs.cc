// Programs with which the random generator found faults, as it printed them.
#include "tests/explore/programs/program.h"
#include "tests/explore/world/scenario.h"

namespace fallow::explore {

// A hand that is being put back is free in its word and still used in the entry, which then has no room for a
// run that was free throughout.
FALLOW_SCENARIO(Program10652, "R11: NoMemory for a run while a hand is put back") {
  perform({
      .zone = {{0}, {512}, 3},
      .withheld = {{0, 472}, {488, 24}},
      .owners = {0, 2, 1},
      .before = {{1, allocate(2)}},
      .threads = {{allocate(0), allocate(0, 3)}, {drain(2)}},
  });
}

// Two caches take single frames out of the block of a third. The cache that found its frame taken continued
// with the next word, although its word had another frame; after the second time it gave up. Takes three
// preemptions.
FALLOW_SCENARIO(SingleFramesOfOneWord,
                "R11: NoMemory only if nothing is free: another frame of the same word") {
  perform({
      .zone = {{0}, {512}, 3},
      .withheld = {{1, 31}, {35, 477}},
      .owners = {0, 1, 0},
      .before = {{0, allocate(2)}},
      .threads = {{allocate(0), allocate(0)}, {allocate(1)}},
  });
}

// A frame of a hand that is being put back is used and in no hand: its free is accepted, and must be named
// later.
FALLOW_SCENARIO(Program5429, "misuse has no effect: a frame of a hand that is put back") {
  perform({
      .zone = {{0}, {31}, 3},
      .owners = {0, 1, 0},
      .before = {{0, allocate(2)}},
      .threads = {{retire(2)}, {free_unowned(1, 1)}},
  });
}

}  // namespace fallow::explore
