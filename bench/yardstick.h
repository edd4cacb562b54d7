// The unit of the benchmarks: one uncontended atomic exchange in cache, on this machine, right now.
#pragma once

namespace fallow::bench {

// Returns the processor time of this thread in nanoseconds. Time taken by other threads does not count.
double thread_time();

// Returns the nanoseconds of one exchange of a std::atomic<std::uint64_t>; takes some milliseconds.
double yardstick();

}  // namespace fallow::bench
