// Reports in flight: the reporting queue (5.5.6.7), shared by the thread that reports and the thread that the
// device calls.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "fallow/balloon/driver/detail/driver_context.h"
#include "fallow/balloon/driver/detail/driver_memory.h"
#include "fallow/balloon/driver/detail/driver_ring.h"
#include "fallow/base/callback.h"
#include "fallow/base/scatterlist.h"
#include "fallow/base/status.h"
#include "fallow/platform/detail/spin_lock.h"
#include "fallow/reporting/reporting_device.h"

namespace fallow::detail {

// Called when a request for which report() returned Pending completes; no lock is held.
using ReportCompletion = Callback<void(std::uint32_t token, Status status)>;

// A request is one chain, or several if the request exceeds kChainBytes or the entries of a chain. A request
// completes when all its chains are returned.
class ReportRequests {
 public:
  // 2.7.5.2: a chain is at most 2^32 bytes long, and the used length must be able to count all bytes (5.5.3,
  // draft bit 6). The limit is a multiple of 2 MiB, so that cutting does not split a huge page of the host.
  static constexpr std::uint64_t kChainBytes = (std::uint64_t{1} << 32) - (std::uint64_t{1} << 21);
  // This number of consecutive requests that are not initialised ends the promise.
  static constexpr std::uint32_t kShortfalls = 3;

  struct Terms {
    std::uint32_t capacity = 1, depth = 1;
    Content content = Content::Unknown;
  };

  ReportRequests(DriverContext& context, const DriverMemory& memory) noexcept
      : context_(context), ring_(context), elements_(memory.elements), slots_(memory.slots) {}

  void set_completion(ReportCompletion completion) noexcept { completion_ = completion; }

  // ---- The thread of work() only. ----

  // Sets up the queue; requests are accepted after open(). Returns the errors of DriverRing::set_up().
  Status set_up(std::uint16_t number, const DriverQueueConfig& config, const RingMemory& memory,
                Content content) noexcept;
  // Allows a new promise: no reporter is registered with an earlier promise.
  void forget_content() noexcept { offered_before_ = withdrawn_ = false; }
  void open() noexcept;
  // Refuses new requests; those in flight stay with the device.
  void close() noexcept;
  // The device or the queue was reset: all requests in flight have failed.
  void abandon() noexcept;
  std::uint32_t in_flight() noexcept;
  // Refuses requests until resume(). Returns false without effect while requests are in flight.
  bool pause() noexcept;
  void resume() noexcept;

  // ---- One thread at a time. ----

  // See BalloonDriver::report().
  Status report(Scatterlist list, std::uint32_t token) noexcept;

  // ---- Any thread. ----

  // Takes the returned chains and completes the requests that are done.
  void collect() noexcept;
  std::uint16_t queue() const noexcept { return ring_.number(); }
  std::uint32_t capacity() const noexcept { return capacity_.load(std::memory_order_relaxed); }
  std::uint32_t depth() const noexcept { return depth_.load(std::memory_order_relaxed); }
  Content content_after() const noexcept { return content_.load(std::memory_order_relaxed); }

 private:
  struct Over {
    std::uint32_t token;
    Status status;
  };
  static constexpr std::uint32_t kBatch = 16;

  void add_chains(Scatterlist list, std::uint32_t token, ReportSlot& slot) noexcept;
  bool add_chain(std::uint32_t elements, std::uint64_t bytes, std::uint32_t token, ReportSlot& slot) noexcept;
  std::uint32_t take_over(std::span<Over, kBatch> over) noexcept;
  Status verdict(const ReportSlot& slot) noexcept;
  void complete(std::span<const Over> over) noexcept;

  DriverContext& context_;
  ReportCompletion completion_;
  SpinLock lock_;
  // The lock guards all members below except the atomics, which may be read without the lock.
  DriverRing ring_;
  std::span<QueueBuffer> elements_;
  std::span<ReportSlot> slots_;
  bool open_ = false, paused_ = false;
  bool verify_ = false;          // the used length counts the initialised bytes
  bool offered_before_ = false;  // a reporter may have registered with a content
  bool withdrawn_ = false;
  std::uint32_t shortfalls_ = 0;  // consecutive
  std::uint32_t busy_ = 0;        // slots that have chains in flight
  std::atomic<std::uint32_t> capacity_{1}, depth_{1};
  std::atomic<Content> content_{Content::Unknown};
};

}  // namespace fallow::detail
