#include "fallow/host/release_device.h"

#include <algorithm>
#include <array>
#include <new>
#include <string>
#include <utility>

namespace fallow {

ReleaseDevice::ReleaseDevice(Backing& backing, std::uint32_t capacity,
                             std::unique_ptr<ScatterEntry[]> sorted) noexcept
    : backing_(backing), capacity_(capacity), sorted_(std::move(sorted)) {}

Expected<ReleaseDevice> ReleaseDevice::create(Backing& backing, std::uint32_t capacity) {
  if (capacity == 0) return std::string("the capacity is 0 entries: a request needs at least one");
  std::unique_ptr<ScatterEntry[]> sorted(new (std::nothrow) ScatterEntry[capacity]);
  if (sorted == nullptr) return "not enough memory for requests of " + std::to_string(capacity) + " entries";
  return std::unique_ptr<ReleaseDevice>(new ReleaseDevice(backing, capacity, std::move(sorted)));
}

Status ReleaseDevice::report(Scatterlist list, std::uint32_t) noexcept {
  if (!acceptable(list)) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return Status::InvalidArgument;
  }
  requests_.fetch_add(1, std::memory_order_relaxed);
  entries_.fetch_add(list.size(), std::memory_order_relaxed);
  Status answer = Status::Ok;
  const std::span<const ScatterEntry> runs = join(list);
  runs_.fetch_add(runs.size(), std::memory_order_relaxed);
  PfnCount released;
  std::array<Status, Backing::kTogether> answers;
  for (std::size_t from = 0; from < runs.size(); from += answers.size()) {
    const auto some = runs.subspan(from, std::min(answers.size(), runs.size() - from));
    backing_.discard_all(some, answers.data());
    for (std::size_t i = 0; i < some.size(); ++i) {
      if (answers[i] == Status::Ok) {
        released += some[i].count;
      } else {
        failures_.fetch_add(1, std::memory_order_relaxed);
        answer = Status::Failed;
      }
    }
  }
  frames_.fetch_add(released.raw, std::memory_order_relaxed);
  return answer;
}

bool ReleaseDevice::acceptable(Scatterlist list) const noexcept {
  return !list.empty() && list.size() <= capacity_ &&
         std::all_of(list.begin(), list.end(), [this](const ScatterEntry& entry) {
           return entry.count.raw != 0 && backing_.contains(entry.first, entry.count);
         });
}

std::span<const ScatterEntry> ReleaseDevice::join(Scatterlist list) noexcept {
  const std::span<ScatterEntry> all(sorted_.get(), list.size());
  std::copy(list.begin(), list.end(), all.begin());
  std::sort(all.begin(), all.end(),
            [](const ScatterEntry& a, const ScatterEntry& b) { return a.first < b.first; });
  std::size_t last = 0;
  for (const ScatterEntry& entry : all.subspan(1)) {
    ScatterEntry& run = all[last];
    const Pfn run_end = run.first + run.count;
    if (entry.first > run_end) {
      all[++last] = entry;
    } else {
      run.count = std::max(run_end, entry.first + entry.count) - run.first;
    }
  }
  return all.first(last + 1);
}

ReleaseCounts ReleaseDevice::counts() const noexcept {
  return {.requests = requests_.load(std::memory_order_relaxed),
          .entries = entries_.load(std::memory_order_relaxed),
          .runs = runs_.load(std::memory_order_relaxed),
          .frames = {frames_.load(std::memory_order_relaxed)},
          .failures = failures_.load(std::memory_order_relaxed),
          .refused = refused_.load(std::memory_order_relaxed)};
}

}  // namespace fallow
