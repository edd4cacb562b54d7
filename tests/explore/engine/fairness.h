// Selects the ready threads that may run, so that waiting threads do not alternate for ever.
#pragma once

#include <cstdint>

namespace fallow::explore {

// A thread that waits twice, while another thread could have run all the time and did not, runs only after
// that thread (Musuvathi and Qadeer, PLDI 2008). The awaited event happens only if the other threads
// progress.
template <unsigned kThreads>
class Fairness {
 public:
  // Returns the threads of `ready`, one bit per thread, that may run. At least one may, if any is ready.
  unsigned eligible(unsigned ready) const {
    unsigned able = ready;
    for (unsigned t = 0; t < kThreads; ++t) {
      if ((behind_[t] & ready) != 0) able &= ~(1U << t);
    }
    return able;
  }

  void scheduled(unsigned thread) {
    const unsigned others = ~(1U << thread);
    for (unsigned t = 0; t < kThreads; ++t) {
      passed_over_[t] &= others;
      behind_[t] &= others;
    }
  }

  // Records that the thread waits; `ready` are the other threads that could run.
  void waits(unsigned thread, unsigned ready) {
    scheduled(thread);
    behind_[thread] |= passed_over_[thread];
    passed_over_[thread] = ready;
  }

 private:
  unsigned passed_over_[kThreads] =
      // threads that could have run ever since the thread last waited, and did not
      {};
  unsigned behind_[kThreads] = {};  // threads that must run before the thread
};

}  // namespace fallow::explore
