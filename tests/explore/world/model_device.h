// The reporting device of a scenario: accepts, fails or holds requests as the scenario specifies.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/reporting/reporter.h"
#include "tests/explore/world/model_port.h"
#include "tests/explore/world/oracle.h"

namespace fallow::explore {

class ModelDevice final : public ReportingDevice {
 public:
  static constexpr std::uint32_t kMaxDepth = 4, kMaxCapacity = 8, kMaxAnswers = 16;

  ModelDevice(Oracle& oracle, ModelPort& port) : oracle_(oracle), port_(port) {}

  // Set before registration.
  std::uint32_t entries = 4, depths = 1;
  Content promises = Content::Unknown;
  Order order{9};  // of the policy: R5 is checked against it
  // The answer to the i-th request; Ok after the last answer.
  Status answers[kMaxAnswers] = {};
  std::uint32_t answer_count = 0;
  void answer(std::initializer_list<Status> list) {
    for (const Status s : list) answers[answer_count++] = s;
  }

  // Called from inside report(), before the answer.
  void (*inside)(void* context) = nullptr;
  void* context = nullptr;

  Status report(Scatterlist list, std::uint32_t token) noexcept override;
  std::uint32_t capacity() const noexcept override { return entries; }
  std::uint32_t depth() const noexcept override { return depths; }
  Content content_after() const noexcept override { return promises; }

  // Called by another thread: completes a request that the device holds. Returns false if it holds none.
  bool complete(Reporter& reporter, Status status);
  // The first half of complete(): returns the token of a held request, which the scenario must complete. The
  // device must hold one.
  std::uint32_t let_go(Status status);

  // R9: from here on report() may be called, or must not be called.
  void expect(bool reports) {
    expected_ = reports;
    end_back_off();
  }
  // RPT-9: registration ends the back-off, and so does forgetting.
  void end_back_off() {
    not_before_ = {};
    ++epoch_;
  }
  // R7: a run of the worker begins on this thread.
  void run_begins() { run_began_[engine().self()] = engine().now(); }

  std::uint32_t requests() const { return requests_; }
  std::uint64_t frames() const { return frames_; }
  std::uint32_t taken() const { return taken_; }
  std::uint32_t failed() const { return failed_; }
  std::uint32_t in_flight() const { return in_flight_; }
  // Whether a request was completed before report() had returned Pending.
  bool completed_early() const { return completed_early_; }

 private:
  struct Held {
    enum : std::uint32_t { kEmpty, kFull, kLeaving };
    std::atomic<std::uint32_t> full{kEmpty};  // release, acquire: the request below
    std::uint32_t token = 0, count = 0;
    ScatterEntry list[kMaxCapacity] = {};
  };

  Held* take_held();
  std::uint32_t let_go(Held& held, Status status);
  void settle(Scatterlist list, Status status);
  void back_off(Status status, unsigned epoch, Nanoseconds failed_at);
  void check_begin();

  Oracle& oracle_;
  ModelPort& port_;
  std::uint32_t requests_ = 0, taken_ = 0, failed_ = 0, in_flight_ = 0;
  std::uint64_t frames_ = 0;
  bool expected_ = false, completed_early_ = false;
  std::uint32_t reporting_ = 0;  // threads inside report()
  // The last failed request: when the reporter learnt of the failure, and until when no pass may run.
  unsigned failed_step_ = 0;
  Nanoseconds not_before_;
  unsigned epoch_ = 0;
  unsigned run_began_[Engine::kMain + 1] = {};
  Held held_[kMaxDepth];
};

}  // namespace fallow::explore
