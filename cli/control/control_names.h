// The names of a guest's figures in answers, in metrics and on the screen. The names are a stable interface.
#pragma once

#include <array>
#include <cstddef>

#include "fallow/balloon/device/balloon_device.h"

namespace fallow::cli {

// Indexed by Refusal.
inline constexpr std::array<const char*, kRefusals> kRefusalNames = {
    "empty",       "wraps",  "outside_memory", "part_of_page", "not_writable",  "not_readable",
    "list_length", "poison", "unpromised",     "hint_id",      "second_buffer", "not_released"};

struct StatisticName {
  const char* name;
  bool bytes;  // false: a count of events
};

// Indexed by StatTag. The last six come from Linux, not from virtio 1.2 (5.5.6.4).
inline constexpr std::array<StatisticName, kStatTags> kStatisticNames = {{{"swap_in", true},
                                                                          {"swap_out", true},
                                                                          {"major_faults", false},
                                                                          {"minor_faults", false},
                                                                          {"free_memory", true},
                                                                          {"total_memory", true},
                                                                          {"available_memory", true},
                                                                          {"disk_caches", true},
                                                                          {"hugetlb_allocations", false},
                                                                          {"hugetlb_failures", false},
                                                                          {"oom_kills", false},
                                                                          {"allocation_stalls", false},
                                                                          {"async_scanned", true},
                                                                          {"direct_scanned", true},
                                                                          {"async_reclaimed", true},
                                                                          {"direct_reclaimed", true}}};

// The members of DriverMistakes in their order.
inline constexpr std::array<const char*, 6> kMistakeNames = {"status", "features", "config",
                                                             "queues", "kicks",    "rings"};
inline std::array<std::uint64_t, kMistakeNames.size()> mistake_counts(const DriverMistakes& mistakes) {
  return {mistakes.status, mistakes.features, mistakes.config,
          mistakes.queues, mistakes.kicks,    mistakes.rings};
}

}  // namespace fallow::cli
