#include "tests/explore/programs/shrink.h"

#include <algorithm>

#include "tests/explore/programs/program_run.h"

namespace fallow::explore {
namespace {

class Shrinker {
 public:
  Shrinker(FailingProgram failing, std::uint64_t seed, std::uint64_t schedules)
      : best_(std::move(failing)), kind_(kind_of(best_.findings.what)), seed_(seed), schedules_(schedules) {}

  FailingProgram run() {
    Limits sequential = best_.limits;
    sequential.weak = false;
    sequential.stale_reads = 0;
    if (best_.limits.weak) try_with(best_.program, sequential);
    for (bool smaller = true; smaller;) {
      const std::size_t before = changes_;
      drop_threads();
      drop_operations();
      simplify_zone();
      simplify_reporting();
      simplify_operations();
      smaller = changes_ != before;
    }
    simplify_schedule();
    return best_;
  }

 private:
  bool try_with(const Program& candidate, const Limits& limits) {
    Findings found = run_random(candidate, limits, seed_, schedules_);
    if (!same(found)) {
      Limits few = limits;
      few.preemptions = 2;
      few.stale_reads = std::min(limits.stale_reads, 1U);
      found = run_all(candidate, few, 4 * schedules_);
    }
    if (!same(found)) return false;
    best_ = {candidate, limits, found};
    ++changes_;
    return true;
  }
  bool same(const Findings& found) const { return found.failed && kind_of(found.what) == kind_; }

  // `change` turns a copy into a candidate. Returns false if there is nothing to change.
  template <class Change>
  bool attempt(Change change) {
    Program candidate = best_.program;
    return change(candidate) && try_with(candidate, best_.limits);
  }

  void drop_threads() {
    for (unsigned t = 0; t < best_.program.threads.size();) {
      if (!attempt([t](Program& p) { return without_thread(p, t); })) ++t;
    }
  }

  // The other threads move up.
  static bool without_thread(Program& p, unsigned thread) {
    if (p.threads.size() < 2) return false;
    p.threads.erase(p.threads.begin() + thread);
    std::erase_if(p.before, [=](const Before& b) { return b.thread == thread; });
    for (Before& b : p.before) b.thread -= b.thread > thread ? 1 : 0;
    const unsigned nobody = static_cast<unsigned>(p.threads.size());
    for (unsigned& owner : p.owners) owner = owner == thread ? nobody : owner - (owner > thread ? 1 : 0);
    return true;
  }

  void drop_operations() {
    for (std::size_t i = 0; i < best_.program.before.size();) {
      const bool dropped = attempt([i](Program& p) {
        p.before.erase(p.before.begin() + static_cast<std::ptrdiff_t>(i));
        return true;
      });
      if (!dropped) ++i;
    }
    for (std::size_t t = 0; t < best_.program.threads.size(); ++t) {
      for (std::size_t i = 0; i < best_.program.threads[t].size();) {
        const bool dropped = attempt([=](Program& p) {
          p.threads[t].erase(p.threads[t].begin() + static_cast<std::ptrdiff_t>(i));
          return true;
        });
        if (!dropped) ++i;
      }
    }
  }

  // Replaces a value by one that is considered simpler.
  template <class Member, class Value>
  bool set(Member member, Value value) {
    return attempt([&](Program& p) {
      auto& at = member(p);
      if (at == value) return false;
      at = value;
      return true;
    });
  }

  void simplify_zone() {
    set(
        [](Program & p) -> auto& { return p.zone.base.raw; }, std::uint64_t{0});
    for (const std::uint64_t size : {std::uint64_t{64}, std::uint64_t{512}, std::uint64_t{1024}}) {
      if (size < best_.program.zone.frames.raw &&
          set(
              [](Program & p) -> auto& { return p.zone.frames.raw; }, size))
        break;
    }
    for (std::size_t h = 0; h < best_.program.withheld.size();) {
      const bool dropped = attempt([h](Program& p) {
        p.withheld.erase(p.withheld.begin() + static_cast<std::ptrdiff_t>(h));
        return true;
      });
      if (!dropped) ++h;
    }
    attempt([](Program& p) {
      if (p.zone.caches < 2) return false;
      --p.zone.caches;
      p.owners.resize(p.zone.caches);
      return true;
    });
  }

  void simplify_reporting() {
    attempt([](Program& p) {
      if (p.policies.empty()) return false;
      p.policies.pop_back();
      return true;
    });
    for (std::size_t i = 0; i < best_.program.policies.size(); ++i)
      set(
          [i](Program & p) -> auto& { return p.policies[i].parameter; }, 1U);
    set(
        [](Program & p) -> auto& { return p.device.capacity; }, 1U);
    set(
        [](Program & p) -> auto& { return p.device.depth; }, 1U);
    set(
        [](Program & p) -> auto& { return p.device.promise; }, Content::Unknown);
    shorten([](Program & p) -> auto& { return p.device.answers; });
    shorten([](Program & p) -> auto& { return p.device.completions; });
  }

  template <class Member>
  void shorten(Member member) {
    while (attempt([&](Program& p) {
      if (member(p).empty()) return false;
      member(p).pop_back();
      return true;
    })) {
    }
    for (std::size_t i = 0; i < member(best_.program).size(); ++i)
      set(
          [&](Program & p) -> auto& { return member(p)[i]; }, Status::Ok);
  }

  void simplify_operations() {
    for (std::size_t i = 0; i < best_.program.before.size(); ++i)
      simplify([i](Program& p) -> Operation& { return p.before[i].operation; });
    for (std::size_t t = 0; t < best_.program.threads.size(); ++t) {
      for (std::size_t i = 0; i < best_.program.threads[t].size(); ++i)
        simplify([=](Program& p) -> Operation& { return p.threads[t][i]; });
    }
  }

  template <class Get>
  void simplify(Get get) {
    for (unsigned a = 0; a < argument_count(get(best_.program).kind); ++a) {
      const std::uint32_t now = get(best_.program).arguments[a];
      // For statuses only Ok is simpler.
      const unsigned values = get(best_.program).kind == Operation::Kind::Complete ? 1 : 2;
      for (std::uint32_t value = 0; value < values; ++value) {
        if (value < now && set(
                               [&](Program & p) -> auto& { return get(p).arguments[a]; }, value))
          break;
      }
    }
  }

  // Finds the fewest preemptions that still fail.
  void simplify_schedule() {
    for (unsigned bound = 0; bound <= 3; ++bound) {
      for (unsigned stale = 0; stale <= (best_.limits.weak ? 2U : 0U); ++stale) {
        Limits limits = best_.limits;
        limits.preemptions = bound;
        limits.stale_reads = stale;
        const Findings found = run_all(best_.program, limits, 100 * schedules_);
        if (!same(found)) continue;
        best_ = {best_.program, limits, found};
        return;
      }
    }
  }

  FailingProgram best_;
  const std::string kind_;
  const std::uint64_t seed_, schedules_;
  std::size_t changes_ = 0;
};

}  // namespace

FailingProgram shrink(FailingProgram failing, std::uint64_t seed, std::uint64_t schedules) {
  return Shrinker(std::move(failing), seed, schedules).run();
}

}  // namespace fallow::explore
