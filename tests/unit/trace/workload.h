// A trace of a small workload.
#pragma once

#include <string>
#include <string_view>

namespace fallow::trace {

inline std::string alloc_line(std::string_view time, std::string_view pfn, int order, int migratetype = 1) {
  return "cc1-1 [000] .....  " + std::string(time) + ": mm_page_alloc: page=0 pfn=" + std::string(pfn) +
         " order=" + std::to_string(order) + " migratetype=" + std::to_string(migratetype) +
         " gfp_flags=GFP_KERNEL\n";
}
inline std::string free_line(std::string_view time, std::string_view pfn, int order) {
  return "cc1-1 [000] .....  " + std::string(time) + ": mm_page_free: page=0 pfn=" + std::string(pfn) +
         " order=" + std::to_string(order) + "\n";
}

// Allocates and frees a thousand single frames and runs at different ages.
inline std::string busy() {
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    const std::string time = std::to_string(5 + i / 500) + "." + std::to_string(100000 + i % 500 * 1700);
    const int order = i % 37 == 0 ? 4 : 0;
    text += alloc_line(time, "0x" + std::to_string(10000 + i * 16), order, i % 3);
    if (i >= 900) {
      const int old = i - 900 + (i % 2 == 0 ? 0 : i % 300);
      text += free_line(time, "0x" + std::to_string(10000 + old * 16), old % 37 == 0 ? 4 : 0);
    }
  }
  return text;
}

}  // namespace fallow::trace
