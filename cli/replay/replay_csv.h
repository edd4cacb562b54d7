// The time series of a replay as comma-separated values.
#pragma once

#include <string>

#include "cli/term/output_file.h"
#include "replay/replay.h"

namespace fallow::cli {

// Writes the names of the columns, then a row for each sample. Failures to write show when the file is
// closed.
class ReplayCsv final : public replay::ReplayObserver {
 public:
  // `compared`: the samples say what `linux` would hold; otherwise that column is empty.
  ReplayCsv(OutputFile& file, bool compared);

  void sample(const replay::ReplaySample& sample) override;
  void scanning(double /*fraction*/) override {}

 private:
  OutputFile& file_;
  bool compared_;
};

}  // namespace fallow::cli
