#include "fallow/balloon/driver/detail/report_requests.h"

#include "fallow/base/check.h"

namespace fallow::detail {
namespace {

// The token of a chain on the ring: the token of the request in the low half, the bytes of the chain in the
// high half.
constexpr std::uint64_t ring_token(std::uint32_t token, std::uint64_t bytes) { return bytes << 32 | token; }
constexpr std::uint32_t token_of(std::uint64_t ring_token) { return static_cast<std::uint32_t>(ring_token); }
constexpr std::uint32_t bytes_of(std::uint64_t ring_token) {
  return static_cast<std::uint32_t>(ring_token >> 32);
}
static_assert(ReportRequests::kChainBytes >> 32 == 0);

constexpr std::uint32_t smaller(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint32_t>(a < b ? a : b);
}

}  // namespace

// Without indirect tables, all chains in flight share the descriptors of the ring.
Status ReportRequests::set_up(std::uint16_t number, const DriverQueueConfig& config, const RingMemory& memory,
                              Content content) noexcept {
  const SpinLock::Held held(lock_, context_.port());
  FALLOW_CHECK(!open_ && busy_ == 0);
  if (const Status status = ring_.set_up(number, config, memory); status != Status::Ok) return status;
  const std::uint16_t size = ring_.size();
  const std::uint32_t depth = smaller(slots_.size(), size);
  depth_.store(depth, std::memory_order_relaxed);
  capacity_.store(smaller(elements_.size(), config.ring.indirect ? size : size / depth),
                  std::memory_order_relaxed);
  verify_ = content != Content::Unknown;
  offered_before_ = offered_before_ || verify_;
  content_.store(withdrawn_ ? Content::Unknown : content, std::memory_order_relaxed);
  shortfalls_ = 0;
  return Status::Ok;
}

void ReportRequests::open() noexcept {
  const SpinLock::Held held(lock_, context_.port());
  open_ = ring_.up();
}

void ReportRequests::close() noexcept {
  const SpinLock::Held held(lock_, context_.port());
  open_ = false;
}

bool ReportRequests::pause() noexcept {
  const SpinLock::Held held(lock_, context_.port());
  paused_ = busy_ == 0;
  return paused_;
}

void ReportRequests::resume() noexcept {
  const SpinLock::Held held(lock_, context_.port());
  paused_ = false;
}

std::uint32_t ReportRequests::in_flight() noexcept {
  const SpinLock::Held held(lock_, context_.port());
  return busy_;
}

void ReportRequests::abandon() noexcept {
  for (ReportSlot& slot : slots_) {
    std::uint32_t token = 0;
    bool tell = false;
    {
      const SpinLock::Held held(lock_, context_.port());
      FALLOW_CHECK(!open_);
      ring_.take_down();
      if (slot.chains == 0) continue;
      token = slot.token;
      slot.chains = 0;
      slot.failed = true;
      --busy_;
      context_.counts.abandoned.add();
      tell = !slot.entered;  // otherwise report() returns the result
    }
    if (tell) {
      const Over over{token, Status::Failed};
      complete({&over, 1});
    }
  }
}

Status ReportRequests::report(Scatterlist list, std::uint32_t token) noexcept {
  bool kick = false;
  {
    const SpinLock::Held held(lock_, context_.port());
    if (!open_ || paused_) return Status::Failed;
    if (slot_of(token) >= slots_.size()) return Status::InvalidArgument;
    ReportSlot& slot = slots_[slot_of(token)];
    if (slot.chains != 0) return Status::InvalidArgument;
    slot = {.token = token, .entered = true};
    add_chains(list, token, slot);
    if (slot.chains == 0) {
      slot = {};
      return Status::Failed;
    }
    ++busy_;
    context_.counts.requests.add();
    kick = ring_.take_kick();
  }
  if (kick) ring_.kick();
  Over over[kBatch];
  std::uint32_t n = 0;
  Status status = Status::Pending;
  {
    const SpinLock::Held held(lock_, context_.port());
    n = take_over(over);
    ReportSlot& slot = slots_[slot_of(token)];
    slot.entered = false;
    if (slot.chains == 0) status = verdict(slot);
  }
  complete({over, n});
  if (n == kBatch) collect();
  return status;
}

// Elements that do not fit in a chain begin the next chain.
void ReportRequests::add_chains(Scatterlist list, std::uint32_t token, ReportSlot& slot) noexcept {
  const std::uint32_t most = capacity();
  std::uint32_t elements = 0;
  std::uint64_t chain = 0;
  for (const ScatterEntry& entry : list) {
    GuestPhys address = address_of(entry.first);
    for (std::uint64_t left = bytes(entry.count).raw; left != 0;) {
      if (elements == most || (elements != 0 && chain + left > kChainBytes)) {
        if (!add_chain(elements, chain, token, slot)) return;
        elements = 0;
        chain = 0;
      }
      const std::uint32_t piece = smaller(left, kChainBytes);
      elements_[elements++] = {address, piece, true};
      address = address + ByteCount{piece};
      chain += piece;
      left -= piece;
    }
  }
  if (elements != 0) add_chain(elements, chain, token, slot);
}

// Returns false if the request has failed; the request completes when its earlier chains are returned.
bool ReportRequests::add_chain(std::uint32_t elements, std::uint64_t bytes, std::uint32_t token,
                               ReportSlot& slot) noexcept {
  if (ring_.add(elements_.first(elements), ring_token(token, bytes)) != Status::Ok) {
    slot.failed = true;
    return false;
  }
  ++slot.chains;
  context_.counts.descriptors.add(elements);
  return true;
}

void ReportRequests::collect() noexcept {
  for (std::uint32_t n = kBatch; n == kBatch;) {
    Over over[kBatch];
    {
      const SpinLock::Held held(lock_, context_.port());
      n = take_over(over);
    }
    complete({over, n});
  }
}

// DRV-2: a request completes once. Its last chain decrements busy_, and the thread that takes this chain
// calls the completion, unless report() is about to return the result.
std::uint32_t ReportRequests::take_over(std::span<Over, kBatch> over) noexcept {
  std::uint32_t n = 0;
  while (open_ && n < kBatch) {
    Used used;
    const Taken taken = ring_.take(used);
    if (taken == Taken::Broken) open_ = false;
    if (taken != Taken::Used) break;
    const std::uint32_t token = token_of(used.token);
    ReportSlot& slot = slots_[slot_of(token)];
    slot.short_of = slot.short_of || used.length < bytes_of(used.token);
    if (--slot.chains != 0) continue;
    --busy_;
    if (!slot.entered) over[n++] = {token, verdict(slot)};
  }
  return n;
}

// R12: a request that is not initialised counts as not reported and is retried. After repeated shortfalls,
// the request succeeds without the promise.
Status ReportRequests::verdict(const ReportSlot& slot) noexcept {
  if (slot.failed) return Status::Failed;
  if (verify_ && !withdrawn_) {
    shortfalls_ = slot.short_of ? shortfalls_ + 1 : 0;
    if (shortfalls_ != 0 && shortfalls_ < kShortfalls) return Status::Failed;
    withdrawn_ = shortfalls_ != 0;
    if (withdrawn_) content_.store(Content::Unknown, std::memory_order_relaxed);
  }
  // The same applies when the device no longer offers the feature after a new initialisation.
  return offered_before_ && (withdrawn_ || !verify_) ? Status::ContentUnknown : Status::Ok;
}

void ReportRequests::complete(std::span<const Over> over) noexcept {
  for (const Over& request : over) {
    FALLOW_REQUIRE(completion_,
                   "BalloonDriver: a request is complete and there is no completion; call connect() or "
                   "set_completion() before probe()");
    completion_(request.token, request.status);
  }
}

}  // namespace fallow::detail
