#include "guest/kernel/verdict.h"

#include "fallow/zone/zone_check.h"
#include "guest/kernel/event.h"

namespace fallow::guest {
namespace {

// "ok", or the invariant that does not hold, and where.
Sentence check_zones(const GuestZones& zones) {
  Sentence said;
  for (const Zone* const zone : zones.all()) {
    const Violation violation = zone_check(*zone);
    if (violation.none()) continue;
    said.put(violation.invariant).put(", at frame ").hex(violation.where.raw);
    return said;
  }
  return said.put("ok");
}

// The first thing that is wrong, the worst first.
Sentence judge(const Context& context, const MemoryFigures& figures, StringRef zones) {
  const GuestErrors& findings = context.findings;
  const ReportingStats stats = context.balloon.stats();
  Sentence s;
  if (findings.corrupted_frames() != 0) {
    return s.number(findings.corrupted_frames())
        .put(" corrupted frames, the first is ")
        .hex(findings.first_corrupted().raw);
  }
  if (!(zones == "ok")) return s.put("zone_check: ").put(zones);
  if (figures.misuses != 0) return s.number(figures.misuses).put(" frees were refused");
  if (figures.used.raw != 0) return s.number(figures.used.raw).put(" frames were lost");
  if (!findings.complaint().empty()) return s.put(findings.complaint());
  if (!context.balloon.complaint().empty()) return s.put(context.balloon.complaint());
  if (findings.failed_allocations() != 0)
    return s.number(findings.failed_allocations()).put(" allocations failed");
  if (stats.failures != 0) return s.number(stats.failures).put(" requests failed");
  if (context.options.policy != PolicyKind::None && stats.requests == 0) return s.put("nothing was reported");
  return s.put("ok");
}

}  // namespace

bool say_verdict(Context& context) noexcept {
  const Sentence zones = check_zones(context.zones);
  const MemoryFigures figures = context.zones.figures();
  const Sentence verdict = judge(context, figures, zones.text());
  const ReportingStats stats = context.balloon.stats();
  Event("verdict")
      .text("verdict", verdict.text())
      .number("requests", stats.requests)
      .number("entries", stats.entries)
      .number("reported_mib", bytes(stats.reported).raw >> 20)
      .number("failures", stats.failures)
      .number("corrupted_frames", context.findings.corrupted_frames())
      .number("failed_allocations", context.findings.failed_allocations())
      .number("refused", figures.misuses)
      .number("rebinds", context.balloon.rebinds())
      .text("zone_check", zones.text())
      .number("allocations", context.zones.allocations())
      .number("frees", context.zones.frees())
      .number("refaults", figures.refaults.raw)
      .say(context.machine);
  return verdict.text() == "ok";
}

void say_verdict(Machine& machine, StringRef why) noexcept {
  Event("verdict").text("verdict", why).say(machine);
}

}  // namespace fallow::guest
