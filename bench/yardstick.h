// The unit of the benchmarks: one uncontended atomic exchange in cache, on this machine, right now.
#pragma once

namespace fallow::bench {

// Processor time that this thread has used, in nanoseconds: what neighbours take away does not count.
double thread_time();

// Nanoseconds for one exchange of a std::atomic<std::uint64_t>; takes some milliseconds.
double yardstick();

}  // namespace fallow::bench
