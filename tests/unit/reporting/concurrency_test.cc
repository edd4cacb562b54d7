// R13 concurrency, R14 counts.
#include <atomic>
#include <mutex>
#include <random>
#include <thread>

#include "tests/support/rig.h"

namespace fallow::detail {
namespace {

// A device with several requests in flight; its own thread completes them in any order.
class PendingDevice final : public ReportingDevice {
 public:
  PendingDevice(Reporter& reporter, std::uint32_t depth) : reporter_(reporter), depth_(depth) {}

  std::uint32_t capacity() const noexcept override { return 3; }
  std::uint32_t depth() const noexcept override { return depth_; }
  Status report(Scatterlist list, std::uint32_t token) noexcept override {
    const std::lock_guard lock(mutex_);
    EXPECT_LT(slot_of(token), depth_);
    for (const std::uint32_t other : tokens_)
      EXPECT_NE(other, token) << "the token of a request in flight was reused";
    tokens_.push_back(token);
    for (const ScatterEntry& e : list) shown_ += e.count.raw;
    most_ = std::max(most_, tokens_.size());
    return Status::Pending;
  }
  // Completes a random request in flight, repeatedly, until `done`.
  void complete_all(const std::atomic<bool>& done) {
    std::mt19937 random(1);
    while (!done || in_flight() > 0) {
      if (in_flight() < depth_ && !done && random() % 64 != 0) {
        std::this_thread::yield();
        continue;
      }
      std::uint32_t token = 0;
      {
        const std::lock_guard lock(mutex_);
        if (tokens_.empty()) continue;
        const std::size_t i = random() % tokens_.size();
        token = tokens_[i];
        tokens_.erase(tokens_.begin() + static_cast<std::ptrdiff_t>(i));
      }
      EXPECT_EQ(reporter_.complete(token, random() % 4 == 0 ? Status::Failed : Status::Ok), Status::Ok);
    }
  }
  std::size_t in_flight() {
    const std::lock_guard lock(mutex_);
    return tokens_.size();
  }
  std::size_t most() const { return most_; }

 private:
  Reporter& reporter_;
  const std::uint32_t depth_;
  std::mutex mutex_;
  std::vector<std::uint32_t> tokens_;
  std::uint64_t shown_ = 0;
  std::size_t most_ = 0;
};

TEST(R13Depth, SeveralRequestsAreCompletedInAnyOrderByAnotherThread) {
  for (const std::uint32_t depth : {1U, 2U, 7U}) {
    FakePort port;
    ZoneBox box(port, mebibytes(512));
    Zone* const zones[] = {&box.zone()};
    Reporter reporter(port, zones);
    PendingDevice device(reporter, depth);
    HwmPolicy policy(kOrder9, 1);
    box.fill();
    box.free_blocks({0}, kOrder9, 128, 1024);
    ASSERT_EQ(reporter.register_device(device, policy), Status::Ok);
    std::atomic<bool> done{false};
    std::thread completes([&] { device.complete_all(done); });
    while (box.stats().reported < box.stats().free || box.stats().isolated.raw > 0) {
      port.run_until(port.now() + milliseconds(10), worker_of(reporter));
      EXPECT_LE(reporter.stats().in_flight, depth);
    }
    done = true;
    completes.join();
    EXPECT_LE(device.most(), depth);
    EXPECT_EQ(reporter.unregister_device(device), Status::Ok);
    EXPECT_EQ(reporter.stats().in_flight, 0u);
    EXPECT_GT(reporter.stats().failures, 0u);
    EXPECT_EQ(reporter.stats().reported, box.stats().reported);
  }
}

TEST(R13Depth, OneRequestInFlightUnlessMoreIsStated) {
  Rig rig(mebibytes(256));
  TestDevice device(rig.port, 8);
  HwmPolicy policy;
  device.answer = [&](Scatterlist, std::uint32_t token) {
    EXPECT_EQ(slot_of(token), 0u);
    EXPECT_EQ(rig.reporter().stats().in_flight, 1u);
    return Status::Ok;
  };
  rig.register_device(device, policy);
  rig.run_due();
  EXPECT_GT(device.batches.size(), 0u);
  rig.unregister_device(device);
}

TEST(R13Complete, WrongTokensAndDoubleCompletionsChangeNothing) {
  Rig rig(mebibytes(256));
  TestDevice device(rig.port, 512, 4);
  HwmPolicy policy(kOrder9, 1);
  std::vector<std::uint32_t> tokens;
  device.answer = [&](Scatterlist, std::uint32_t token) {
    tokens.push_back(token);
    return Status::Pending;
  };
  EXPECT_EQ(rig.reporter().complete(0, Status::Ok), Status::InvalidArgument) << "without a device";
  rig.register_device(device, policy);
  for (std::uint32_t t = 0; t < 6; ++t) {
    EXPECT_EQ(rig.reporter().complete(t, Status::Ok), Status::InvalidArgument) << "before any request";
  }
  rig.run_due();
  while (!tokens.empty()) {
    const PfnCount isolated = rig.box().stats().isolated;
    const std::uint32_t token = tokens.back();
    tokens.pop_back();
    EXPECT_EQ(rig.reporter().complete(token, Status::Ok), Status::Ok);
    EXPECT_LT(rig.box().stats().isolated, isolated);
    EXPECT_EQ(rig.reporter().complete(token, Status::Ok), Status::InvalidArgument);
    EXPECT_EQ(rig.reporter().complete(4, Status::Ok), Status::InvalidArgument);
    EXPECT_EQ(rig.reporter().complete(~0U, Status::Failed), Status::InvalidArgument);
    rig.run_due();
  }
  EXPECT_EQ(rig.box().stats().reported, mebibytes(256));
  device.expect_shown_once();
  device.expect_batches_well_formed(kOrder9);
  rig.unregister_device(device);
  EXPECT_EQ(rig.reporter().complete(0, Status::Ok), Status::InvalidArgument);
}

// The completions may come from the worker's own thread, as on an idle loop.
TEST(R13Depth, AllPlacesTakenEndsThePassAndACompletionWakesTheWorker) {
  Rig rig(mebibytes(256));
  TestDevice device(rig.port, 1, 2);
  AgedPolicy policy;
  std::vector<std::uint32_t> tokens;
  device.answer = [&](Scatterlist, std::uint32_t token) {
    tokens.push_back(token);
    return Status::Pending;
  };
  rig.register_device(device, policy);
  rig.pass_time(seconds(10));
  EXPECT_EQ(tokens.size(), 2u);
  EXPECT_EQ(rig.port.relaxes(), 0u) << "the worker waited";
  EXPECT_EQ(rig.port.next_deadline(), kNever) << "the worker polls";
  while (!tokens.empty()) {
    const std::uint32_t token = tokens.back();
    tokens.pop_back();
    ASSERT_EQ(rig.reporter().complete(token, Status::Ok), Status::Ok);
    rig.run_due();
    EXPECT_LE(tokens.size(), 2u);
  }
  rig.pass_time(seconds(1));
  EXPECT_EQ(rig.box().stats().reported, mebibytes(256));
  device.expect_shown_once();
  rig.unregister_device(device);
}

TEST(R13Complete, FramesOfAPendingRequestStayOut) {
  Rig rig(mebibytes(64));
  TestDevice device(rig.port, 1, 2);
  HwmPolicy policy(kOrder9, 1);
  std::vector<std::uint32_t> tokens;
  device.answer = [&](Scatterlist, std::uint32_t token) {
    tokens.push_back(token);
    return tokens.size() == 1 ? Status::Pending : Status::Failed;  // the pass ends here
  };
  rig.register_device(device, policy);
  rig.run_due();
  ASSERT_EQ(tokens.size(), 2u);
  const Batch& first = device.batches[0];
  EXPECT_GT(rig.box().stats().isolated.raw, 0u);
  std::vector<Pfn> got;
  while (rig.box().stats().free.raw > 0) {
    const Allocation a = rig.cache().allocate();
    ASSERT_TRUE(a.ok());
    ASSERT_FALSE(first.holds(a.pfn));
    got.push_back(a.pfn);
  }
  EXPECT_EQ(rig.reporter().complete(tokens[0], Status::Ok), Status::Ok);
  EXPECT_EQ(rig.box().stats().isolated.raw, 0u);
  EXPECT_TRUE(first.holds(rig.cache().allocate().pfn));
  rig.unregister_device(device);
}

TEST(R14Counts, AreExactWhenAllIsQuiet) {
  Rig rig(mebibytes(256));
  TestDevice device(rig.port, 5);
  HwmPolicy policy(kOrder9, 1);
  device.answer = [&](Scatterlist, std::uint32_t) {
    rig.port.advance_to(rig.port.now() + Nanoseconds{1000});
    return device.batches.size() == 2 ? Status::Failed : Status::Ok;
  };
  rig.register_device(device, policy);
  rig.pass_time(seconds(1));
  const ReportingStats s = rig.reporter().stats();
  EXPECT_EQ(s.requests, device.batches.size() - 1);
  EXPECT_EQ(s.failures, 1u);
  std::size_t entries = 0;
  for (std::size_t i = 0; i < device.batches.size(); ++i) {
    entries += i == 1 ? 0 : device.batches[i].entries.size();
  }
  EXPECT_EQ(s.entries, entries);
  EXPECT_EQ(s.reported, mebibytes(256));
  EXPECT_EQ(s.in_report.raw, device.batches.size() * 1000);
  EXPECT_EQ(s.in_flight, 0u);
  rig.unregister_device(device);
  EXPECT_EQ(rig.reporter().stats().requests, s.requests) << "the counts continue across registrations";
}

TEST(R14Counts, CanBeReadWhileOthersRun) {
  FakePort port;
  ZoneBox box(port, mebibytes(64), 2);
  Zone* const zones[] = {&box.zone()};
  Reporter reporter(port, zones);
  TestDevice device(port);
  HwmPolicy policy(Order{0}, 1);
  std::atomic<bool> done{false};
  std::thread reads([&] {
    std::uint64_t requests = 0, refaults = 0;
    while (!done) {
      const ReportingStats r = reporter.stats();
      EXPECT_GE(r.requests, requests);
      EXPECT_LE(r.in_flight, 1u);
      requests = r.requests;
      const ZoneStats z = box.stats();
      EXPECT_GE(z.refaults.raw, refaults);
      refaults = z.refaults.raw;
      static_cast<void>(free_area(box.zone(), kOrder9));
      static_cast<void>(reporter.reporting_requested(0));
      static_cast<void>(box.zone().misuse());
    }
  });
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(reporter.register_device(device, policy), Status::Ok);
    std::vector<Pfn> got;
    for (int j = 0; j < 2000; ++j) got.push_back(box.cache(1).allocate().pfn);
    port.run_until(port.now(), worker_of(reporter));
    for (const Pfn p : got) ASSERT_EQ(box.cache(1).free(p), Status::Ok);
    box.cache(1).drain();
    port.run_until(port.now(), worker_of(reporter));
    ASSERT_EQ(reporter.unregister_device(device), Status::Ok);
  }
  done = true;
  reads.join();
}

}  // namespace
}  // namespace fallow::detail
