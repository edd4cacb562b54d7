#include "cli/boot/boot_measure.h"

#include <algorithm>

#include "cli/term/format.h"

namespace fallow::cli {
namespace {

std::span<const BootSample> between(std::span<const BootSample> samples, Nanoseconds from, Nanoseconds to) {
  const auto earlier = [](const BootSample& sample, Nanoseconds time) { return sample.time < time; };
  const auto later = [](Nanoseconds time, const BootSample& sample) { return time < sample.time; };
  const auto begin = std::lower_bound(samples.begin(), samples.end(), from, earlier);
  const auto end = std::upper_bound(begin, samples.end(), to, later);
  return {begin, end};
}

double mib_of(const BootSample& sample) { return to_mib(sample.resident); }

// Returns the time of the first sample of at most `mib`, in seconds after `freeing`.
std::optional<double> reached(std::span<const BootSample> after, Nanoseconds freeing, double mib) {
  for (const BootSample& sample : after)
    if (mib_of(sample) <= mib) return to_seconds(sample.time - freeing);
  return {};
}

// Integrates by the trapezoid rule, in MiB s.
double area_above(std::span<const BootSample> samples, double low_mib) {
  double area = 0;
  for (std::size_t i = 1; i < samples.size(); ++i) {
    const double width = to_seconds(samples[i].time - samples[i - 1].time);
    area += ((mib_of(samples[i]) + mib_of(samples[i - 1])) / 2 - low_mib) * width;
  }
  return area;
}

}  // namespace

std::optional<BootMeasure> measure(std::span<const BootSample> samples, Nanoseconds filled,
                                   Nanoseconds freeing, Nanoseconds end) {
  const auto less = [](const BootSample& a, const BootSample& b) { return a.resident < b.resident; };
  const auto before = between(samples, filled, freeing);
  const auto after = between(samples, freeing, end);
  if (before.empty() || after.empty()) return {};
  BootMeasure result;
  result.top_mib = mib_of(*std::max_element(before.begin(), before.end(), less));
  result.low_mib = mib_of(*std::min_element(after.begin(), after.end(), less));
  result.excess_gib_s = area_above(after, result.low_mib) / 1024;
  const double fall = result.top_mib - result.low_mib;
  if (fall <= 0) return result;
  result.t05_s = reached(after, freeing, result.top_mib - 0.05 * fall);
  result.t50_s = reached(after, freeing, result.top_mib - 0.50 * fall);
  result.t95_s = reached(after, freeing, result.top_mib - 0.95 * fall);
  return result;
}

}  // namespace fallow::cli
