#include "cli/control/metrics_families.h"

#include <functional>
#include <utility>

#include "cli/control/control_answer.h"
#include "cli/control/control_names.h"

namespace fallow::cli {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

double as_double(std::uint64_t n) { return static_cast<double>(n); }
double seen(bool b) { return b ? 1 : 0; }

// Collects families, each with a metric for every guest.
class Families {
 public:
  Families(std::span<const vhost::GuestSnapshot> guests, std::span<const std::string> sockets)
      : guests_(guests), sockets_(sockets) {}

  using Value = double (*)(const vhost::GuestSnapshot&);
  void gauge(const char* name, const char* help, Value value) { add(name, help, MetricType::Gauge, value); }
  void counter(const char* name, const char* help, Value value) {
    add(name, help, MetricType::Counter, value);
  }

  // Adds several metrics a guest, distinguished by a label: `each` calls its argument with a label and a
  // value.
  using Emit = std::function<void(const char* label, double value)>;
  void labelled(const char* name, const char* help, MetricType type, const char* label,
                const std::function<void(const vhost::GuestSnapshot&, const Emit&)>& each) {
    MetricFamily family = begin(name, help, type);
    for (const vhost::GuestSnapshot& guest : guests_)
      each(guest, [&](const char* text, double value) {
        ClientMetric metric = metric_of(guest, type, value);
        metric.label.push_back({label, text});
        family.metric.push_back(std::move(metric));
      });
    families_.push_back(std::move(family));
  }

  void histogram(const char* name, const char* help,
                 const vhost::CallTimes& (*times)(const vhost::GuestSnapshot&)) {
    MetricFamily family = begin(name, help, MetricType::Histogram);
    for (const vhost::GuestSnapshot& guest : guests_) {
      ClientMetric metric = metric_of(guest, MetricType::Histogram, 0);
      metric.histogram = histogram_of(times(guest));
      family.metric.push_back(std::move(metric));
    }
    families_.push_back(std::move(family));
  }

  std::vector<MetricFamily> take() { return std::move(families_); }

 private:
  static MetricFamily begin(const char* name, const char* help, MetricType type) {
    MetricFamily family;
    family.name = name;
    family.help = help;
    family.type = type;
    return family;
  }

  ClientMetric metric_of(const vhost::GuestSnapshot& guest, MetricType type, double value) const {
    ClientMetric metric;
    metric.label = {{"guest", std::to_string(guest.number)}, {"socket", socket_name(guest, sockets_)}};
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    return metric;
  }

  void add(const char* name, const char* help, MetricType type, Value value) {
    MetricFamily family = begin(name, help, type);
    for (const vhost::GuestSnapshot& guest : guests_)
      family.metric.push_back(metric_of(guest, type, value(guest)));
    families_.push_back(std::move(family));
  }

  // Prometheus's buckets are cumulative.
  static ClientMetric::Histogram histogram_of(const vhost::CallTimes& times) {
    ClientMetric::Histogram histogram;
    for (std::size_t i = 0; i < times.counts.size(); ++i) {
      histogram.sample_count += times.counts.at(i);
      if (i < vhost::CallTimes::kBounds.size())
        histogram.bucket.push_back({histogram.sample_count, vhost::CallTimes::kBounds.at(i)});
    }
    histogram.sample_sum = times.sum;
    return histogram;
  }

  std::span<const vhost::GuestSnapshot> guests_;
  std::span<const std::string> sockets_;
  std::vector<MetricFamily> families_;
};

using Guest = const vhost::GuestSnapshot&;

void add_memory(Families& add) {
  add.gauge("fallow_memory_bytes", "Memory of the guest.", [](Guest g) { return as_double(g.memory.raw); });
  add.gauge("fallow_resident_bytes", "Memory of the guest that is resident on the host.",
            [](Guest g) { return as_double(g.resident.raw); });
  add.gauge("fallow_balloon_target_bytes", "Target size of the guest's balloon.",
            [](Guest g) { return as_double(bytes(g.target).raw); });
  add.gauge("fallow_balloon_bytes", "Actual size of the guest's balloon, as the guest states it.",
            [](Guest g) { return as_double(bytes(g.actual).raw); });
}

void add_state(Families& add) {
  add.gauge("fallow_guest_ready", "1 if the guest's driver is present and served.",
            [](Guest g) { return seen(g.ready); });
  add.gauge("fallow_guest_stuck",
            "1 if the guest's worker does not answer; its other metrics are then stale.",
            [](Guest g) { return seen(g.stuck); });
  add.gauge("fallow_guest_paused", "1 if reported memory is not released.",
            [](Guest g) { return seen(g.paused); });
  add.counter("fallow_worker_restarts_total", "Workers that died while they served the guest.",
              [](Guest g) { return as_double(g.restarts); });
}

void add_reporting(Families& add) {
  add.counter("fallow_report_requests_total", "Requests that reported free memory.",
              [](Guest g) { return as_double(g.device.reports); });
  add.counter("fallow_report_entries_total", "Runs of memory in these requests.",
              [](Guest g) { return as_double(g.device.entries); });
  add.counter("fallow_reported_bytes_total", "Memory of the guest that was reported free.",
              [](Guest g) { return as_double(g.device.reported.raw); });
  add.counter("fallow_released_bytes_total", "Reported memory that went back to the host.",
              [](Guest g) { return as_double(g.device.released.raw); });
  add.counter("fallow_inflate_released_bytes_total",
              "Memory put into the balloon that went back to the host.",
              [](Guest g) { return as_double(g.device.inflate_released.raw); });
  add.counter("fallow_paused_requests_total", "Reports that came while the guest was paused.",
              [](Guest g) { return as_double(g.device.paused); });
  add.histogram("fallow_host_call_seconds", "Time in a call of the host that releases memory.",
                [](Guest g) -> const vhost::CallTimes& { return g.calls; });
}

void add_errors(Families& add) {
  add.labelled("fallow_refused_total", "Entries from the guest that the device refused, by reason.",
               MetricType::Counter, "reason", [](Guest g, const Families::Emit& emit) {
                 for (std::size_t i = 0; i < kRefusals; ++i)
                   emit(kRefusalNames.at(i), as_double(g.device.refused.at(i)));
               });
  add.labelled("fallow_driver_mistakes_total", "Rules of virtio that the guest's driver broke, by kind.",
               MetricType::Counter, "kind", [](Guest g, const Families::Emit& emit) {
                 const auto counts = mistake_counts(g.mistakes);
                 for (std::size_t i = 0; i < counts.size(); ++i)
                   emit(kMistakeNames.at(i), as_double(counts.at(i)));
               });
}

// Sizes and counts have different units, so they are two metrics.
void add_statistics(Families& add) {
  const auto each = [](bool sizes) {
    return [sizes](Guest g, const Families::Emit& emit) {
      for (std::size_t i = 0; i < kStatTags; ++i)
        if ((g.statistics.present >> i & 1) != 0 && kStatisticNames.at(i).bytes == sizes)
          emit(kStatisticNames.at(i).name, as_double(g.statistics.value.at(i)));
    };
  };
  add.labelled("fallow_guest_statistic_bytes", "Memory statistics that the guest provides.",
               MetricType::Gauge, "name", each(true));
  add.labelled("fallow_guest_statistic_events", "Event counts since boot that the guest provides.",
               MetricType::Gauge, "name", each(false));
}

MetricFamily single(const char* name, const char* help, double value) {
  MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = MetricType::Gauge;
  family.metric.emplace_back().gauge.value = value;
  return family;
}

MetricFamily total(const char* name, const char* help, std::uint64_t count) {
  MetricFamily family = single(name, help, 0);
  family.type = MetricType::Counter;
  family.metric.front() = {};
  family.metric.front().counter.value = as_double(count);
  return family;
}

}  // namespace

std::vector<MetricFamily> metric_families(const std::optional<std::vector<vhost::GuestSnapshot>>& guests,
                                          const DaemonCounts& counts, std::span<const std::string> sockets) {
  std::vector<MetricFamily> families;
  if (guests) {
    Families add(*guests, sockets);
    add_state(add);
    add_memory(add);
    add_reporting(add);
    add_errors(add);
    add_statistics(add);
    families = add.take();
    families.push_back(single("fallow_guests", "Number of guests.", as_double(guests->size())));
  }
  families.push_back(total("fallow_connections_total", "Front-ends that connected.", counts.connections));
  families.push_back(
      total("fallow_turned_away_total", "Connections that a limit refused or closed.", counts.turned_away));
  families.push_back(total("fallow_quarantined_total", "Guests disconnected because their workers died.",
                           counts.quarantined));
  families.push_back(
      single("fallow_up", "1 if the daemon provided the figures of its guests.", seen(guests.has_value())));
  return families;
}

}  // namespace fallow::cli
