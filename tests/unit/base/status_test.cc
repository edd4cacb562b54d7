#include "fallow/base/status.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace fallow::detail {
namespace {

TEST(Status, EachHasASentenceOfItsOwn) {
  std::set<std::string> sentences;
  for (std::uint8_t raw = 0; raw <= static_cast<std::uint8_t>(Status::Misaligned); ++raw) {
    const char* sentence = describe(static_cast<Status>(raw));
    ASSERT_NE(sentence, nullptr);
    EXPECT_TRUE(sentences.insert(sentence).second) << sentence;
    EXPECT_NE(std::string(sentence), "unknown status");
  }
  EXPECT_EQ(std::string(describe(static_cast<Status>(200))), "unknown status");
}

TEST(Result, IsAValueOrTheReasonWhyThereIsNone) {
  const Result<int> value = 5;
  EXPECT_TRUE(value.ok());
  EXPECT_EQ(value.value(), 5);
  EXPECT_EQ(value.status(), Status::Ok);
  const Result<int> none = Status::NoMemory;
  EXPECT_FALSE(none.ok());
  EXPECT_EQ(none.status(), Status::NoMemory);
}

}  // namespace
}  // namespace fallow::detail
