// `fallow boot` with an unmodified QEMU. On every machine type, ring layout, CPU count and memory size, the
// guest's verdict is "ok", no frame is corrupted, and QEMU's device refuses no request.
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "tests/e2e/cli_process.h"

namespace fallow {
namespace {

using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

// Runs `fallow boot` and returns its JSON, or null after a failure.
Json boot(Words options) {
  options.insert(options.begin(), {"boot", "-q", "--json", "-"});
  const CliOutcome outcome = run_cli(options);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const Json json = Json::parse(outcome.out, nullptr, false);
  if (!json.is_object()) {
    ADD_FAILURE() << outcome.out;
    return nullptr;
  }
  EXPECT_EQ(json["verdict"], "ok");
  EXPECT_EQ(json["corrupted_frames"], 0);
  EXPECT_EQ(json["failures"], 0);
  EXPECT_EQ(json["refused"], 0);
  EXPECT_EQ(json["zone_check"], "ok");
  return json;
}

class Boot : public testing::Test {
 protected:
  void SetUp() override {
    if (access("/usr/bin/qemu-system-x86_64", X_OK) != 0) GTEST_SKIP() << "needs the package qemu-system-x86";
  }
};

struct Size {
  const char* memory;
  const char* fill;
  unsigned fill_mib;
};

constexpr Size kSizes[] = {{"256M", "128M", 128}, {"2G", "512M", 512}, {"8G", "1536M", 1536}};

using Combination = std::tuple<const char*, bool, const char*, Size>;

class BootMatrix : public Boot, public testing::WithParamInterface<Combination> {};

TEST_P(BootMatrix, the_host_has_back_what_the_guest_frees) {
  const auto& [machine, packed, cpus, size] = GetParam();
  // The guest holds the memory for some samples of its size, also where the sampling thread is late.
  Words options = {"--machine", machine,  "--smp",   cpus,     "--memory",
                   size.memory, "--fill", size.fill, "--hold", "250ms"};
  if (packed) options.emplace_back("--packed");
  const Json json = boot(options);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["filled_mib"], size.fill_mib);
  EXPECT_EQ(json["ring"], packed ? "packed" : "split");
  EXPECT_EQ(json["bus"], std::string(machine) == "microvm" ? "mmio" : "pci");
  const double fall = json["top_mib"].get<double>() - json["low_mib"].get<double>();
  EXPECT_GT(fall, 0.9 * size.fill_mib);
  EXPECT_TRUE(json["t95_s"].is_number());
  EXPECT_TRUE(json["first_report_s"].is_number());
}

std::string name_of(const testing::TestParamInfo<Combination>& info) {
  const auto& [machine, packed, cpus, size] = info.param;
  return std::string(machine) + (packed ? "_packed_" : "_split_") + cpus + "_cpu_" + size.memory;
}

INSTANTIATE_TEST_SUITE_P(Machines, BootMatrix,
                         testing::Combine(testing::Values("pc", "q35", "microvm"), testing::Bool(),
                                          testing::Values("1", "2"), testing::ValuesIn(kSizes)),
                         name_of);

struct Variant {
  const char* name;
  Words options;
};

class BootVariant : public Boot, public testing::WithParamInterface<Variant> {};

TEST_P(BootVariant, works) {
  const Json json = boot(GetParam().options);
  ASSERT_TRUE(json.is_object());
  EXPECT_GT(json["requests"], 0);
}

const Variant kVariants[] = {
    {"split_without_event_index", {"--no-event-index", "--fill", "256M"}},
    {"split_without_indirect", {"--no-indirect", "--fill", "256M"}},
    {"packed_without_event_index", {"--packed", "--no-event-index", "--fill", "256M"}},
    {"packed_without_indirect", {"--packed", "--no-indirect", "--fill", "256M"}},
    {"mmio_packed_without_both",
     {"--machine", "microvm", "--packed", "--no-event-index", "--no-indirect", "--fill", "256M"}},
    {"hwm", {"--policy", "hwm", "--fill", "512M"}},
    {"linux", {"--policy", "linux", "--memory", "512M", "--fill", "256M"}},
    {"order_4", {"--order", "4", "--memory", "256M", "--fill", "128M"}},
    {"random", {"--workload", "random", "--memory", "512M", "--seconds", "5"}},
    {"fragment", {"--workload", "fragment", "--memory", "512M", "--seconds", "5", "--order", "0"}},
    {"idle", {"--workload", "idle", "--memory", "512M", "--seconds", "2"}},
};

INSTANTIATE_TEST_SUITE_P(Options, BootVariant, testing::ValuesIn(kVariants),
                         [](const auto& info) { return info.param.name; });

TEST_F(Boot, what_was_reported_is_right_when_it_is_allocated_again) {
  const Json json = boot({"--workload", "churn", "--smp", "2", "--memory", "1G", "--seconds", "60",
                          "--policy", "aged:10ms", "--order", "4"});
  ASSERT_TRUE(json.is_object());
  EXPECT_GT(json["requests"], 100);
  EXPECT_GT(json["allocations"], 10'000);
}

TEST_F(Boot, nothing_is_lost_when_the_driver_leaves_and_returns) {
  for (const char* machine : {"pc", "microvm"}) {
    const Json json = boot({"--workload", "rebind", "--machine", machine, "--smp", "2", "--memory", "512M",
                            "--seconds", "8", "--packed"});
    ASSERT_TRUE(json.is_object());
    EXPECT_GE(json["rebinds"], 8);
    EXPECT_GT(json["requests"], json["rebinds"]);
  }
}

TEST_F(Boot, a_recorded_day) {
  const Json json = boot({"--trace", FALLOW_WORKDAY, "--memory", "1G", "--speed", "3", "--order", "4"});
  ASSERT_TRUE(json.is_object());
  EXPECT_GT(json["reported_mib"], 500);
  EXPECT_EQ(json["failed_allocations"], 0);
}

}  // namespace
}  // namespace fallow
