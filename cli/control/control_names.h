// The names under which a guest's figures go out: in answers, in metrics, on the screen. They stay.
#pragma once

#include <array>
#include <cstddef>

#include "fallow/balloon/device/balloon_device.h"

namespace fallow::cli {

// By Refusal.
inline constexpr std::array<const char*, kRefusals> kRefusalNames = {
    "empty",       "wraps",  "outside_memory", "part_of_page", "not_writable",  "not_readable",
    "list_length", "poison", "unpromised",     "hint_id",      "second_buffer", "not_released"};

struct StatisticName {
  const char* name;
  bool bytes;  // else a count of events
};

// By StatTag. The last six are of Linux, not of virtio 1.2 (5.5.6.4).
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

// The classes of DriverMistakes, in its order.
inline constexpr std::array<const char*, 6> kMistakeNames = {"status", "features", "config",
                                                             "queues", "kicks",    "rings"};
inline std::array<std::uint64_t, kMistakeNames.size()> mistake_counts(const DriverMistakes& mistakes) {
  return {mistakes.status, mistakes.features, mistakes.config,
          mistakes.queues, mistakes.kicks,    mistakes.rings};
}

}  // namespace fallow::cli
