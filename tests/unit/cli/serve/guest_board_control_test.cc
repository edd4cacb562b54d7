#include "cli/serve/daemon/guest_board_control.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace fallow::cli {
namespace {

class GuestBoardControlTest : public testing::Test {
 protected:
  GuestBoardControlTest() {
    auto made = GuestBoard::create(4);
    EXPECT_TRUE(made) << made.error;
    board_ = std::move(made.object);
    control_ = std::make_unique<GuestBoardControl>(*board_);
  }
  ~GuestBoardControlTest() override {
    stop_ = true;
    for (std::thread& worker : workers_) worker.join();
  }

  void begin(std::size_t slot, std::uint64_t number) {
    board_->slot(slot).record.number = number;
    board_->slot(slot).record.socket = 3;
    board_->slot(slot).number = number;
  }
  // Starts a thread that answers like the worker of a guest.
  void serve(std::size_t slot) {
    workers_.emplace_back([this, slot] {
      GuestSlot& mine = board_->slot(slot);
      while (!stop_) {
        pollfd rung{board_->event_fd(slot), POLLIN, 0};
        if (poll(&rung, 1, 5) != 1) continue;
        std::uint64_t count = 0;
        static_cast<void>(!read(rung.fd, &count, sizeof count));
        const std::uint32_t asked = mine.asked.load(std::memory_order_acquire);
        if (mine.answered.load() == asked) continue;
        commands_ += mine.command.kind != GuestCommand::Kind::Look;
        mine.status = mine.command.guest == mine.number ? Status::Ok : Status::NotFound;
        mine.snapshot.number = mine.number;
        if (mine.command.kind == GuestCommand::Kind::Target) mine.snapshot.target = mine.command.target;
        mine.answered.store(asked, std::memory_order_release);
      }
    });
  }

  std::unique_ptr<GuestBoard> board_;
  std::unique_ptr<GuestBoardControl> control_;
  std::atomic<bool> stop_{false};
  std::atomic<int> commands_{0};
  std::vector<std::thread> workers_;
};

TEST_F(GuestBoardControlTest, a_board_without_guests_is_answered_at_once) {
  const auto guests = control_->guests();
  ASSERT_TRUE(guests);
  EXPECT_TRUE(guests->empty());
  EXPECT_EQ(control_->set_target(1, {5}), Status::NotFound);
  EXPECT_EQ(control_->pause(0, true), Status::Ok);
}

TEST_F(GuestBoardControlTest, workers_answer_for_their_guests) {
  begin(2, 5);
  begin(0, 9);
  serve(2);
  serve(0);
  EXPECT_EQ(control_->set_target(5, {77}), Status::Ok);
  EXPECT_EQ(control_->pause(0, true), Status::Ok);
  EXPECT_EQ(control_->set_target(6, {77}), Status::NotFound);
  EXPECT_EQ(commands_, 3);
  const auto guests = control_->guests();
  ASSERT_TRUE(guests && guests->size() == 2);
  EXPECT_EQ(guests->at(0).number, 5U);
  EXPECT_EQ(guests->at(1).number, 9U);
  EXPECT_FALSE(guests->at(0).stuck || guests->at(1).stuck);
}

TEST_F(GuestBoardControlTest, one_that_does_not_answer_is_stuck_and_keeps_nobody_waiting) {
  begin(0, 1);
  begin(1, 2);
  serve(1);
  const auto begin = std::chrono::steady_clock::now();
  bool stuck = false;
  while (!stuck && std::chrono::steady_clock::now() - begin < 3 * GuestBoardControl::kStuck) {
    const auto start = std::chrono::steady_clock::now();
    const auto guests = control_->guests();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
    ASSERT_TRUE(guests && guests->size() == 2);
    stuck = guests->at(0).stuck;
    EXPECT_TRUE(guests->at(0).connected);
    EXPECT_EQ(guests->at(0).socket, 3U);
    EXPECT_FALSE(guests->at(1).stuck);
  }
  EXPECT_TRUE(stuck);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, GuestBoardControl::kStuck);
  EXPECT_EQ(control_->set_target(1, {5}), std::nullopt);
  EXPECT_EQ(control_->set_target(2, {5}), Status::Ok);
}

// A late command is still executed, and its answer is not taken for that of the next command.
TEST_F(GuestBoardControlTest, one_that_answers_late_is_well_again) {
  begin(0, 1);
  EXPECT_EQ(control_->set_target(1, {77}), std::nullopt);
  serve(0);
  const auto begin = std::chrono::steady_clock::now();
  while (control_->guests()->at(0).target != PfnCount{77}) {
    ASSERT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  }
  EXPECT_EQ(control_->set_target(1, {78}), Status::Ok);
}

// The worker answers the older command meanwhile; the new command was not sent to it.
TEST_F(GuestBoardControlTest, who_owed_an_answer_has_not_done_what_is_asked_now) {
  begin(1, 2);
  EXPECT_TRUE(control_->guests());
  begin(0, 1);
  std::thread later([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    serve(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    serve(0);
  });
  EXPECT_EQ(control_->pause(0, true), std::nullopt);
  later.join();
  EXPECT_EQ(commands_, 1);
  EXPECT_EQ(control_->pause(0, true), Status::Ok);
}

TEST_F(GuestBoardControlTest, a_slot_that_changed_hands_is_another_guest) {
  begin(0, 1);
  serve(0);
  EXPECT_EQ(control_->guests()->at(0).number, 1U);
  begin(0, 8);
  EXPECT_EQ(control_->set_target(1, {5}), Status::NotFound);
  EXPECT_EQ(control_->guests()->at(0).number, 8U);
}

TEST_F(GuestBoardControlTest, closed_it_waits_for_nobody) {
  begin(0, 1);
  control_->close();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(control_->guests());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

}  // namespace
}  // namespace fallow::cli
