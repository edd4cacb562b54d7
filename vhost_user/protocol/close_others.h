// Closes all descriptors of a process except the listed ones.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <vector>

namespace fallow::vhost {

// Closes every descriptor except the standard ones and those in `named`; -1 entries are ignored. O(n log n)
// in the number of names, plus the cost of the closes.
inline void close_others(std::vector<int> named) {
  for (int fd = 0; fd <= STDERR_FILENO; ++fd) named.push_back(fd);
  std::sort(named.begin(), named.end());
  unsigned next = 0;
  for (const int fd : named) {
    if (fd < 0) continue;
    const auto known = static_cast<unsigned>(fd);
    if (known > next) close_range(next, known - 1, 0);
    next = std::max(next, known + 1);
  }
  close_range(next, ~0U, 0);
}

}  // namespace fallow::vhost
