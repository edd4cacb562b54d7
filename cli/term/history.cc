#include "cli/term/history.h"

#include <algorithm>

#include "cli/term/format.h"

namespace fallow::cli {
namespace {

HistoryPoint& operator+=(HistoryPoint& to, const HistoryPoint& more) {
  to.used += more.used;
  to.resident += more.resident;
  to.linux += more.linux;
  return to;
}

}  // namespace

void History::add(Nanoseconds time, const HistoryPoint& point) {
  while (index(time) >= kSpans) double_width();
  Span& span = spans_.at(index(time));
  span.sum += point;
  ++span.samples;
  highest_ = std::max({highest_, point.used, point.resident, point.linux});
  last_ = time;
  empty_ = false;
}

void History::double_width() {
  for (std::size_t i = 0; i < kSpans / 2; ++i) {
    Span merged = spans_.at(2 * i);
    merged.sum += spans_.at(2 * i + 1).sum;
    merged.samples += spans_.at(2 * i + 1).samples;
    spans_.at(i) = merged;
  }
  std::fill(spans_.begin() + kSpans / 2, spans_.end(), Span{});
  width_.raw *= 2;
}

std::optional<HistoryPoint> History::average(Nanoseconds begin, Nanoseconds end) const {
  if (empty_ || begin > last_) return {};
  const std::size_t last = std::min(index(std::max(begin, end)), kSpans - 1);
  Span all;
  // If no span in the range was sampled, continue back to the last one that was.
  for (std::size_t i = last + 1; i-- > 0 && (i >= index(begin) || all.samples == 0);) {
    all.sum += spans_.at(i).sum;
    all.samples += spans_.at(i).samples;
  }
  if (all.samples == 0) return {};
  const double share = 1.0 / all.samples;
  return HistoryPoint{all.sum.used * share, all.sum.resident * share, all.sum.linux * share};
}

}  // namespace fallow::cli
