// A backing that returns scripted answers and records the requests.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <vector>

#include "fallow/host/backing.h"

namespace fallow::detail {

class ScriptedBacking final : public Backing {
 public:
  struct Call {
    std::uint64_t offset, length;
    friend bool operator==(const Call&, const Call&) = default;
  };

  ScriptedBacking(Pfn first, PfnCount size, PfnCount page = {1})
      : Backing(first, size, page), bytes_(bytes(size).raw) {
    set_memory(bytes_.data());
  }

  Result<PfnCount> resident() noexcept override { return size(); }

  std::deque<std::size_t> together;  // runs that each next release_first() releases; 0 once exhausted
  std::vector<std::size_t> asked;    // runs passed to each release_first()
  std::deque<int> answers;           // errno of each next release(); 0 once exhausted
  std::vector<Call> calls;

 private:
  std::size_t release_first(std::span<const ScatterEntry> runs) noexcept override {
    if (together.empty()) return 0;
    asked.push_back(runs.size());
    const std::size_t answer = std::min(runs.size(), together.front());
    together.pop_front();
    return answer;
  }
  bool releases_together() const noexcept override { return !together.empty(); }
  int release(ByteCount offset, ByteCount length) noexcept override {
    calls.push_back({offset.raw, length.raw});
    if (answers.empty()) return 0;
    const int answer = answers.front();
    answers.pop_front();
    return answer;
  }

  std::vector<std::byte> bytes_;
};

}  // namespace fallow::detail
