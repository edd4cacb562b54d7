#include "replay/replay_run.h"

#include <algorithm>
#include <utility>

#include "fallow/zone/zone_stats.h"
#include "replay/replay_figures.h"

namespace fallow::replay {

Expected<ReplayRun> ReplayRun::create(const ReplayOptions& options, PfnCount memory, Nanoseconds duration,
                                      ReplayObserver* observer) {
  const MachineSetup setup{memory,
                           {options.policy, options.order},
                           options.capacity,
                           options.backing,
                           options.lazy_free,
                           options.verify,
                           options.balloon,
                           options.speed != 0};
  auto machine = ReplayMachine::create(setup);
  if (!machine) return machine.error;
  std::unique_ptr<LinuxComparison> comparison;
  if (options.compare_linux) {
    auto made = LinuxComparison::create(memory);
    if (!made) return made.error;
    comparison = std::move(made.object);
  }
  std::unique_ptr<ReplayRun> run(
      new ReplayRun(options, std::move(machine.object), std::move(comparison), observer));
  if (duration.raw != 0) run->end_ = duration + options.settle;
  run->timeline_.prepare();
  run->timeline_.disturb_every(options.disturb);
  if (options.speed == 0) return run;
  const Status status = run->timeline_.start_real(options.speed, options.stop);
  if (status != Status::Ok) return std::string("cannot start the worker thread of the replay");
  return run;
}

ReplayRun::ReplayRun(const ReplayOptions& options, std::unique_ptr<ReplayMachine> machine,
                     std::unique_ptr<LinuxComparison> comparison, ReplayObserver* observer)
    : options_(options),
      observer_(observer),
      machine_(std::move(machine)),
      timeline_(*machine_),
      comparison_(std::move(comparison)) {
  result_.memory = machine_->zone().size();
}

bool ReplayRun::stopped() const {
  return options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed);
}

bool ReplayRun::play(trace::TraceReader& reader) {
  for (auto batch = reader.next(); !batch.empty() && !stopped(); batch = reader.next()) {
    for (const trace::TraceEvent& event : batch) {
      if (!step(event)) {
        error_ = options_.trace + ": " + machine_->error();
        return false;
      }
    }
  }
  result_.stopped = stopped();
  error_ = reader.error();
  if (!result_.stopped && !error_.empty()) return false;
  error_.clear();
  if (!any_ && !result_.stopped) {
    error_ = reader.no_event_error();
    return false;
  }
  result_.bad_lines = reader.counts().bad_lines;
  result_.odd_lines = reader.counts().odd_lines;
  result_.first_skipped = reader.first_skipped();
  result_.lost_events = reader.counts().lost_events;
  result_.uncounted_losses = reader.counts().uncounted_losses;
  result_.late_events = reader.counts().late_events;
  end_trace();
  return true;
}

bool ReplayRun::step(trace::TraceEvent event) {
  if (!std::exchange(any_, true)) first_ = event.time;
  event.time = event.time - first_;
  if (event.time > timeline_.now()) pass_until(event.time);
  if (comparison_ != nullptr) {
    chunk_.events.push_back(event);
    if (chunk_.events.size() >= kMaxChunk) send(std::exchange(chunk_, {}));
  }
  return machine_->apply(event);
}

// The trace has no event before `time`.
void ReplayRun::pass_until(Nanoseconds time) {
  timeline_.go_idle_until(time);
  chunk_.idle_until = time;
  if (next_sample_ <= time) {
    const Nanoseconds step =
        std::max(kSampleStep, Nanoseconds{(time - timeline_.now()).raw / kMaxSamplesPerGap});
    for (; next_sample_ <= time && !stopped(); next_sample_ = next_sample_ + step) {
      timeline_.pass_until(next_sample_);
      sample(false);
    }
  }
  timeline_.pass_until(time);
}

void ReplayRun::end_trace() {
  last_ = timeline_.now();
  timeline_.read_resident();
  if (!result_.stopped) end_ = last_ + options_.settle;
  result_.duration_s = in_seconds(last_);
  result_.mean_used_mib = in_mib(mean(timeline_.used()));
  result_.mean_resident_mib = in_mib(mean(timeline_.resident()));
  result_.excess_gib_s = in_gib(excess(timeline_));
  sample(true);
}

void ReplayRun::sample(bool ends_trace) {
  timeline_.read_resident();
  if (observer_ == nullptr && comparison_ == nullptr) return;
  const ReplaySample sample = take_sample();
  if (comparison_ == nullptr) {
    observer_->sample(sample);
    return;
  }
  ReplayChunk chunk = std::exchange(chunk_, {});
  chunk_.idle_until = chunk.idle_until;
  chunk.sample = sample;
  chunk.ends_trace = ends_trace;
  send(std::move(chunk));
}

ReplaySample ReplayRun::take_sample() {
  const ZoneStats zone = zone_stats(machine_->zone());
  ReplaySample s;
  s.time = timeline_.now();
  s.end = end_;
  s.events = machine_->counts().events;
  s.used = machine_->used();
  s.free = machine_->zone().size() - s.used;
  s.reported = zone.reported;
  s.resident = timeline_.resident_now();
  s.reported_ever = machine_->residency().given_back();
  s.refaulted = machine_->residency().refaulted();
  s.requests = timeline_.requests();
  return s;
}

// In real time the display must show the current state.
void ReplayRun::send(ReplayChunk chunk) {
  comparison_->push(std::move(chunk));
  deliver(options_.speed != 0);
}

void ReplayRun::deliver(bool wait) {
  while (const auto sample = comparison_->take(wait)) {
    if (observer_ != nullptr) observer_->sample(*sample);
  }
}

ReplayResult ReplayRun::finish() {
  if (!result_.stopped) {
    pass_until(end_);
    if (end_ > last_) sample(false);
  }
  if (comparison_ != nullptr) {
    deliver(true);
    comparison_->finish(result_);
  }
  ReplayResult& r = result_;
  r.end_used_mib = in_mib(machine_->used());
  r.end_resident_mib = in_mib(timeline_.resident_now());
  r.balloon = timeline_.balloon();  // must precede retire(), which resets the device
  r.broken_invariant = machine_->retire();
  const MachineCounts& counts = machine_->counts();
  r.events = counts.events;
  r.allocs = counts.allocs;
  r.frees = counts.frees;
  r.unmatched_frees = counts.unmatched_frees;
  r.implied_frees = counts.implied_frees;
  r.failed_allocs = counts.failed_allocs;
  r.refused_frees = counts.refused_frees;
  r.peak_used_mib = in_mib(machine_->peak_used());
  r.peak_resident_mib = machine_->memory() == nullptr
                            ? in_mib(machine_->peak_modelled())
                            : in_mib(static_cast<double>(timeline_.resident().peak()));
  r.reported_mib = in_mib(machine_->residency().given_back());
  r.refaulted_mib = in_mib(machine_->residency().refaulted());
  r.requests = timeline_.requests();
  r.entries = timeline_.entries();
  r.report_failures = timeline_.failures();
  r.report_seconds = in_seconds(timeline_.in_report());
  r.disturbances = machine_->disturbances();
  if (machine_->memory() != nullptr) {
    r.corrupted_frames = machine_->memory()->corrupted();
    const Backing& backing = machine_->memory()->backing();
    if (backing.counts().failures > 0) r.release_error = backing.release_error();
  }
  error_ = timeline_.error();
  return r;
}

}  // namespace fallow::replay
