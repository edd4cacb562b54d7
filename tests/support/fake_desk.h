// Guests of a fictitious daemon, for code that displays and controls guests.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/control/guest_control.h"

namespace fallow {

// A guest with a distinct value in every field.
inline vhost::GuestSnapshot snapshot_of(std::uint64_t number) {
  vhost::GuestSnapshot guest;
  guest.number = number;
  guest.socket = static_cast<std::uint32_t>(number - 1);
  guest.connected = guest.ready = true;
  guest.memory = {std::uint64_t{512} << 20};
  guest.resident = {std::uint64_t{100} << 20};
  guest.target = {1000};
  guest.actual = {900};
  guest.restarts = 2;
  guest.device.reports = 7;
  guest.device.entries = 70;
  guest.device.reported = {std::uint64_t{40} << 20};
  guest.device.released = {std::uint64_t{39} << 20};
  guest.device.refused.at(static_cast<std::size_t>(Refusal::Wraps)) = 3;
  guest.mistakes.kicks = 5;
  guest.calls.counts = {4, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1};
  guest.calls.sum = 1.25;
  guest.statistics.updates = 1;
  guest.statistics.present =
      1U << static_cast<unsigned>(StatTag::MemoryFree) | 1U << static_cast<unsigned>(StatTag::MajorFaults);
  guest.statistics.value.at(static_cast<std::size_t>(StatTag::MemoryFree)) = 4096;
  guest.statistics.value.at(static_cast<std::size_t>(StatTag::MajorFaults)) = 11;
  return guest;
}

// State that a test inspects after the desk was given away.
struct FakeHouse {
  std::mutex mutex;
  std::vector<vhost::GuestSnapshot> guests;
  std::vector<std::string> done;  // "target 1 512", "pause 0 1"
  bool answers = true;
  std::chrono::milliseconds slowness{0};
};

class FakeDesk final : public cli::GuestControl {
 public:
  explicit FakeDesk(FakeHouse& house) : house_(house) {}

  std::optional<std::vector<vhost::GuestSnapshot>> guests() override {
    const std::lock_guard lock(house_.mutex);
    std::this_thread::sleep_for(house_.slowness);
    if (!house_.answers) return {};
    return house_.guests;
  }

  std::optional<Status> set_target(std::uint64_t guest, PfnCount frames) override {
    return each(guest, "target " + std::to_string(guest) + " " + std::to_string(frames.raw),
                [frames](vhost::GuestSnapshot& one) { one.target = frames; });
  }

  std::optional<Status> pause(std::uint64_t guest, bool on) override {
    return each(guest, "pause " + std::to_string(guest) + (on ? " 1" : " 0"),
                [on](vhost::GuestSnapshot& one) { one.paused = on; });
  }

  cli::DaemonCounts counts() override { return {12, 3, 1}; }

  void close() noexcept override {}

 private:
  template <class Change>
  std::optional<Status> each(std::uint64_t number, std::string done, Change change) {
    const std::lock_guard lock(house_.mutex);
    if (!house_.answers) return {};
    Status status = number == 0 ? Status::Ok : Status::NotFound;
    for (vhost::GuestSnapshot& guest : house_.guests) {
      if (number != 0 && guest.number != number) continue;
      change(guest);
      status = Status::Ok;
    }
    house_.done.push_back(std::move(done));
    return status;
  }

  FakeHouse& house_;
};

}  // namespace fallow
