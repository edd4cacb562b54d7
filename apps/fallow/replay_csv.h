// The time series of a replay as comma-separated values.
#pragma once

#include <string>

#include "apps/fallow/output_file.h"
#include "fallow/trace/replay.h"

namespace fallow {

// Writes the names of the columns, then a row for each sample. Failures to write show when the file is
// closed.
class ReplayCsv final : public ReplayObserver {
 public:
  // `compared`: the samples say what `linux` would hold; otherwise that column is empty.
  ReplayCsv(OutputFile& file, bool compared);

  void sample(const ReplaySample& sample) override;
  void scanning(double /*fraction*/) override {}

 private:
  OutputFile& file_;
  bool compared_;
};

}  // namespace fallow
