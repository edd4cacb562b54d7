// Of the memory of front-ends without rules the daemon writes what it was given, and nothing else (VH-4); and
// a good guest is served after each.
//
// FALLOW_RANDOM_FRONT_ENDS says how many there are, FALLOW_RANDOM_SEED where the first one begins.
#include "tests/unit/vhost_user/random_front_end.h"

#include "tests/support/random_counts.h"
#include "tests/support/sanitized.h"

namespace fallow {
namespace {

class RandomFrontEnds : public VhostServerRig {
 protected:
  RandomFrontEnds()
      : VhostServerRig(
            {.features = BalloonGuestOptions{}.features | kFeatureRingPacked | kBalloonPagePoison}) {}
};

TEST_F(RandomFrontEnds, GetNothingWrittenThatTheyDidNotMakeAvailable) {
  const std::uint32_t count = number_from("FALLOW_RANDOM_FRONT_ENDS", kSanitized ? 60 : 400);
  const std::uint32_t first = number_from("FALLOW_RANDOM_SEED", 1);
  for (std::uint32_t seed = first; seed < first + count; ++seed) {
    {
      RandomFrontEnd front_end(box, seed);
      const std::string error = front_end.run(60);
      ASSERT_EQ(error, "") << "FALLOW_RANDOM_SEED=" << seed << "\n" << front_end.made();
    }
    expect_good_guest(box);
    ASSERT_FALSE(HasFailure()) << "after FALLOW_RANDOM_SEED=" << seed;
  }
}

}  // namespace
}  // namespace fallow
