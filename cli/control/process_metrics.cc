#include "cli/control/process_metrics.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <optional>
#include <string>

namespace fallow::cli {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

double seconds_of(clockid_t clock) {
  constexpr double kNano = 1e-9;
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * kNano;
}

// statm has the sizes in pages: all, resident, ...
std::optional<double> resident_bytes(int statm) {
  std::array<char, 128> text{};
  unsigned long all = 0, resident = 0;
  if (pread(statm, text.data(), text.size() - 1, 0) <= 0) return {};
  if (std::sscanf(text.data(), "%lu %lu", &all, &resident) != 2) return {};
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

MetricFamily family(const char* name, const char* help, MetricType type, double value) {
  MetricFamily made;
  made.name = name;
  made.help = help;
  made.type = type;
  auto& metric = made.metric.emplace_back();
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return made;
}

}  // namespace

ProcessMetrics::ProcessMetrics()
    : memory_(open("/proc/self/statm", O_RDONLY | O_CLOEXEC)), started_(seconds_of(CLOCK_REALTIME)) {}

ProcessMetrics::~ProcessMetrics() {
  if (memory_ >= 0) close(memory_);
}

std::vector<MetricFamily> ProcessMetrics::families() const {
  std::vector<MetricFamily> all;
  all.push_back(family("fallow_build_info",
                       "1, with the version of the program and the compiler that built it.",
                       MetricType::Gauge, 1));
  all.back().metric.front().label = {{"version", FALLOW_VERSION}, {"compiler", __VERSION__}};
  all.push_back(family("process_cpu_seconds_total", "Processor time of the process that serves the metrics.",
                       MetricType::Counter, seconds_of(CLOCK_PROCESS_CPUTIME_ID)));
  if (const auto resident = resident_bytes(memory_))
    all.push_back(family("process_resident_memory_bytes",
                         "Resident memory of the process that serves the metrics.", MetricType::Gauge,
                         *resident));
  all.push_back(family("process_start_time_seconds",
                       "Start of the process that serves the metrics, in seconds since 1970.",
                       MetricType::Gauge, started_));
  return all;
}

}  // namespace fallow::cli
