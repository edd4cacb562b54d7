// Which of the threads that are ready may run, so that threads that wait do not take turns for ever.
#pragma once

#include <cstdint>

namespace fallow::explore {

// A thread that waits twice, while another one could run all the time and did not, goes on after that one
// (Musuvathi and Qadeer, PLDI 2008). What a thread waits for comes only if the others go on.
template <unsigned kThreads>
class Fairness {
 public:
  // Those of `ready`, a bit for each thread, that may run. Some may, if any is ready.
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

  // The thread waits; `ready` are the others that could run.
  void waits(unsigned thread, unsigned ready) {
    scheduled(thread);
    behind_[thread] |= passed_over_[thread];
    passed_over_[thread] = ready;
  }

 private:
  unsigned passed_over_[kThreads] =
      {};                           // those that could run ever since the thread last waited, and did not
  unsigned behind_[kThreads] = {};  // those that come before the thread
};

}  // namespace fallow::explore
