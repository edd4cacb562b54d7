// Implements GuestControl for a daemon with one process per guest, through the board.
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
  // The total wait for the snapshots of all guests. A guest that does not answer is listed with its last
  // snapshot.
  static constexpr std::chrono::milliseconds kTimeout{30};
  // A change waits longer, so that the caller learns whether it took effect.
  static constexpr std::chrono::milliseconds kCommandTimeout{1000};
  // A guest that has not answered for this long is stuck.
  static constexpr std::chrono::milliseconds kStuck{1000};

  // `board` must outlive this object. At most one GuestBoardControl per board.
  explicit GuestBoardControl(GuestBoard& board) : board_(board), last_(board.size()) {}

  std::optional<std::vector<vhost::GuestSnapshot>> guests() override;
  std::optional<Status> set_target(std::uint64_t guest, PfnCount frames) override;
  std::optional<Status> pause(std::uint64_t guest, bool on) override;
  DaemonCounts counts() override;
  void close() noexcept override;

 private:
  // Sends a command to one guest or to all, and waits for the answers. The result is indexed by slot.
  struct Asked {
    std::uint64_t guest = 0;  // 0 if the slot was not asked
    bool waits = false;
    bool answered = false;
  };
  std::vector<Asked> ask(GuestCommand command, std::chrono::milliseconds timeout);
  std::optional<Status> send_command(const GuestCommand& command);

  GuestBoard& board_;
  std::mutex mutex_;  // one command at a time
  // By slot: the last snapshot, and the time of the last command.
  struct Seen {
    vhost::GuestSnapshot snapshot;
    std::chrono::steady_clock::time_point asked;
  };
  std::vector<Seen> last_;
  std::atomic<bool> closed_{false};
};

}  // namespace fallow::cli
