// A backing that answers what a test wrote down, and remembers what it was asked.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "fallow/host/backing.h"

namespace fallow {

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

  std::deque<int> answers;  // errnos of the next calls; 0 when there are no more
  std::vector<Call> calls;

 private:
  int release(ByteCount offset, ByteCount length) noexcept override {
    calls.push_back({offset.raw, length.raw});
    if (answers.empty()) return 0;
    const int answer = answers.front();
    answers.pop_front();
    return answer;
  }

  std::vector<std::byte> bytes_;
};

}  // namespace fallow
