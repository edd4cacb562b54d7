// The guest: assembles its parts and runs the main loop of each CPU.
#include "guest/guest.h"

#include <atomic>

#include "guest/kernel/event.h"
#include "guest/kernel/verdict.h"
#include "guest/kernel/worker.h"
#include "guest/protocol/event_names.h"
#include "guest/workloads/workloads.h"

namespace fallow::guest {
namespace {

// The parts that must exist before the reporter does.
struct Base {
  Base(Machine& m, const Options& o, std::span<CpuLevel> levels, std::span<std::byte> arena) noexcept
      : machine(m), options(o), errors(m), stamps(m, errors, o.seed), worker(m, levels, arena) {}

  Machine& machine;
  const Options options;
  GuestErrors errors;
  Stamps stamps;
  Worker worker;
  GuestZones zones;
};

}  // namespace

class Guest {
 public:
  Guest(Base& base, const BootFacts& facts, const FoundDevice& device, PfnCount memory) noexcept
      : machine_(base.machine),
        worker_(base.worker),
        balloon_(machine_, worker_, base.zones, base.options, device),
        context_{.machine = machine_,
                 .options = base.options,
                 .zones = base.zones,
                 .balloon = balloon_,
                 .errors = base.errors,
                 .stamps = base.stamps,
                 .cpus = facts.cpus,
                 .memory = memory,
                 .module = facts.module} {}

  // Allocates all permanent memory, then reserves the holes. Returns the error text, empty on success.
  StringRef create(EarlyMemory& early, const MemoryLayout& layout) noexcept;
  void write_boot_event(const BootFacts& facts, PfnCount memory) noexcept;
  void start() noexcept;

  bool run_first() noexcept;
  bool run_other(std::uint32_t cpu) noexcept;

 private:
  // CPU 0 checks the phase, the worker and the samples at least this often.
  static constexpr Nanoseconds kPollInterval = milliseconds(5);
  // Every other CPU wakes this often to serve the device, in case CPU 0 waits for it inside the worker.
  static constexpr Nanoseconds kOtherPollInterval = milliseconds(20);
  static constexpr Nanoseconds kRetryDelay = milliseconds(1);

  enum class Verdict : std::uint8_t { NotYet, Ok, Bad };
  // A phase and its sequence number. The number tells a CPU whether it has already finished this phase.
  struct Turn {
    std::uint64_t raw;
    unsigned phase() const { return static_cast<unsigned>(raw); }
    std::uint64_t number() const { return raw >> 32; }
    static Turn of(std::uint64_t number, unsigned phase) { return {number << 32 | phase}; }
  };
  // acquire: pairs with the release in begin(), so that the CPU sees what CPU 0 prepared for the phase.
  Turn turn() const noexcept { return {turn_.load(std::memory_order_acquire)}; }
  void begin(Turn turn) noexcept;
  Workload::Step share(std::uint32_t cpu, Turn turn, std::uint64_t* done) noexcept;
  void advance_phase(Turn turn) noexcept;
  void sample(Nanoseconds now) noexcept;
  void sleep(Workload::Step step) noexcept;
  bool finish() noexcept;

  Machine& machine_;
  Worker& worker_;
  BalloonBinding balloon_;
  Context context_;
  Workload* workload_ = nullptr;
  Nanoseconds started_, next_sample_;
  std::atomic<std::uint64_t> turn_{Turn::of(1, 0).raw};
  std::atomic<std::uint32_t> arrived_{0};   // CPUs that have finished the phase
  std::atomic<std::uint32_t> retired_{0};   // CPUs that no longer allocate or free
  std::atomic<std::uint64_t> sleeping_{0};  // wakeup deadline of CPU 0; 0 while it runs
  std::atomic<Verdict> verdict_{Verdict::NotYet};
};

StringRef Guest::create(EarlyMemory& early, const MemoryLayout& layout) noexcept {
  constexpr StringRef kTooSmall = "not enough memory";
  if (!balloon_.create(early)) return kTooSmall;
  workload_ = create_workload(context_, early);
  if (context_.errors.has_error()) return context_.errors.error_text();
  if (workload_ == nullptr || !context_.zones.withhold_holes(layout)) return kTooSmall;
  return {};
}

void Guest::write_boot_event(const BootFacts& facts, PfnCount memory) noexcept {
  Event boot(event_name::kBoot);
  boot.text("loader", facts.loader).number("cpus", facts.cpus);
  boot.number("memory_kib", bytes(memory).raw / 1024).begin_list("zones");
  for (const Zone* const zone : context_.zones.all()) {
    boot.begin_object().number("first_pfn", zone->base().raw).number("frames", zone->size().raw).end_object();
  }
  boot.end_list().text("workload", context_.options.workload_word);
  boot.text("policy", context_.options.policy_word).write_to(machine_);
}

void Guest::start() noexcept {
  started_ = next_sample_ = machine_.now();
  balloon_.bind();
}

void Guest::begin(Turn turn) noexcept {
  arrived_.store(0, std::memory_order_relaxed);
  // release: pairs with the acquire in turn(): the other CPUs see the prepared phase and arrived_ at 0.
  turn_.store(turn.raw, std::memory_order_release);
  for (std::uint32_t cpu = 1; cpu < context_.cpus; ++cpu) machine_.wake(cpu);
}

// Runs one step of the CPU's share of the phase, unless the CPU has finished the phase. `done` holds the
// number of the last turn that the CPU finished.
Workload::Step Guest::share(std::uint32_t cpu, Turn turn, std::uint64_t* done) noexcept {
  if (*done == turn.number()) return Workload::Step::Done;
  const Workload::Step step = workload_->step(cpu, turn.phase());
  if (step != Workload::Step::Done) return step;
  *done = turn.number();
  context_.zones.drain(cpu);
  // acq_rel: pairs with the load in advance_phase(), so that this phase happens before the next one.
  arrived_.fetch_add(1, std::memory_order_acq_rel);
  if (cpu != 0) machine_.wake(0);
  return step;
}

void Guest::advance_phase(Turn turn) noexcept {
  // acquire: pairs with share(), so that CPU 0 sees what every CPU did before it prepares the next phase.
  if (arrived_.load(std::memory_order_acquire) != context_.cpus) return;
  const unsigned next = workload_->next(turn.phase());
  if (next != turn.phase()) begin(Turn::of(turn.number() + 1, next));
}

void Guest::sample(Nanoseconds now) noexcept {
  if (now < next_sample_) return;
  next_sample_ = now + context_.options.sample;
  const MemoryFigures figures = context_.zones.figures();
  Event(event_name::kSample)
      .number("ms", (now - started_).raw / 1'000'000)
      .number("used_kib", bytes(figures.used).raw / 1024)
      .number("free_kib", bytes(figures.free).raw / 1024)
      .number("reported_kib", bytes(figures.reported).raw / 1024)
      .number("requests", balloon_.stats().requests)
      .write_to(machine_);
}

void Guest::sleep(Workload::Step step) noexcept {
  Nanoseconds until = machine_.now() + (step == Workload::Step::Later ? kRetryDelay : kPollInterval);
  for (const Nanoseconds other : {worker_.port().next_deadline(), next_sample_}) {
    if (other < until) until = other;
  }
  // relaxed: a CPU that misses the value does not wake CPU 0, which then wakes after kPollInterval.
  sleeping_.store(until.raw, std::memory_order_relaxed);
  machine_.wait(until);
  sleeping_.store(0, std::memory_order_relaxed);
}

bool Guest::run_first() noexcept {
  for (std::uint64_t done = 0;;) {
    worker_.run_if_due();
    balloon_.write_first_report();
    sample(machine_.now());
    const Turn now = turn();
    if (now.phase() == Workload::kOver) return finish();
    const Workload::Step step = share(0, now, &done);
    if (step == Workload::Step::More) continue;
    if (step == Workload::Step::Done) advance_phase(now);
    if (turn().number() == now.number()) sleep(step);
  }
}

bool Guest::run_other(std::uint32_t cpu) noexcept {
  std::uint64_t done = 0;
  for (Turn now = turn(); now.phase() != Workload::kOver; now = turn()) {
    const Workload::Step step = share(cpu, now, &done);
    worker_.serve();
    // Frees of this CPU may have moved the deadline ahead of the one that CPU 0 sleeps for.
    if (worker_.port().next_deadline().raw < sleeping_.load(std::memory_order_relaxed)) machine_.wake(0);
    if (step == Workload::Step::More) continue;
    machine_.wait(machine_.now() + (step == Workload::Step::Later ? kRetryDelay : kOtherPollInterval));
  }
  context_.zones.retire(cpu);
  retired_.fetch_add(1, std::memory_order_acq_rel);  // pairs with the load in finish()
  machine_.wake(0);
  // acquire: pairs with the release in finish(); this CPU stops after CPU 0 has written its last event.
  while (verdict_.load(std::memory_order_acquire) == Verdict::NotYet)
    machine_.wait(machine_.now() + kOtherPollInterval);
  // acquire: pairs with the release in finish(), like the load above.
  return verdict_.load(std::memory_order_acquire) == Verdict::Ok;
}

bool Guest::finish() noexcept {
  context_.zones.retire(0);
  // acquire: pairs with run_other(); the verdict covers everything that the other CPUs did.
  while (retired_.load(std::memory_order_acquire) != context_.cpus - 1) {
    worker_.run_if_due();
    machine_.wait(machine_.now() + kRetryDelay);
  }
  balloon_.unbind();
  context_.zones.driver_cache().retire();
  sample(next_sample_);
  const bool ok = write_verdict(context_);
  // release: pairs with the acquire in run_other(); CPU 0 has written all its events.
  verdict_.store(ok ? Verdict::Ok : Verdict::Bad, std::memory_order_release);
  for (std::uint32_t cpu = 1; cpu < context_.cpus; ++cpu) machine_.wake(cpu);
  return ok;
}

namespace {

Guest* refuse(Machine& machine, StringRef why) {
  write_verdict(machine, why);
  return nullptr;
}

void warn_of_unknown_words(Machine& machine, const CommandLine& line) {
  for (std::size_t i = 0; i < line.unknown_count; ++i) {
    FixedString<200> said("guest: unknown word on the command line: ");
    machine.write(said.put(line.unknown[i].first(120)).put('\n').text());
  }
}

void warn_of_left_out(Machine& machine, PfnCount frames) {
  if (frames.raw == 0) return;
  FixedString<100> said("guest: memory left unused: ");
  machine.write(said.number(bytes(frames).raw / 1024).put(" KiB\n").text());
}

}  // namespace

Guest* create_guest(Machine& machine, const BootFacts& facts, const FoundDevice& device) noexcept {
  const CommandLine line = parse_command_line(facts.command_line);
  warn_of_unknown_words(machine, line);
  if (!line.error.empty()) {
    FixedString<300> why("bad command line: ");
    return refuse(machine, why.put(line.error.text()).text());
  }
  constexpr StringRef kTooSmall = "not enough memory";
  MemoryLayout layout(facts.usable, facts.taken);
  GuestZones::leave_out_far_pieces(layout, facts.cpus);
  warn_of_left_out(machine, layout.left_out());
  const PfnCount memory = layout.total();
  EarlyMemory early(machine, layout);
  const std::span<CpuLevel> levels = early.take_array<CpuLevel>(facts.cpus);
  const std::span<std::byte> arena = early.take_bytes(BalloonBinding::arena_size(line.options));
  if (levels.empty() || arena.empty()) return refuse(machine, kTooSmall);
  Base* const base = early.make<Base>(machine, line.options, levels, arena);
  if (base == nullptr || !base->zones.create(base->worker.port(), early, layout, facts.cpus))
    return refuse(machine, kTooSmall);
  Guest* const guest = early.make<Guest>(*base, facts, device, layout.total());
  if (guest == nullptr) return refuse(machine, kTooSmall);
  if (const StringRef why = guest->create(early, layout); !why.empty()) return refuse(machine, why);
  guest->write_boot_event(facts, memory);
  guest->start();
  return guest;
}

bool run_cpu(Guest& guest, std::uint32_t cpu) noexcept {
  return cpu == 0 ? guest.run_first() : guest.run_other(cpu);
}

}  // namespace fallow::guest
