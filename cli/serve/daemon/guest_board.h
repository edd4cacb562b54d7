// The memory that the processes of a daemon share: one slot for each guest.
//
// The daemon begins and ends a slot. The guest's supervisor and workers keep their records in the slot and
// unmap all others. The control process sends commands to a worker through the slot and its event fd.
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

// A command of the control process to the worker of a guest. Every command also requests a snapshot.
struct GuestCommand {
  enum class Kind : std::uint8_t { Look, Target, Pause, Resume };

  Kind kind = Kind::Look;
  std::uint64_t guest = 0;  // the addressee, because the slot may have been reused
  PfnCount target;
};

struct GuestSlot {
  std::atomic<std::uint64_t> number{0};  // of the guest; 0 if the slot is free
  std::atomic<std::uint32_t> worker{0};  // process ID of the worker; 0 if none yet

  // The control process writes `command`, then increments `asked`. The worker writes `status` and `snapshot`,
  // then sets `answered` to `asked`. While the two differ, the worker owns these fields; otherwise the
  // control process does.
  std::atomic<std::uint32_t> asked{0}, answered{0};
  GuestCommand command;
  Status status = Status::Ok;
  vhost::GuestSnapshot snapshot;

  vhost::GuestRecord record;
};
static_assert(std::is_trivially_copyable_v<vhost::GuestSnapshot>);

// Counters over all guests, for the metrics.
struct DaemonFigures {
  std::atomic<std::uint64_t> connections{0}, turned_away{0}, quarantined{0};
};

class GuestBoard {
 public:
  // Maps `slots` zero-filled slots, shared with every process forked later, and creates their event fds.
  static Expected<GuestBoard> create(std::size_t slots);
  ~GuestBoard();
  GuestBoard(const GuestBoard&) = delete;
  GuestBoard& operator=(const GuestBoard&) = delete;

  std::size_t size() const noexcept { return event_fds_.size(); }
  GuestSlot& slot(std::size_t i) noexcept;
  DaemonFigures& figures() noexcept { return *reinterpret_cast<DaemonFigures*>(memory_); }
  int event_fd(std::size_t i) const { return event_fds_[i]; }
  const std::vector<int>& event_fds() const noexcept { return event_fds_; }

  // Unmaps all other slots, for the process of one guest. Afterwards only slot(i) may be called.
  void keep_only(std::size_t i) noexcept;

 private:
  GuestBoard(std::byte* memory, std::size_t bytes) : memory_(memory), bytes_(bytes) {}

  std::byte* const memory_;  // one page of figures, then the slots
  const std::size_t bytes_;
  std::vector<int> event_fds_;
};

}  // namespace fallow::cli
