// Polls for a condition that another process fulfils.
#pragma once

#include <chrono>
#include <thread>

namespace fallow {

// Calls `done` every 10 ms until it returns true. Returns false after `limit`.
template <class Done>
bool wait_until(Done done, std::chrono::milliseconds limit = std::chrono::seconds(10)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace fallow
