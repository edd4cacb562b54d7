// The time series of a replay as comma-separated values.
#pragma once

#include <string>

#include "cli/term/output_file.h"
#include "replay/replay.h"

namespace fallow::cli {

// Writes a header with the names of the columns, and a row for each sample. OutputFile::close() reports
// failures to write.
class ReplayCsv final : public replay::ReplayObserver {
 public:
  // `compared`: the samples include the model of `linux`; otherwise that column stays empty.
  ReplayCsv(OutputFile& file, bool compared);

  void sample(const replay::ReplaySample& sample) override;
  void scanning(double /*fraction*/) override {}

 private:
  OutputFile& file_;
  bool compared_;
};

}  // namespace fallow::cli
