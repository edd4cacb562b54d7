// The private memory of the process.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

namespace fallow {

// Returns the resident bytes that belong to no file.
inline std::uint64_t own_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("RssAnon:", 0) == 0) return std::stoull(line.substr(8)) * 1024;
  }
  return 0;
}

}  // namespace fallow
