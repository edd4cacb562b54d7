// The desk of a daemon with a process for each guest: asks them through the board.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <vector>

#include "cli/control/guest_control.h"
#include "cli/serve/daemon/guest_board.h"

namespace fallow::cli {

class GuestBoardControl final : public GuestControl {
 public:
  // All guests of one question are waited for together, for so long: one that does not answer is described as
  // it was last seen.
  static constexpr std::chrono::milliseconds kPatience{30};
  // Who changes something wants to know whether it was done.
  static constexpr std::chrono::milliseconds kSteeringPatience{1000};
  // One that has not answered for so long is stuck.
  static constexpr std::chrono::milliseconds kStuck{1000};

  // `board` must outlive the desk. One desk a board.
  explicit GuestBoardControl(GuestBoard& board) : board_(board), last_(board.size()) {}

  std::optional<std::vector<vhost::GuestSnapshot>> guests() override;
  std::optional<Status> set_target(std::uint64_t guest, PfnCount frames) override;
  std::optional<Status> pause(std::uint64_t guest, bool on) override;
  DaemonCounts counts() override;
  void close() noexcept override;

 private:
  // Asks each guest, or the one, and waits. By slot: the guest that was asked, and whether it answered.
  struct Asked {
    std::uint64_t guest = 0;  // 0: nobody
    bool waits = false;
    bool answered = false;
  };
  std::vector<Asked> ask(GuestOrder order, std::chrono::milliseconds patience);
  std::optional<Status> steer(const GuestOrder& order);

  GuestBoard& board_;
  std::mutex mutex_;  // one question at a time
  // By slot: its guest as it was last seen, and when it was asked what it has not answered.
  struct Seen {
    vhost::GuestSnapshot snapshot;
    std::chrono::steady_clock::time_point asked;
  };
  std::vector<Seen> last_;
  std::atomic<bool> closed_{false};
};

}  // namespace fallow::cli
