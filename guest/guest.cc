// The guest: its parts put together, and the loop of each CPU.
#include "guest/guest.h"

#include <atomic>

#include "guest/kernel/event.h"
#include "guest/kernel/verdict.h"
#include "guest/kernel/worker.h"
#include "guest/workloads/workloads.h"

namespace fallow::guest {
namespace {

// What is there before there is a reporter.
struct Ground {
  Ground(Machine& m, const Options& o, std::span<CpuLevel> levels, std::span<std::byte> arena) noexcept
      : machine(m), options(o), findings(m), stamps(m, findings, o.seed), worker(m, levels, arena) {}

  Machine& machine;
  const Options options;
  GuestErrors findings;
  Stamps stamps;
  Worker worker;
  GuestZones zones;
};

}  // namespace

class Guest {
 public:
  Guest(Ground& ground, const BootFacts& facts, const FoundDevice& device, PfnCount memory) noexcept
      : machine_(ground.machine),
        worker_(ground.worker),
        balloon_(machine_, worker_, ground.zones, ground.options, device),
        context_{.machine = machine_,
                 .options = ground.options,
                 .zones = ground.zones,
                 .balloon = balloon_,
                 .findings = ground.findings,
                 .stamps = ground.stamps,
                 .cpus = facts.cpus,
                 .memory = memory,
                 .module = facts.module} {}

  // What is wrong; empty when all is well. Takes all that is needed of the memory, and withholds the holes.
  StringRef create(EarlyMemory& early, const MemoryLayout& layout) noexcept;
  void say_boot(const BootFacts& facts, PfnCount memory) noexcept;
  void start() noexcept;

  bool run_first() noexcept;
  bool run_other(std::uint32_t cpu) noexcept;

 private:
  // CPU 0 looks at the phase, the worker and the samples that often at least.
  static constexpr Nanoseconds kLook = milliseconds(5);
  // Another CPU: for the device, should CPU 0 wait inside the worker for what it returns.
  static constexpr Nanoseconds kOtherLook = milliseconds(20);
  static constexpr Nanoseconds kLater = milliseconds(1);

  enum class Verdict : std::uint8_t { NotYet, Ok, Bad };
  // A phase and how many were begun before it: which phase a CPU is done with.
  struct Turn {
    std::uint64_t raw;
    unsigned phase() const { return static_cast<unsigned>(raw); }
    std::uint64_t number() const { return raw >> 32; }
    static Turn of(std::uint64_t number, unsigned phase) { return {number << 32 | phase}; }
  };
  // acquire, pairs with the release in begin(): what CPU 0 prepared for the phase is seen.
  Turn turn() const noexcept { return {turn_.load(std::memory_order_acquire)}; }
  void begin(Turn turn) noexcept;
  Workload::Step share(std::uint32_t cpu, Turn turn, std::uint64_t* done) noexcept;
  void look_at_phase(Turn turn) noexcept;
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
  std::atomic<std::uint32_t> arrived_{0};   // CPUs that are done with the phase
  std::atomic<std::uint32_t> retired_{0};   // CPUs that will not allocate or free any more
  std::atomic<std::uint64_t> sleeping_{0};  // until when CPU 0 sleeps; 0: it does not
  std::atomic<Verdict> verdict_{Verdict::NotYet};
};

StringRef Guest::create(EarlyMemory& early, const MemoryLayout& layout) noexcept {
  constexpr StringRef kTooSmall = "not enough memory";
  if (!balloon_.create(early)) return kTooSmall;
  workload_ = create_workload(context_, early);
  if (context_.findings.any_complaint()) return context_.findings.complaint();
  if (workload_ == nullptr || !context_.zones.withhold_holes(layout)) return kTooSmall;
  return {};
}

void Guest::say_boot(const BootFacts& facts, PfnCount memory) noexcept {
  Event boot("boot");
  boot.text("loader", facts.loader).number("cpus", facts.cpus);
  boot.number("memory_kib", bytes(memory).raw / 1024).begin_list("zones");
  for (const Zone* const zone : context_.zones.all()) {
    boot.begin_object().number("first_pfn", zone->base().raw).number("frames", zone->size().raw).end_object();
  }
  boot.end_list().text("workload", context_.options.workload_word);
  boot.text("policy", context_.options.policy_word).say(machine_);
}

void Guest::start() noexcept {
  started_ = next_sample_ = machine_.now();
  balloon_.bind();
}

void Guest::begin(Turn turn) noexcept {
  arrived_.store(0, std::memory_order_relaxed);
  // release: pairs with the acquire in turn(); the other CPUs see what was prepared for the phase, and
  // arrived_ at 0.
  turn_.store(turn.raw, std::memory_order_release);
  for (std::uint32_t cpu = 1; cpu < context_.cpus; ++cpu) machine_.wake(cpu);
}

// A step of the CPU's share of the phase, unless it is done with it. `done`: the turn that it is done with.
Workload::Step Guest::share(std::uint32_t cpu, Turn turn, std::uint64_t* done) noexcept {
  if (*done == turn.number()) return Workload::Step::Done;
  const Workload::Step step = workload_->step(cpu, turn.phase());
  if (step != Workload::Step::Done) return step;
  *done = turn.number();
  context_.zones.drain(cpu);
  // acq_rel, pairs with the load in look_at_phase(): all that was done in the phase happened before the next.
  arrived_.fetch_add(1, std::memory_order_acq_rel);
  if (cpu != 0) machine_.wake(0);
  return step;
}

void Guest::look_at_phase(Turn turn) noexcept {
  // acquire: pairs with share(); what every CPU did in the phase is seen before the next one is prepared.
  if (arrived_.load(std::memory_order_acquire) != context_.cpus) return;
  const unsigned next = workload_->next(turn.phase());
  if (next != turn.phase()) begin(Turn::of(turn.number() + 1, next));
}

void Guest::sample(Nanoseconds now) noexcept {
  if (now < next_sample_) return;
  next_sample_ = now + context_.options.sample;
  const MemoryFigures figures = context_.zones.figures();
  Event("sample")
      .number("ms", (now - started_).raw / 1'000'000)
      .number("used_kib", bytes(figures.used).raw / 1024)
      .number("free_kib", bytes(figures.free).raw / 1024)
      .number("reported_kib", bytes(figures.reported).raw / 1024)
      .number("requests", balloon_.stats().requests)
      .say(machine_);
}

void Guest::sleep(Workload::Step step) noexcept {
  Nanoseconds until = machine_.now() + (step == Workload::Step::Later ? kLater : kLook);
  for (const Nanoseconds other : {worker_.port().next_deadline(), next_sample_}) {
    if (other < until) until = other;
  }
  // relaxed: a CPU that does not see it wakes nobody, and kLook passes.
  sleeping_.store(until.raw, std::memory_order_relaxed);
  machine_.wait(until);
  sleeping_.store(0, std::memory_order_relaxed);
}

bool Guest::run_first() noexcept {
  for (std::uint64_t done = 0;;) {
    worker_.run_if_due();
    balloon_.notice();
    sample(machine_.now());
    const Turn now = turn();
    if (now.phase() == Workload::kOver) return finish();
    const Workload::Step step = share(0, now, &done);
    if (step == Workload::Step::More) continue;
    if (step == Workload::Step::Done) look_at_phase(now);
    if (turn().number() == now.number()) sleep(step);
  }
}

bool Guest::run_other(std::uint32_t cpu) noexcept {
  std::uint64_t done = 0;
  for (Turn now = turn(); now.phase() != Workload::kOver; now = turn()) {
    const Workload::Step step = share(cpu, now, &done);
    worker_.serve();
    // What it freed may be due sooner than CPU 0 knows.
    if (worker_.port().next_deadline().raw < sleeping_.load(std::memory_order_relaxed)) machine_.wake(0);
    if (step == Workload::Step::More) continue;
    machine_.wait(machine_.now() + (step == Workload::Step::Later ? kLater : kOtherLook));
  }
  context_.zones.retire(cpu);
  retired_.fetch_add(1, std::memory_order_acq_rel);  // pairs with the load in finish()
  machine_.wake(0);
  // acquire: pairs with the release in finish(); this CPU stops after CPU 0 has said its last word.
  while (verdict_.load(std::memory_order_acquire) == Verdict::NotYet)
    machine_.wait(machine_.now() + kOtherLook);
  // acquire: pairs with finish(), as the load above.
  return verdict_.load(std::memory_order_acquire) == Verdict::Ok;
}

bool Guest::finish() noexcept {
  context_.zones.retire(0);
  // acquire: pairs with run_other(); the verdict is about all that the other CPUs did.
  while (retired_.load(std::memory_order_acquire) != context_.cpus - 1) {
    worker_.run_if_due();
    machine_.wait(machine_.now() + kLater);
  }
  balloon_.unbind();
  context_.zones.driver_cache().retire();
  sample(next_sample_);
  const bool ok = say_verdict(context_);
  // release: pairs with the acquire in run_other(); all that CPU 0 has to say is said.
  verdict_.store(ok ? Verdict::Ok : Verdict::Bad, std::memory_order_release);
  for (std::uint32_t cpu = 1; cpu < context_.cpus; ++cpu) machine_.wake(cpu);
  return ok;
}

namespace {

Guest* refuse(Machine& machine, StringRef why) {
  say_verdict(machine, why);
  return nullptr;
}

void say_unknown_words(Machine& machine, const CommandLine& line) {
  for (std::size_t i = 0; i < line.unknown_count; ++i) {
    FixedString<200> said("guest: a word that means nothing here: ");
    machine.write(said.put(line.unknown[i].first(120)).put('\n').text());
  }
}

void say_left_out(Machine& machine, PfnCount frames) {
  if (frames.raw == 0) return;
  FixedString<100> said("guest: left out of the memory map: ");
  machine.write(said.number(bytes(frames).raw / 1024).put(" KiB\n").text());
}

}  // namespace

Guest* create_guest(Machine& machine, const BootFacts& facts, const FoundDevice& device) noexcept {
  const CommandLine line = parse_command_line(facts.command_line);
  say_unknown_words(machine, line);
  if (!line.error.empty()) {
    FixedString<300> why("bad command line: ");
    return refuse(machine, why.put(line.error.text()).text());
  }
  constexpr StringRef kTooSmall = "not enough memory";
  MemoryLayout layout(facts.usable, facts.taken);
  GuestZones::leave_out_far_pieces(layout, facts.cpus);
  say_left_out(machine, layout.left_out());
  const PfnCount memory = layout.total();
  EarlyMemory early(machine, layout);
  const std::span<CpuLevel> levels = early.take_array<CpuLevel>(facts.cpus);
  const std::span<std::byte> arena = early.take_bytes(BalloonBinding::arena_size(line.options));
  if (levels.empty() || arena.empty()) return refuse(machine, kTooSmall);
  Ground* const ground = early.make<Ground>(machine, line.options, levels, arena);
  if (ground == nullptr || !ground->zones.create(ground->worker.port(), early, layout, facts.cpus))
    return refuse(machine, kTooSmall);
  Guest* const guest = early.make<Guest>(*ground, facts, device, layout.total());
  if (guest == nullptr) return refuse(machine, kTooSmall);
  if (const StringRef why = guest->create(early, layout); !why.empty()) return refuse(machine, why);
  guest->say_boot(facts, memory);
  guest->start();
  return guest;
}

bool run_cpu(Guest& guest, std::uint32_t cpu) noexcept {
  return cpu == 0 ? guest.run_first() : guest.run_other(cpu);
}

}  // namespace fallow::guest
