// Converts a snapshot of a daemon's guests to Prometheus metrics. A pure function.
//
// The help text of a metric defines it. The labels `guest` and `socket` identify the guest.
#pragma once

#include <prometheus/metric_family.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/control/guest_control.h"
#include "vhost_user/daemon/balloon_guest.h"

namespace fallow::cli {

// `guests` is empty if the daemon did not answer in time; then fallow_up is 0 and the guests' metrics are
// missing. GuestSnapshot::socket indexes `sockets`. O(guests).
std::vector<prometheus::MetricFamily> metric_families(
    const std::optional<std::vector<vhost::GuestSnapshot>>& guests, const DaemonCounts& counts,
    std::span<const std::string> sockets);

}  // namespace fallow::cli
