#include "guest/kernel/verdict.h"

#include "fallow/zone/zone_check.h"
#include "guest/kernel/event.h"
#include "guest/protocol/event_names.h"

namespace fallow::guest {
namespace {

// Returns "ok", or the violated invariant and the frame.
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

// Returns the most severe error, or "ok".
Sentence judge(const Context& context, const MemoryFigures& figures, StringRef zones) {
  const GuestErrors& errors = context.errors;
  const ReportingStats stats = context.balloon.stats();
  Sentence s;
  if (errors.corrupted_frames() != 0) {
    return s.number(errors.corrupted_frames())
        .put(" corrupted frames, the first is ")
        .hex(errors.first_corrupted().raw);
  }
  if (!(zones == "ok")) return s.put("zone_check: ").put(zones);
  if (figures.misuses != 0) return s.number(figures.misuses).put(" frees were refused");
  if (figures.used.raw != 0) return s.number(figures.used.raw).put(" frames were lost");
  if (!errors.error_text().empty()) return s.put(errors.error_text());
  if (!context.balloon.error_text().empty()) return s.put(context.balloon.error_text());
  if (errors.failed_allocations() != 0)
    return s.number(errors.failed_allocations()).put(" allocations failed");
  if (stats.failures != 0) return s.number(stats.failures).put(" requests failed");
  if (context.options.policy.kind != PolicyKind::None && stats.requests == 0)
    return s.put("nothing was reported");
  return s.put("ok");
}

}  // namespace

bool write_verdict(Context& context) noexcept {
  const Sentence zones = check_zones(context.zones);
  const MemoryFigures figures = context.zones.figures();
  const Sentence verdict = judge(context, figures, zones.text());
  const ReportingStats stats = context.balloon.stats();
  Event(event_name::kVerdict)
      .text("verdict", verdict.text())
      .number("requests", stats.requests)
      .number("entries", stats.entries)
      .number("reported_mib", bytes(stats.reported).raw >> 20)
      .number("failures", stats.failures)
      .number("corrupted_frames", context.errors.corrupted_frames())
      .number("failed_allocations", context.errors.failed_allocations())
      .number("refused", figures.misuses)
      .number("rebinds", context.balloon.rebinds())
      .text("zone_check", zones.text())
      .number("allocations", context.zones.allocations())
      .number("frees", context.zones.frees())
      .number("refaults", figures.refaults.raw)
      .write_to(context.machine);
  return verdict.text() == "ok";
}

void write_verdict(Machine& machine, StringRef why) noexcept {
  Event(event_name::kVerdict).text("verdict", why).write_to(machine);
}

}  // namespace fallow::guest
