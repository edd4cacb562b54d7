#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cli/replay/summary.h"
#include "cli/term/format.h"

namespace fallow::cli {
namespace {

struct Row {
  std::string name, own, linux;
};

std::string format_excess(double gib_s) { return fmt::format("{:.2f} GiB s", gib_s); }

std::string over_used(double resident, double used) {
  return used > 0 ? fmt::format("{:.2f}", resident / used) : "-";
}

std::string events_a_second(const replay::ReplayResult& result) {
  if (result.wall_seconds <= 0) return "-";
  return format_count(static_cast<std::uint64_t>(static_cast<double>(result.events) / result.wall_seconds));
}

std::vector<Row> rows_of(const ReplayReport& report) {
  const replay::ReplayResult& r = report.result;
  std::vector<Row> rows = {
      {"mean resident", format_mib(r.mean_resident_mib), format_mib(r.linux_mean_resident_mib)},
      {"  of mean used", over_used(r.mean_resident_mib, r.mean_used_mib),
       over_used(r.linux_mean_resident_mib, r.mean_used_mib)},
      {"resident at the end", format_mib(r.end_resident_mib), format_mib(r.linux_end_resident_mib)},
      {"excess (resident, not used)", format_excess(r.excess_gib_s), format_excess(r.linux_excess_gib_s)},
      {"given back and used again", format_mib(r.refaulted_mib), format_mib(r.linux_refaulted_mib)},
      {"given back in all", format_mib(r.reported_mib), ""},
      {"peak used", format_mib(r.peak_used_mib), ""},
      {"peak resident", format_mib(r.peak_resident_mib), ""},
      {"zone", format_mib(to_mib(r.memory)), ""},
      {"requests", format_count(r.requests), ""},
      {"entries", format_count(r.entries), ""},
      {"time spent giving back", format_seconds(r.report_seconds), ""},
      {"allocations", format_count(r.allocs), ""},
      {"frees", format_count(r.frees), ""}};
  if (report.options.balloon.virtio()) {
    rows.push_back({"descriptors", format_count(r.balloon.descriptors), ""});
    rows.push_back({"notifications to the device", format_count(r.balloon.to_device), ""});
    rows.push_back({"notifications to the driver", format_count(r.balloon.to_driver), ""});
    rows.push_back({"refused by the device", format_count(r.balloon.refused), ""});
  }
  if (r.balloon.resets != 0) rows.push_back({"resets of the device", format_count(r.balloon.resets), ""});
  if (report.options.disturb.raw != 0) rows.push_back({"disturbances", format_count(r.disturbances), ""});
  if (report.options.verify) rows.push_back({"frames corrupted", format_count(r.corrupted_frames), ""});
  rows.push_back({"replayed in", format_seconds(r.wall_seconds), ""});
  rows.push_back({"events a second", events_a_second(r), ""});
  return rows;
}

}  // namespace

std::string summary_table(const ReplayReport& report) {
  const bool compared = compared_with_linux(report.options);
  std::vector<Row> rows = rows_of(report);
  if (compared) rows.insert(rows.begin(), {"", "this replay", "linux"});
  std::size_t name_width = 0, own_width = 0, linux_width = 0;
  for (const Row& row : rows) {
    name_width = std::max(name_width, row.name.size());
    own_width = std::max(own_width, row.own.size());
    linux_width = std::max(linux_width, row.linux.size());
  }
  std::string table;
  for (const Row& row : rows) {
    table += fmt::format("{:<{}}  {:>{}}", row.name, name_width, row.own, own_width);
    if (compared && !row.linux.empty()) table += fmt::format("  {:>{}}", row.linux, linux_width);
    table += '\n';
  }
  return table;
}

}  // namespace fallow::cli
