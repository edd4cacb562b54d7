// In the memory of erratic front-ends the daemon writes only what it may (VH-4), and returns each chain
// exactly once (VH-3), whichever worker dies. A well-behaved guest is served after each.
//
// FALLOW_RANDOM_FRONT_ENDS sets their number, FALLOW_RANDOM_STORMS the number that send arbitrary messages,
// and FALLOW_RANDOM_SEED the first seed. A failing front-end prints its seed and its actions.
#include "tests/unit/vhost_user/random_front_end.h"

#include <csignal>
#include <cstdio>

#include "tests/support/process_size.h"
#include "tests/support/random_counts.h"
#include "tests/support/sanitized.h"
#include "tests/unit/vhost_user/random_messages.h"

namespace fallow::vhost {
namespace {

// The actions of the current front-end, for a failed check of the daemon that ends the process.
const std::string* at_hand = nullptr;
std::uint32_t seed_at_hand = 0;

void tell_at_hand(int) {
  if (at_hand != nullptr) std::fprintf(stderr, "FALLOW_RANDOM_SEED=%u\n%s", seed_at_hand, at_hand->c_str());
  std::signal(SIGABRT, SIG_DFL);
}

class RandomFrontEnds : public VhostServerRig {
 protected:
  RandomFrontEnds()
      : VhostServerRig({.features = BalloonGuestOptions{}.features | kFeatureRingPacked | kBalloonPagePoison,
                        .max_memory = {std::uint64_t{1} << 32}}) {
    box.stop();
    box.options.statistics = milliseconds(100);
    box.start();
    std::signal(SIGABRT, tell_at_hand);
  }
  ~RandomFrontEnds() override { std::signal(SIGABRT, SIG_DFL); }

  template <class Front>
  static void run(Front& front, std::uint32_t seed) {
    seed_at_hand = seed;
    at_hand = &front.made();
    const std::string error = front.run(60);
    at_hand = nullptr;
    ASSERT_EQ(error, "") << "FALLOW_RANDOM_SEED=" << seed << "\n" << front.made();
  }

  // Runs `one` for each seed, with a well-behaved guest after every `often`, and checks what has grown since
  // the first ones.
  template <class F>
  void for_each_seed(std::uint32_t count, unsigned often, F one) {
    const std::uint32_t first = number_from("FALLOW_RANDOM_SEED", 1);
    const std::uint32_t settled = first + count / 10;
    std::size_t descriptors = 0;
    std::uint64_t memory = 0;
    for (std::uint32_t seed = first; seed < first + count; ++seed) {
      one(seed);
      if (HasFatalFailure()) return;
      if ((seed - first) % often == often - 1) expect_good_guest(box);
      ASSERT_FALSE(HasFailure()) << "after FALLOW_RANDOM_SEED=" << seed;
      box.events.forget();
      if (seed == settled) {
        ASSERT_TRUE(box.wait_for_guests(0)) << box.events.all();
        descriptors = all_descriptors().size();
        memory = own_memory();
      }
    }
    ASSERT_TRUE(box.wait_for_guests(0)) << box.events.all();
    const std::uint64_t now = own_memory();
    RecordProperty("descriptors",
                   std::to_string(descriptors) + " to " + std::to_string(all_descriptors().size()));
    RecordProperty("memory", std::to_string(memory >> 10) + " to " + std::to_string(now >> 10) + " KiB");
    EXPECT_EQ(all_descriptors().size(), descriptors);
    if (!kSanitized) {
      EXPECT_LT(now, memory + (std::uint64_t{4} << 20));
    }
  }
};

TEST_F(RandomFrontEnds, GetNothingWrittenThatTheyDidNotMakeAvailable) {
  for_each_seed(number_from("FALLOW_RANDOM_FRONT_ENDS", kSanitized ? 25 : 150), 1, [&](std::uint32_t seed) {
    RandomFrontEnd front_end(box, seed);
    run(front_end, seed);
  });
}

TEST_F(RandomFrontEnds, OfAnyMessagesHarmNobody) {
  for_each_seed(number_from("FALLOW_RANDOM_STORMS", kSanitized ? 40 : 250), 5, [&](std::uint32_t seed) {
    RandomMessages storm(box, seed);
    run(storm, seed);
  });
}

}  // namespace
}  // namespace fallow::vhost
