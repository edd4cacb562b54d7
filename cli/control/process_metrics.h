// Metrics of the program and of the process that serves the metrics.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

namespace fallow::cli {

// Reads the figures of the calling process. Opens its file at construction, before the process enters its
// sandbox; a figure that cannot be read is left out.
class ProcessMetrics {
 public:
  ProcessMetrics();
  ~ProcessMetrics();
  ProcessMetrics(const ProcessMetrics&) = delete;
  ProcessMetrics& operator=(const ProcessMetrics&) = delete;

  // fallow_build_info, process_cpu_seconds_total, process_resident_memory_bytes and
  // process_start_time_seconds. Any thread.
  std::vector<prometheus::MetricFamily> families() const;

 private:
  int memory_ = -1;  // /proc/self/statm
  double started_ = 0;
};

}  // namespace fallow::cli
