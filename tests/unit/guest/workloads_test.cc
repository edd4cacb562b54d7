// Every workload ends with the verdict "ok", on one CPU and on two, with every policy.
#include "guest/kernel/random.h"
#include "guest/protocol/trace_module.h"
#include "tests/unit/guest/guest_run.h"

namespace fallow::guest {
namespace {

class WorkloadCpus : public testing::TestWithParam<std::uint32_t> {
 protected:
  GuestRun run{{.cpus = GetParam()}};

  void expect_ok(const std::string& command_line) {
    EXPECT_EQ(run.run(command_line), "ok") << run.machine.output();
    const nlohmann::json verdict = run.last("verdict");
    EXPECT_EQ(verdict["allocations"], verdict["frees"]);
    EXPECT_EQ(verdict["failures"], 0);
    EXPECT_EQ(run.machine.device().stats().refused_all(), 0u);
  }
};

TEST_P(WorkloadCpus, Idle) {
  expect_ok("workload=idle seconds=1 policy=aged:5ms sample=100ms");
  EXPECT_GE(run.events("sample").size(), 9u);
  EXPECT_EQ(run.last("verdict")["allocations"], 0);
}

TEST_P(WorkloadCpus, Churn) {
  expect_ok("workload=churn seconds=2 policy=aged:5ms seed=7");
  const nlohmann::json churned = run.last("churned");
  EXPECT_GT(churned["refaults"], 0) << "no reported frame was allocated again";
  EXPECT_GT(churned["verified"], 0);
  EXPECT_EQ(churned["handed_over"] > 0, GetParam() > 1);
}

TEST_P(WorkloadCpus, ChurnAtOnce) { expect_ok("workload=churn seconds=1 policy=hwm:1 order=3 in_flight=16"); }

TEST_P(WorkloadCpus, Random) { expect_ok("workload=random seconds=1 policy=hwm:4 order=6"); }

// R11: the device runs only when a CPU pauses, so an allocation may wait for memory that is isolated for a
// report. The wait itself must serve the device.
TEST_P(WorkloadCpus, AWaitServesTheDevice) {
  run.machine.device_is_late = true;
  expect_ok("workload=random seconds=1 policy=hwm:1");
  EXPECT_GT(run.machine.waits(), 0u);
}

TEST_P(WorkloadCpus, Fragment) {
  expect_ok("workload=fragment policy=aged:5ms");
  const nlohmann::json half = run.last("fragmented");
  EXPECT_NEAR(half["used_kib"], 64 * 1024 * 9 / 20, 2048);
  EXPECT_GT(half["free_kib"], half["reported_kib"]);
  EXPECT_TRUE(run.last("left").is_null()) << "every block of order 9 is reported";
}

TEST_P(WorkloadCpus, Rebind) {
  expect_ok("workload=rebind seconds=3 policy=aged:5ms");
  EXPECT_GE(run.last("verdict")["rebinds"], 2) << run.machine.output();
  EXPECT_GT(run.last("verdict")["requests"], 4);
}

TEST_P(WorkloadCpus, NoPolicy) {
  expect_ok("workload=fill policy=none hold=0ms");
  EXPECT_TRUE(run.last("registered").is_null());
  EXPECT_EQ(run.last("verdict")["requests"], 0);
}

TEST_P(WorkloadCpus, Trace) {
  std::vector<std::byte> events, module;
  TraceModuleWriter writer({[](void* to, std::span<const std::byte> bytes) {
                              auto& all = *static_cast<std::vector<std::byte>*>(to);
                              all.insert(all.end(), bytes.begin(), bytes.end());
                            },
                            &events});
  // 200 slots, each used repeatedly. The last allocations are not freed.
  std::vector<bool> used(200);
  Random random(3);
  for (std::uint64_t us = 0; us < 5'000'000; us += 1000) {
    const auto slot = static_cast<std::uint32_t>(random.below(used.size()));
    if (used[slot]) {
      writer.free(us, slot);
    } else {
      writer.allocate(us, {static_cast<std::uint8_t>(random.below(9))}, Mobility::Movable, slot);
    }
    used[slot] = !used[slot];
  }
  const auto header = writer.header();
  module = events;
  module.insert(module.begin(), header.begin(), header.end());
  run.facts.module = module;
  expect_ok("workload=trace seconds=1 policy=aged:5ms");
  EXPECT_EQ(run.last("replayed")["events"], 5000);
  EXPECT_GT(run.last("verdict")["allocations"], 2000);
}

// Linux reports nothing while less than a request and the low watermark are free. Here one pass is enough.
TEST(GuestPolicies, Linux) {
  GuestRun run({.memory = 14 << 20});
  EXPECT_EQ(run.run("workload=fill policy=linux hold=0ms capacity=2"), "ok") << run.machine.output();
  EXPECT_EQ(run.last("boot")["zones"].size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Guest, WorkloadCpus, testing::Values(1, 2));

}  // namespace
}  // namespace fallow::guest
