#include "cli/boot/boot_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/boot/launch/boot_arguments.h"
#include "cli/term/format.h"

namespace fallow::cli {
namespace {

using Json = nlohmann::ordered_json;

template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json or_null(const std::optional<Nanoseconds>& time) {
  return time ? Json(to_seconds(*time)) : Json(nullptr);
}

void add_settings(const BootRequest& request, Json* json) {
  (*json)["guest"] = guest_name(request.guest);
  (*json)["machine"] = machine_name(request.machine);
  (*json)["memory_mib"] = to_mib(request.memory);
  (*json)["smp"] = request.cpus;
  (*json)["packed"] = request.packed;
  (*json)["indirect"] = request.indirect;
  (*json)["event_index"] = request.event_index;
  (*json)["accel"] = accelerator_name(request.accelerator);
  (*json)["workload"] = workload_name(request.workload);
  (*json)["policy"] = policy_name(request);
  (*json)["order"] = request.order.raw;
  (*json)["seed"] = request.seed;
}

void add_measure(const BootRun& run, Json* json) {
  const std::optional<BootMeasure> measured = measure_of(run);
  const auto figure = [&](auto member) { return measured ? Json((*measured).*member) : Json(nullptr); };
  const auto time = [&](auto member) { return measured ? or_null((*measured).*member) : Json(nullptr); };
  (*json)["filled_mib"] = or_null(run.filled_mib);
  (*json)["top_mib"] = figure(&BootMeasure::top_mib);
  (*json)["low_mib"] = figure(&BootMeasure::low_mib);
  (*json)["t05_s"] = time(&BootMeasure::t05_s);
  (*json)["t50_s"] = time(&BootMeasure::t50_s);
  (*json)["t95_s"] = time(&BootMeasure::t95_s);
  (*json)["excess_gib_s"] = figure(&BootMeasure::excess_gib_s);
}

void add_times(const BootTimes& times, Json* json) {
  (*json)["boot_s"] = or_null(times.started);
  (*json)["registered_s"] = or_null(times.registered);
  (*json)["first_report_s"] = or_null(times.first_report);
  (*json)["filled_s"] = or_null(times.filled);
  (*json)["freeing_s"] = or_null(times.freeing);
  (*json)["freed_s"] = or_null(times.freed);
  (*json)["end_s"] = to_seconds(times.end);
}

void add_figures(const BootRun& run, Json* json) {
  const GuestVerdict figures = run.verdict.value_or(GuestVerdict{});
  (*json)["requests"] = or_null(figures.requests);
  (*json)["entries"] = or_null(figures.entries);
  (*json)["reported_mib"] = or_null(figures.reported_mib);
  (*json)["failures"] = or_null(figures.failures);
  (*json)["refused"] = run.refused;
  (*json)["corrupted_frames"] = or_null(figures.corrupted_frames);
  (*json)["failed_allocations"] = or_null(figures.failed_allocations);
  (*json)["allocations"] = or_null(figures.allocations);
  (*json)["frees"] = or_null(figures.frees);
  (*json)["rebinds"] = or_null(figures.rebinds);
  (*json)["zone_check"] = figures.zone_check.empty() ? Json(nullptr) : Json(figures.zone_check);
}

void add_device(const BootRun& run, Json* json) {
  const GuestDevice device = run.device.value_or(GuestDevice{});
  const auto text = [](const std::string& word) { return word.empty() ? Json(nullptr) : Json(word); };
  (*json)["loader"] = text(run.started.value_or(GuestStarted{}).loader);
  (*json)["bus"] = text(device.bus);
  (*json)["place"] = text(device.place);
  (*json)["interrupts"] = text(device.interrupts);
  (*json)["features"] = text(device.features);
  (*json)["ring"] = text(device.ring);
}

}  // namespace

std::string boot_json(const BootRequest& request, const BootRun& run) {
  Json json;
  add_settings(request, &json);
  add_measure(run, &json);
  add_times(run.times, &json);
  add_figures(run, &json);
  add_device(run, &json);
  json["samples"] = run.samples.size();
  json["damaged_lines"] = run.damaged_lines;
  json["stopped"] = run.end == BootEnd::Stopped;
  json["verdict"] = verdict_of(request, run);
  // Text from the guest may not be UTF-8. Invalid bytes are replaced; otherwise dump() would throw.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string boot_csv(const BootRun& run) {
  std::string text = "time_s,resident_mib,guest_used_mib,guest_free_mib,guest_reported_mib,requests\n";
  const auto mib = [](std::uint64_t kib) { return static_cast<double>(kib) / 1024; };
  for (const BootSample& sample : run.samples)
    text += fmt::format("{:.6f},{:.3f},{:.3f},{:.3f},{:.3f},{}\n", to_seconds(sample.time),
                        to_mib(sample.resident), mib(sample.guest.used_kib), mib(sample.guest.free_kib),
                        mib(sample.guest.reported_kib), sample.guest.requests);
  return text;
}

}  // namespace fallow::cli
