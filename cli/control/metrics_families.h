// The guests of a daemon as Prometheus's metrics. A pure function of a snapshot.
//
// What a metric counts is said in its help text. The labels `guest` and `socket` say whose it is.
#pragma once

#include <prometheus/metric_family.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/control/guest_control.h"
#include "vhost_user/daemon/balloon_guest.h"

namespace fallow::cli {

// `guests`: nothing, if the daemon did not answer in time; then fallow_up is 0, and the rest is missing.
// `sockets`: the paths that GuestSnapshot::socket counts. O(guests).
std::vector<prometheus::MetricFamily> metric_families(
    const std::optional<std::vector<vhost::GuestSnapshot>>& guests, const DaemonCounts& counts,
    std::span<const std::string> sockets);

}  // namespace fallow::cli
