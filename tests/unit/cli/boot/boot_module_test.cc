#include "cli/boot/launch/boot_module.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <span>
#include <vector>

#include "guest/protocol/trace_module.h"
#include "tests/support/scratch_folder.h"

namespace fallow::cli {
namespace {

std::string alloc_line(double time, unsigned pfn, unsigned order, int migratetype = 1) {
  return fmt::format(
      "cc1-1 [000] ..... {:.6f}: mm_page_alloc: page=0 pfn={:#x} order={} migratetype={} gfp_flags=0\n", time,
      pfn, order, migratetype);
}

std::string free_line(double time, unsigned pfn, unsigned order) {
  return fmt::format("cc1-1 [000] ..... {:.6f}: mm_page_free: page=0 pfn={:#x} order={}\n", time, pfn, order);
}

// "+0" and "-0" are an allocation in slot 0 and its free; behind "@" is the time in ms, if it has changed.
std::string events_of(const std::string& trace, double speed = 1) {
  const ScratchFolder folder;
  BootRequest request;
  request.trace = folder.file("trace.txt", trace);
  request.speed = speed;
  std::string error;
  const auto file = trace_module(request, &error);
  if (!file) return error;
  std::array<std::byte, 4096> bytes{};
  const ssize_t size = pread(file->file(), bytes.data(), bytes.size(), 0);
  const std::span<const std::byte> module(bytes.data(), static_cast<std::size_t>(size));
  guest::TraceModuleReader reader(module);
  std::string words;
  std::uint64_t time = 0;
  for (guest::TraceModuleEvent event; reader.next(&event);) {
    words += fmt::format("{}{}", event.free ? "-" : "+", event.slot);
    if (!event.free && event.order.raw > 0) words += fmt::format("^{}", event.order.raw);
    if (event.time_us != time) words += fmt::format("@{}", event.time_us / 1000);
    time = event.time_us;
    words += " ";
  }
  EXPECT_EQ(reader.error(), nullptr);
  return words;
}

TEST(BootModule, slots_are_used_again) {
  EXPECT_EQ(events_of(alloc_line(10, 16, 0) + alloc_line(10, 32, 3) + free_line(10.5, 16, 0) +
                      alloc_line(10.5, 64, 0) + free_line(11, 32, 3)),
            "+0 +1^3 -0@500 +0 -1@1000 ");
}

TEST(BootModule, a_trace_without_events) {
  EXPECT_NE(events_of("").find("trace.txt: contains no mm_page_alloc or mm_page_free event"),
            std::string::npos);
  EXPECT_NE(events_of("what is this\n").find("the first skipped line is line 1: not output of ftrace"),
            std::string::npos);
}

TEST(BootModule, faster) {
  EXPECT_EQ(events_of(alloc_line(10, 16, 0) + free_line(11, 16, 0), 4), "+0 -0@250 ");
}

TEST(BootModule, what_was_allocated_before_is_nobodys) {
  EXPECT_EQ(events_of(free_line(10, 16, 0) + alloc_line(10, 32, 0)), "+0 ");
}

TEST(BootModule, what_is_allocated_again_was_freed) {
  EXPECT_EQ(events_of(alloc_line(10, 16, 0) + alloc_line(10, 16, 0)), "+0 -0 +0 ");
  EXPECT_EQ(events_of(alloc_line(10, 16, 0) + alloc_line(10, 17, 0) + alloc_line(10, 16, 1)),
            "+0 +1 -0 -1 +1^1 ");
}

TEST(BootModule, freed_in_parts_is_free_with_the_last) {
  EXPECT_EQ(events_of(alloc_line(10, 16, 1) + free_line(11, 17, 0) + free_line(12, 16, 0)), "+0^1 -0@2000 ");
}

TEST(BootModule, a_damaged_trace_is_named) {
  EXPECT_NE(events_of(free_line(10, 16, 77)).find(".txt:1: "), std::string::npos);
}

}  // namespace
}  // namespace fallow::cli
