// A reporting device that records its requests, and answers as the test specifies.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "fallow/platform/port.h"
#include "fallow/reporting/reporting_device.h"

namespace fallow {

struct Batch {
  std::uint32_t token = 0;
  Nanoseconds at;
  std::vector<ScatterEntry> entries;

  bool holds(Pfn pfn) const {
    return std::any_of(entries.begin(), entries.end(),
                       [=](const ScatterEntry& e) { return pfn >= e.first && pfn < e.first + e.count; });
  }
};

class TestDevice final : public ReportingDevice {
 public:
  using Answer = std::function<Status(Scatterlist, std::uint32_t)>;

  explicit TestDevice(Port& port, std::uint32_t capacity = 32, std::uint32_t depth = 1,
                      Content promise = Content::Unknown)
      : port_(port), capacity_(capacity), depth_(depth), promise_(promise) {}

  Status report(Scatterlist list, std::uint32_t token) noexcept override {
    batches.push_back({token, port_.now(), {list.begin(), list.end()}});
    return answer ? answer(list, token) : Status::Ok;
  }
  std::uint32_t capacity() const noexcept override { return capacity_; }
  std::uint32_t depth() const noexcept override { return depth_; }
  Content content_after() const noexcept override { return promise_; }

  // Returns all frames reported since the last clear, in order; a frame that was reported twice appears
  // twice.
  std::vector<std::uint64_t> frames_shown() const {
    std::vector<std::uint64_t> all;
    for (const Batch& batch : batches) {
      for (const ScatterEntry& e : batch.entries) {
        for (std::uint64_t i = 0; i < e.count.raw; ++i) all.push_back(e.first.raw + i);
      }
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  // R5: each request has 1 to capacity entries, with the end mark only on the last; each entry consists of
  // aligned blocks of `order`; no frame is in two entries.
  void expect_batches_well_formed(Order order) const {
    for (const Batch& batch : batches) {
      ASSERT_GE(batch.entries.size(), 1u);
      ASSERT_LE(batch.entries.size(), capacity_);
      for (std::size_t i = 0; i < batch.entries.size(); ++i) {
        const ScatterEntry& e = batch.entries[i];
        ASSERT_EQ(e.end, i + 1 == batch.entries.size());
        ASSERT_TRUE(aligned(e.first, order)) << e.first.raw;
        ASSERT_GE(e.count, frames(order));
        ASSERT_EQ(e.count.raw % frames(order).raw, 0u);
        if (i > 0) {
          ASSERT_LE(batch.entries[i - 1].first + batch.entries[i - 1].count, e.first);
        }
      }
    }
  }

  // R8: no frame was reported twice.
  void expect_shown_once() const {
    const std::vector<std::uint64_t> all = frames_shown();
    EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end()) << "a frame was reported twice";
  }

  std::vector<Batch> batches;
  Answer answer;  // none: Ok

 private:
  Port& port_;
  std::uint32_t capacity_, depth_;
  Content promise_;
};

}  // namespace fallow
