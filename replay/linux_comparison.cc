#include "replay/linux_comparison.h"

#include <string>
#include <system_error>
#include <utility>

#include "replay/replay_figures.h"

namespace fallow::replay {

Expected<LinuxComparison> LinuxComparison::create(PfnCount memory) {
  auto machine = ReplayMachine::create({memory, {{.kind = PolicyKind::Linux}, Order{9}}});
  if (!machine) return machine.error;
  std::unique_ptr<LinuxComparison> made(new LinuxComparison(std::move(machine.object)));
  made->timeline_.prepare();
  try {
    made->thread_ = std::thread([self = made.get()] { self->run(); });
  } catch (const std::system_error& e) {
    return std::string("cannot start the thread of the comparison with linux: ") + e.what();
  }
  return made;
}

LinuxComparison::LinuxComparison(std::unique_ptr<ReplayMachine> machine)
    : machine_(std::move(machine)), timeline_(*machine_) {}

LinuxComparison::~LinuxComparison() { stop(); }

void LinuxComparison::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void LinuxComparison::push(ReplayChunk chunk) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return queue_.size() < kMaxQueued; });
  queue_.push_back(std::move(chunk));
  lock.unlock();
  changed_.notify_all();
}

std::optional<ReplaySample> LinuxComparison::take(bool wait) {
  std::unique_lock lock(mutex_);
  if (wait) changed_.wait(lock, [this] { return !ready_.empty() || (queue_.empty() && !busy_); });
  if (ready_.empty()) return std::nullopt;
  const ReplaySample sample = ready_.front();
  ready_.pop_front();
  return sample;
}

void LinuxComparison::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (stop_) return;
    ReplayChunk chunk = std::move(queue_.front());
    queue_.pop_front();
    busy_ = true;
    lock.unlock();
    changed_.notify_all();
    process(chunk);
    lock.lock();
    busy_ = false;
    if (chunk.sample) ready_.push_back(*chunk.sample);
    changed_.notify_all();
  }
}

void LinuxComparison::process(ReplayChunk& chunk) {
  for (const trace::TraceEvent& event : chunk.events) {
    timeline_.go_idle_until(event.time);
    timeline_.pass_until(event.time);
    if (!machine_->apply(event)) return;  // the replay itself will report the same error
  }
  timeline_.go_idle_until(std::max(chunk.idle_until, timeline_.now()));
  if (!chunk.sample) return;
  timeline_.pass_until(chunk.sample->time);
  chunk.sample->linux_resident = timeline_.resident_now();
  if (!chunk.ends_trace) return;
  mean_resident_ = mean(timeline_.resident());
  excess_ = excess(timeline_);
}

void LinuxComparison::finish(ReplayResult& result) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return queue_.empty() && !busy_; });
  }
  stop();
  result.linux_mean_resident_mib = in_mib(mean_resident_);
  result.linux_excess_gib_s = in_gib(excess_);
  result.linux_end_resident_mib = in_mib(timeline_.resident_now());
  result.linux_refaulted_mib = in_mib(machine_->residency().refaulted());
}

}  // namespace fallow::replay
