// The memory that a front-end shares, and its cost, which depends on the pages in the balloon and not on the
// memory's size.
#include <fstream>

#include "tests/support/process_size.h"
#include "tests/support/sanitized.h"
#include "tests/support/stepped_guest.h"

namespace fallow::vhost {
namespace {

using Request = Request;
constexpr std::uint64_t kMib = 1 << 20;
constexpr std::uint64_t kTib = std::uint64_t{1} << 40;

TEST(GuestMemory, OfAFileThatIsSparseCostsNothing) {
  if (kSanitized) GTEST_SKIP() << "sanitizers keep memory of their own";
  SteppedGuest box(VhostGuestOptions{.memory = 4 * kTib}, BalloonGuestOptions{.max_memory = {4 * kTib}});
  const std::uint64_t before = own_memory();
  ASSERT_TRUE(box.serve([&] { return box.front.bind(); })) << (box.said.empty() ? "" : box.said.back());
  EXPECT_LT(own_memory(), before + 2 * kMib);
  ASSERT_TRUE(box.serve([&] {
    for (int i = 0; i < 20; ++i) {
      if (!box.front.set_memory() || !box.front.tell(VhostGuest::kInflate, {1U << 20U, 1U << 28U, 1U << 29U}))
        return false;
    }
    return true;
  }));
  EXPECT_EQ(box.guest->snapshot().device.inflated.raw, 3U);
  EXPECT_LT(own_memory(), before + 2 * kMib);
  ASSERT_EQ(box.serve([&] { return box.front.set_features(box.front.accepted); }), 0U);
  EXPECT_LT(own_memory(), before + 2 * kMib) << "nor does forgetting what is in the balloon";
}

class GuestMemoryBound : public testing::Test {
 protected:
  static constexpr std::uint64_t kBound = 32 * kMib;
  bool negotiate(SteppedGuest& box) {
    return box.serve([&] { return box.front.negotiate(); });
  }
  BalloonGuestOptions options{.max_memory = {kBound}};
};

TEST_F(GuestMemoryBound, IsTheLastSizeThatIsTaken) {
  SteppedGuest most(VhostGuestOptions{.memory = kBound}, options);
  ASSERT_TRUE(negotiate(most));
  EXPECT_TRUE(most.serve([&] { return most.front.set_memory(); }));

  SteppedGuest more(VhostGuestOptions{.memory = kBound + kFrameSize}, options);
  ASSERT_TRUE(negotiate(more));
  EXPECT_FALSE(more.serve([&] { return more.front.set_memory(); }));
  ASSERT_EQ(more.said.size(), 1U);
  EXPECT_EQ(more.said[0],
            "SET_MEM_TABLE: memory: 33558528 bytes (32772 KiB) of guest memory exceed the limit of "
            "--max-guest-memory, 33554432 (32 MiB)");
}

TEST_F(GuestMemoryBound, CountsAllRegions) {
  SteppedGuest box(VhostGuestOptions{.memory = kBound - 2 * kFrameSize}, options);
  ASSERT_TRUE(negotiate(box));
  const auto add = [&](std::uint64_t at) {
    return box.serve([&] {
      return box.front.ack(Request::AddMemReg, bytes_of(MemReg{0, {at, kFrameSize, at, 0}}),
                           {dup(box.front.file())});
    });
  };
  ASSERT_TRUE(box.serve([&] { return box.front.set_memory(); }));
  EXPECT_EQ(add(0x1000), 0U);
  EXPECT_EQ(add(0x2000), 0U);
  EXPECT_EQ(add(0x3000), 1U);
  EXPECT_EQ(box.guest->snapshot().memory.raw, kBound) << "what was there stays";
}

TEST_F(GuestMemoryBound, OfNoneIsNone) {
  options.max_memory = {};
  SteppedGuest box(VhostGuestOptions{.memory = 2 * kBound}, options);
  ASSERT_TRUE(negotiate(box));
  EXPECT_TRUE(box.serve([&] { return box.front.set_memory(); }));
}

// The front-end chooses the size of an in-flight area; the daemon maps only the part that it needs.
TEST(GuestMemory, OfAnInflightAreaIsWhatItNeeds) {
  SteppedGuest box;
  const int area = VhostFrontEnd::memory();
  ASSERT_EQ(ftruncate(area, static_cast<off_t>(kTib)), 0);
  const auto mapped = [] {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (line.rfind("VmSize:", 0) == 0) return std::stoull(line.substr(7)) * 1024;
    }
    return 0ULL;
  };
  ASSERT_TRUE(box.serve([&] { return box.front.negotiate(); }));
  const std::uint64_t before = mapped();
  ASSERT_EQ(box.serve([&] {
    return box.front.ack(Request::SetInflightFd, bytes_of(InflightDescription{kTib, 0, 4, 64}), {dup(area)});
  }),
            0U);
  EXPECT_LT(mapped(), before + 512 * kMib);
  close(area);
}

}  // namespace
}  // namespace fallow::vhost
