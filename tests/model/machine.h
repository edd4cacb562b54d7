// A zone with its caches, its reporter and a device, compared with the oracle after every operation.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fallow/reporting/policies.h"
#include "fallow/reporting/reporter.h"
#include "fallow/zone/local_cache.h"
#include "tests/model/operation.h"
#include "tests/model/oracle.h"
#include "tests/model/shape.h"
#include "tests/support/fake_port.h"

namespace fallow::model {

// Deterministic: the same shape and operations give the same run. A meaningless operation (a free of a frame
// that is not allocated) must be refused, so any part of a sequence is a valid sequence.
class Machine final : public ReportingDevice {
 public:
  // The maximum number of operations between two complete walks; a small zone is walked more often. Every
  // second time the caches are drained first, so that every frame is visible.
  static constexpr std::uint64_t kCheckEvery = 2000;
  static constexpr unsigned kPolicies = 14;

  explicit Machine(const Shape& shape);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  void perform(const Operation& operation);
  // Walks, frees everything, and walks again.
  void finish();

  bool failed() const { return !failure_.empty(); }
  // The first violation; empty if there was none.
  const std::string& failure() const { return failure_; }

  const Oracle& oracle() const { return oracle_; }
  std::uint32_t caches() const { return zone_->cache_count(); }
  bool registered() const { return policy_.has_value(); }
  // Counts events, so that a test can verify that it tested something.
  struct Tally {
    std::uint64_t allocations = 0, failed_allocations = 0, frees = 0, misuses = 0, reports = 0,
                  failed_reports = 0, reported_frames = 0, promises = 0, meddled = 0;
  };
  const Tally& tally() const { return tally_; }

 private:
  Status report(Scatterlist list, std::uint32_t token) noexcept override;
  std::uint32_t capacity() const noexcept override { return capacity_; }
  Content content_after() const noexcept override { return Content::Zero; }

  void fail(const std::string& what);
  template <class... Parts>
  void expect(bool condition, const Parts&... what);

  void perform_allocate(const Operation& o);
  void take(const Allocation& got, Order order);
  void check_exhausted(const Operation& o);
  void perform_free(std::uint32_t cache, Pfn pfn, Order order);
  bool may_be_pending_elsewhere(std::uint32_t cache, Pfn pfn, Order order) const;
  void expect_late_misuse(std::uint32_t cache, Pfn pfn);
  void expect_misuse(std::uint32_t cache, Pfn pfn, Order order, Status why);
  void perform_register(const Operation& o);
  void check_batch(Scatterlist list);
  void meddle(Scatterlist list);

  void check(bool thorough);
  void check_zone();
  void check_stats();
  void check_frames();
  void check_nothing_is_lost();
  void check_settles();
  void drain_all();

  struct Policies;
  Policy& policy(unsigned i);

  FakePort port_;
  Oracle oracle_;
  std::vector<std::uint8_t> freed_by_;  // for each frame, the cache that freed it last, from 1
  std::vector<Nanoseconds> freed_at_;   // the time of that free
  std::unique_ptr<std::byte[]> memory_;
  Zone* zone_ = nullptr;
  std::optional<Reporter> reporter_;
  std::unique_ptr<Policies> policies_;

  std::optional<unsigned> policy_;
  Order last_order_;
  std::uint32_t capacity_ = 1;
  std::uint64_t fail_next_ = 0;
  std::optional<Order> meddle_next_;
  std::uint64_t performed_ = 0, exhausted_ = 0, look_every_ = kCheckEvery;
  Tally tally_;
  std::string failure_;
};

}  // namespace fallow::model
