// What the processes of a daemon share about its guests: a slot for each, in memory that all of them map.
//
// The daemon begins and ends a slot. The guest's supervisor and workers keep their records in it, and map no
// other. The control process asks a worker through the slot and the bell, an eventfd, that belongs to it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "fallow/host/expected.h"
#include "vhost_user/daemon/balloon_guest.h"
#include "vhost_user/daemon/guest_record.h"

namespace fallow::cli {

// What the control process wants of a guest's worker, beside a snapshot.
struct GuestOrder {
  enum class Kind : std::uint8_t { Look, Target, Pause, Resume };

  Kind kind = Kind::Look;
  std::uint64_t guest = 0;  // whom it is meant for: the slot may have changed hands
  PfnCount target;
};

struct GuestSlot {
  std::atomic<std::uint64_t> number{0};  // of the guest; 0: the slot is free
  std::atomic<std::uint32_t> worker{0};  // the process that serves it; 0: none yet

  // The control process writes `order` and then raises `asked`; the worker writes what follows and then
  // raises `answered` to it. In between the rest belongs to the worker, and otherwise to the control process.
  std::atomic<std::uint32_t> asked{0}, answered{0};
  GuestOrder order;
  Status status = Status::Ok;
  vhost::GuestSnapshot snapshot;

  vhost::GuestRecord record;
};
static_assert(std::is_trivially_copyable_v<vhost::GuestSnapshot>);

// What happened to all guests together, for metrics.
struct DaemonFigures {
  std::atomic<std::uint64_t> connections{0}, turned_away{0}, quarantined{0};
};

class GuestBoard {
 public:
  // Maps `slots` slots, zero-filled, shared with every process that is forked later; and makes their bells.
  static Expected<GuestBoard> create(std::size_t slots);
  ~GuestBoard();
  GuestBoard(const GuestBoard&) = delete;
  GuestBoard& operator=(const GuestBoard&) = delete;

  std::size_t size() const noexcept { return bells_.size(); }
  GuestSlot& slot(std::size_t i) noexcept;
  DaemonFigures& figures() noexcept { return *reinterpret_cast<DaemonFigures*>(memory_); }
  int bell(std::size_t i) const { return bells_[i]; }
  const std::vector<int>& bells() const noexcept { return bells_; }

  // For the process of one guest: unmaps all other slots. slot(i), and nothing else, may be called
  // afterwards.
  void keep_only(std::size_t i) noexcept;

 private:
  GuestBoard(std::byte* memory, std::size_t bytes) : memory_(memory), bytes_(bytes) {}

  std::byte* const memory_;  // a page of figures, and the slots
  const std::size_t bytes_;
  std::vector<int> bells_;
};

}  // namespace fallow::cli
