// The workload "fill": memory is reported, allocated, written, freed and reported again.
#include "tests/unit/guest/guest_run.h"

namespace fallow::guest {
namespace {

class FillCpus : public testing::TestWithParam<std::uint32_t> {};

TEST_P(FillCpus, EndsOk) {
  GuestRun run({.cpus = GetParam()});
  EXPECT_EQ(run.run("workload=fill policy=aged:10ms hold=20ms sample=5ms"), "ok") << run.machine.output();
  std::vector<std::string> names;
  for (const nlohmann::json& event : run.events()) {
    if (event["event"] != "sample") names.push_back(event["event"]);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"boot", "device", "registered", "first_report", "filling",
                                             "filled", "freeing", "freed", "verdict"}))
      << run.machine.output();
  const nlohmann::json verdict = run.last("verdict");
  EXPECT_EQ(verdict["failures"], 0);
  EXPECT_EQ(verdict["allocations"], verdict["frees"]);
  EXPECT_GT(verdict["refaults"], 0);
  EXPECT_GE(verdict["reported_mib"], 64 + 64 * 3 / 5 - 16);
  EXPECT_EQ(run.machine.device().stats().refused_all(), 0u);
}
INSTANTIATE_TEST_SUITE_P(Guest, FillCpus, testing::Values(1, 2, 4));

}  // namespace
}  // namespace fallow::guest
