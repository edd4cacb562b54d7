// Guests with bad boot facts, a failing device or corrupted memory end with a verdict that names the error.
#include "guest/protocol/trace_module.h"
#include "tests/unit/guest/guest_run.h"

namespace fallow::guest {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr const char* kFill = "policy=aged:5ms hold=0ms";

// ---- Memory maps. ----

TEST(HostileStart, NoMemory) {
  for (const std::vector<MemoryRange>& usable :
       {std::vector<MemoryRange>{}, {{0, 4096}}, {{8192, 8192 + 4095}}, {{kMiB, kMiB + 8 * 4096}}}) {
    GuestRun run;
    run.usable = usable;
    EXPECT_EQ(run.run(kFill), "not enough memory");
  }
}

TEST(HostileStart, EverythingIsTaken) {
  GuestRun run;
  run.taken = {{0, ~std::uint64_t{0}}};
  EXPECT_EQ(run.run(kFill), "not enough memory");
}

// A PCI hole, the image in the middle, and a partial frame at both ends are neither allocated nor reported.
TEST(HostileStart, HolesAreNeverTouched) {
  GuestRun run;
  const std::vector<MemoryRange> holes = {{640 << 10, kMiB},
                                          {5 * kMiB + 100, 7 * kMiB - 100},
                                          {20 * kMiB, 36 * kMiB},
                                          {63 * kMiB + 1, 64 * kMiB}};
  run.usable = {{0, 640 << 10}, {kMiB, 20 * kMiB}, {36 * kMiB, 63 * kMiB + 1}};
  run.taken = {holes[1]};
  for (const MemoryRange& hole : holes)
    std::memset(run.machine.at({hole.begin}), 0x5a, hole.end - hole.begin);
  EXPECT_EQ(run.run("workload=random policy=hwm:1 order=0 seconds=1"), "ok") << run.machine.output();
  for (const MemoryRange& hole : holes) {
    for (std::uint64_t at = hole.begin; at < hole.end; ++at) {
      ASSERT_EQ(*run.machine.at({at}), std::byte{0x5a}) << at;
      ASSERT_FALSE(run.machine.backing.discarded({at >> kFrameShift})) << at;
    }
  }
  EXPECT_EQ(run.last("boot")["zones"].size(), 2u);
}

TEST(HostileStart, AHoleTooLargeForTablesIsNotSpanned) {
  GuestRun run;
  run.usable.push_back({std::uint64_t{1} << 46, (std::uint64_t{1} << 46) + 64 * kMiB});
  EXPECT_EQ(run.run(kFill), "ok") << run.machine.output();
}

// ---- Command lines. ----

TEST(HostileStart, BadCommandLine) {
  GuestRun run;
  EXPECT_EQ(run.run("workload=churn seconds=never"), "bad command line: seconds=never: expected 1 to 86400");
}

TEST(HostileStart, UnknownWordsAreSaid) {
  GuestRun run;
  EXPECT_EQ(run.run("console=ttyS0 policy=aged:5ms hold=0ms"), "ok");
  EXPECT_NE(run.machine.output().find("unknown word on the command line: console=ttyS0\n"),
            std::string::npos);
}

TEST(HostileStart, MoreThanThereIs) {
  GuestRun run;
  EXPECT_EQ(run.run("fill=8G").substr(0, 24), "fill: 8388608 KiB of 648");
}

// A fill smaller than the memory, but larger than what the tables leave. The verdict counts the failed
// frames.
TEST(HostileStart, AlmostMoreThanThereIs) {
  GuestRun run;
  const std::string verdict = run.run("fill=64800K policy=aged:5ms hold=0ms");
  EXPECT_NE(verdict.find("allocations failed"), std::string::npos) << verdict;
}

// ---- Devices. ----

TEST(HostileDevice, ThereIsNone) {
  GuestRun run({.cpus = 2});
  run.device = {};
  EXPECT_EQ(run.run("workload=churn seconds=1"), "no device");
  EXPECT_GT(run.last("verdict")["allocations"], 0) << "the guest runs all the same";
  EXPECT_EQ(run.last("verdict")["zone_check"], "ok");
}

TEST(HostileDevice, DoesNotTakeItsQueues) {
  GuestRun run;
  run.machine.meddler.on_start_queue = [](std::uint16_t) { return Status::Failed; };
  EXPECT_EQ(run.run(kFill), "the device failed to initialise: the device failed");
}

TEST(HostileDevice, DoesNotReport) {
  GuestRun run({.device = {.features = kBalloonStatsVq}});
  EXPECT_EQ(run.run(kFill), "the device does not offer page reporting: not registered");
  EXPECT_EQ(run.last("device")["reporting"], false);
}

TEST(HostileDevice, AsksForAResetNowAndThen) {
  GuestRun run({.cpus = 2});
  std::uint64_t steps = 0;
  run.machine.meddler.at_step = [&](std::uint64_t) {
    run.machine.meddler.shows_too = ++steps % 500 == 0 ? kStatusNeedsReset : std::uint8_t{0};
  };
  const std::string verdict = run.run("workload=churn seconds=2 policy=hwm:1 order=3");
  EXPECT_EQ(run.last("verdict")["corrupted_frames"], 0);
  EXPECT_EQ(run.last("verdict")["zone_check"], "ok");
  EXPECT_TRUE(verdict == "ok" || verdict.find("requests failed") != std::string::npos) << verdict;
}

// R11 on one CPU: the device takes a request and never answers, and the only CPU waits in an allocation. The
// wait runs the worker, which gives up the device.
TEST(HostileDevice, GoesSilent) {
  for (const std::uint32_t cpus : {1U, 2U}) {
    GuestRun run({.cpus = cpus});
    run.machine.clock_speed = 60;  // the timeout of the driver is 30 s
    run.machine.meddler.on_notify = [](std::uint16_t) {};
    const std::string verdict = run.run("workload=random seconds=60 policy=hwm:1 sample=1s");
    EXPECT_NE(verdict.find("requests failed"), std::string::npos) << run.machine.output();
    EXPECT_EQ(run.last("verdict")["corrupted_frames"], 0);
    EXPECT_GT(run.last("verdict")["allocations"], 0);
  }
}

// ---- Memory that is corrupted. ----

// One of the stamps of a frame in use is overwritten.
TEST(HostileMemory, ACorruptedFrameIsFoundAndNamed) {
  for (const unsigned word : {0U, 170U, 341U, 511U}) {
    GuestRun run({.cpus = 2});
    const std::uint64_t frame = (40 * kMiB) >> kFrameShift;  // within the filled memory
    run.machine.on_line = [&](const std::string& line) {
      if (line.find("\"filled\"") == std::string::npos) return;
      reinterpret_cast<std::uint64_t*>(run.machine.at(address_of(Pfn{frame})))[word] ^= 1;
    };
    EXPECT_EQ(run.run("fill=55M policy=aged:5ms hold=0ms"), "1 corrupted frames, the first is 0x2800")
        << run.machine.output();
    EXPECT_EQ(run.last("verdict")["corrupted_frames"], 1);
    EXPECT_EQ(run.last("corrupted")["pfn"], "0x2800");
  }
}

// The host discards frames that were never reported, or that are in use again.
TEST(HostileMemory, AFrameThatIsGoneIsFound) {
  GuestRun run;
  run.machine.on_line = [&](const std::string& line) {
    if (line.find("\"filled\"") != std::string::npos)
      std::memset(run.machine.at({40 * kMiB}), 0, 3 * kFrameSize);
  };
  EXPECT_EQ(run.run("fill=55M policy=aged:5ms hold=0ms"), "3 corrupted frames, the first is 0x2800");
}

// ---- Boot modules. ----

TEST(HostileModule, ThereIsNone) {
  GuestRun run;
  EXPECT_EQ(run.run("workload=trace"), "boot module: there is no boot module");
}

class HostileTrace : public testing::Test {
 protected:
  TraceModuleWriter writer{{[](void* to, std::span<const std::byte> bytes) {
                              auto& all = *static_cast<std::vector<std::byte>*>(to);
                              all.insert(all.end(), bytes.begin(), bytes.end());
                            },
                            &events_}};
  std::string verdict(std::uint32_t cpus = 1) {
    const auto header = writer.header();
    std::vector<std::byte> module = events_;
    module.insert(module.begin(), header.begin(), header.end());
    GuestRun run({.cpus = cpus});
    run.facts.module = module;
    const std::string said = run.run("workload=trace seconds=1 policy=aged:5ms");
    EXPECT_EQ(run.last("verdict").value("zone_check", "ok"), "ok");
    return said;
  }

 private:
  std::vector<std::byte> events_;
};

TEST_F(HostileTrace, IsEmpty) { EXPECT_EQ(verdict(), "ok"); }

TEST_F(HostileTrace, FreesWhatIsNotAllocated) {
  writer.allocate(0, {}, {}, 0);
  writer.free(1, 0);
  writer.free(2, 0);
  EXPECT_EQ(verdict(2), "boot module: event 3: a free of an empty slot");
}

TEST_F(HostileTrace, AllocatesInATakenSlot) {
  writer.allocate(0, {}, {}, 1);
  writer.allocate(0, {9}, {}, 1);
  EXPECT_EQ(verdict(2), "boot module: event 2: an allocation in an occupied slot");
}

TEST_F(HostileTrace, NeedsMoreMemoryThanThereIs) {
  for (std::uint32_t slot = 0; slot < 40; ++slot) writer.allocate(slot, {9}, {}, slot);
  for (std::uint32_t slot = 0; slot < 40; ++slot) writer.free(100 + slot, slot);
  EXPECT_NE(verdict().find("allocations failed"), std::string::npos);
}

TEST_F(HostileTrace, LastsForEver) {
  writer.allocate(0, {}, {}, 0);
  writer.allocate(~std::uint64_t{0} - 1, {}, {}, 1);
  writer.free(~std::uint64_t{0}, 0);
  EXPECT_EQ(verdict(2), "ok");
}

}  // namespace
}  // namespace fallow::guest
