#include "cli/replay/replay_json.h"

#include <nlohmann/json.hpp>

#include "cli/replay/replay_options.h"
#include "cli/term/format.h"

namespace fallow::cli {
namespace {

using Json = nlohmann::ordered_json;

Json or_null(bool known, double value) { return known ? Json(value) : Json(nullptr); }

void add_settings(const replay::ReplayOptions& options, const replay::ReplayResult& result, Json* json) {
  (*json)["trace"] = options.trace;
  (*json)["policy"] = policy_name(options);
  (*json)["order"] = options.order.raw;
  (*json)["capacity"] = options.capacity;
  (*json)["hwm"] = options.policy.threshold;
  (*json)["backing"] = backing_name(options.backing);
  (*json)["memory_mib"] = to_mib(result.memory);
}

void add_figures(const replay::ReplayResult& result, Json* json) {
  (*json)["events"] = result.events;
  (*json)["allocs"] = result.allocs;
  (*json)["frees"] = result.frees;
  (*json)["unmatched_frees"] = result.unmatched_frees;
  (*json)["failed_allocs"] = result.failed_allocs;
  (*json)["duration_s"] = result.duration_s;
  (*json)["mean_used_mib"] = result.mean_used_mib;
  (*json)["peak_used_mib"] = result.peak_used_mib;
  (*json)["mean_resident_mib"] = result.mean_resident_mib;
  (*json)["peak_resident_mib"] = result.peak_resident_mib;
  (*json)["end_used_mib"] = result.end_used_mib;
  (*json)["end_resident_mib"] = result.end_resident_mib;
  (*json)["excess_gib_s"] = result.excess_gib_s;
  (*json)["reported_mib"] = result.reported_mib;
  (*json)["refaulted_mib"] = result.refaulted_mib;
  (*json)["requests"] = result.requests;
  (*json)["entries"] = result.entries;
  (*json)["report_seconds"] = result.report_seconds;
  (*json)["corrupted_frames"] = result.corrupted_frames;
  (*json)["wall_seconds"] = result.wall_seconds;
}

void add_details(const ReplayReport& report, Json* json) {
  const replay::ReplayResult& result = report.result;
  const bool compared = report.options.compare_linux;
  (*json)["implied_frees"] = result.implied_frees;
  (*json)["refused_frees"] = result.refused_frees;
  (*json)["bad_lines"] = result.bad_lines;
  (*json)["lost_events"] = result.lost_events;
  (*json)["report_failures"] = result.report_failures;
  (*json)["broken_invariant"] =
      result.broken_invariant != nullptr ? Json(result.broken_invariant) : Json(nullptr);
  (*json)["linux_mean_resident_mib"] = or_null(compared, result.linux_mean_resident_mib);
  (*json)["linux_end_resident_mib"] = or_null(compared, result.linux_end_resident_mib);
  (*json)["linux_excess_gib_s"] = or_null(compared, result.linux_excess_gib_s);
  (*json)["linux_refaulted_mib"] = or_null(compared, result.linux_refaulted_mib);
  (*json)["stopped"] = result.stopped;
}

void add_wire(const ReplayReport& report, Json* json) {
  const replay::BalloonOptions& wire = report.options.balloon;
  const replay::BalloonCounts& counts = report.result.balloon;
  const auto virtio_only = [&](auto value) { return wire.virtio() ? Json(value) : Json(nullptr); };
  (*json)["transport"] = transport_name(wire.transport);
  (*json)["event_index"] = virtio_only(wire.event_index);
  (*json)["indirect"] = virtio_only(wire.indirect);
  (*json)["queue_size"] = virtio_only(wire.queue_size);
  (*json)["in_flight"] = virtio_only(wire.in_flight);
  (*json)["init_reported"] = virtio_only(wire.init_reported);
  (*json)["notifications_to_device"] = counts.to_device;
  (*json)["notifications_to_driver"] = counts.to_driver;
  (*json)["descriptors"] = counts.descriptors;
  (*json)["refused"] = counts.refused;
  (*json)["device_resets"] = counts.resets;
  (*json)["disturbances"] = report.result.disturbances;
}

void add_reading(const ReplayReport& report, Json* json) {
  const replay::ReplayResult& result = report.result;
  (*json)["page_size_kib"] = (1U << report.options.page.raw) / 1024;
  (*json)["odd_lines"] = result.odd_lines;
  (*json)["uncounted_losses"] = result.uncounted_losses;
  (*json)["late_events"] = result.late_events;
}

}  // namespace

std::string replay_json(const ReplayReport& report) {
  Json json;
  add_settings(report.options, report.result, &json);
  add_figures(report.result, &json);
  add_details(report, &json);
  add_wire(report, &json);
  add_reading(report, &json);
  // A path may not be UTF-8. Invalid bytes are replaced; otherwise dump() would throw.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace fallow::cli
