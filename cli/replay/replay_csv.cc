#include "cli/replay/replay_csv.h"

#include <fmt/format.h>

#include "cli/term/format.h"

namespace fallow::cli {

ReplayCsv::ReplayCsv(OutputFile& file, bool compared) : file_(file), compared_(compared) {
  file_.write(
      "time_s,used_mib,free_mib,reported_mib,resident_mib,reported_ever_mib,refaulted_mib,requests,"
      "linux_resident_mib\n");
}

void ReplayCsv::sample(const replay::ReplaySample& sample) {
  const std::string linux = compared_ ? fmt::format("{:.3f}", to_mib(sample.linux_resident)) : "";
  file_.write(fmt::format("{:.6f},{:.3f},{:.3f},{:.3f},{:.3f},{:.3f},{:.3f},{},{}\n", to_seconds(sample.time),
                          to_mib(sample.used), to_mib(sample.free), to_mib(sample.reported),
                          to_mib(sample.resident), to_mib(sample.reported_ever), to_mib(sample.refaulted),
                          sample.requests, linux));
}

}  // namespace fallow::cli
