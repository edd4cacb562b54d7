// The workloads and their names. The guest's command line and `fallow boot` share them.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

namespace fallow::guest {

enum class WorkloadKind : std::uint8_t { Fill, Churn, Random, Fragment, Idle, Rebind, Trace };

inline constexpr std::array<std::pair<const char*, WorkloadKind>, 7> kWorkloadNames = {
    {{"fill", WorkloadKind::Fill},
     {"churn", WorkloadKind::Churn},
     {"random", WorkloadKind::Random},
     {"fragment", WorkloadKind::Fragment},
     {"idle", WorkloadKind::Idle},
     {"rebind", WorkloadKind::Rebind},
     {"trace", WorkloadKind::Trace}}};

}  // namespace fallow::guest
