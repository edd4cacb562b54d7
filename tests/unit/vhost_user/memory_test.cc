// The guest's memory: whole tables and single regions, valid and invalid.
#include "tests/unit/vhost_user/rig.h"

namespace fallow::vhost {
namespace {

using Request = Request;

class VhostMemory : public VhostRig {
 protected:
  VhostMemory() { negotiate_and_set_memory(); }

  // Sends the table with `fds` descriptors and checks the error text of the refusal.
  void expect_refused(std::uint32_t count, const std::vector<Region>& regions, int fds, const char* text) {
    Bytes payload = bytes_of(MemTable{count, 0});
    for (const Region& r : regions) {
      append(payload, &r, sizeof r);
    }
    EXPECT_EQ(ack(Request::SetMemTable, payload, files(fds)), 1U);
    EXPECT_NE(said.find(text), std::string::npos) << said;
    ASSERT_EQ(device.memory.size(), 1U) << "the old table counts";
    EXPECT_EQ(session.settings().region_count, 1U);
    EXPECT_TRUE(VhostDevice::open(device.memory[0].fd));
  }
  static std::vector<int> files(int count) {
    std::vector<int> fds;
    for (int i = 0; i < count; ++i) fds.push_back(VhostFrontEnd::memory());
    return fds;
  }
  std::uint64_t add(const Region& r, int fds = 1) {
    return ack(Request::AddMemReg, bytes_of(MemReg{0, r}), files(fds));
  }
  std::uint64_t remove(const Region& r, int fds = 0) {
    return ack(Request::RemMemReg, bytes_of(MemReg{0, r}), files(fds));
  }
};
class VhostHostileMemory : public VhostMemory {};

TEST_F(VhostMemory, ATableReplacesTheLast) {
  const int old = device.memory[0].fd;
  EXPECT_EQ(ack(Request::SetMemTable,
                bytes_of(MemTable{2, 0}, region(0x1000, 0x1000), region(0x2000, 0x1000)), files(2)),
            0U);
  ASSERT_EQ(device.memory.size(), 2U);
  EXPECT_NE(device.memory[0].fd, old) << "the new one was there before the old one went";
  EXPECT_FALSE(VhostDevice::open(old));
}

TEST_F(VhostMemory, WhileRingsRunTheSessionLeavesThemToTheDevice) {
  start_ring(0);
  device.calls.clear();
  set_memory();
  EXPECT_EQ(device.calls, std::vector<std::string>{"set_memory 1"});
}

TEST_F(VhostMemory, WorkUnderWayPutsTheReplyOff) {
  device.pending = 2;
  EXPECT_EQ(send(Request::SetMemTable, bytes_of(MemTable{1, 0}, region(0x1000, 0x1000)), files(1), kAck),
            SessionOutcome::Pending);
  EXPECT_FALSE(front.reply());
  EXPECT_EQ(session.settings().regions[0].at.guest_address, kMemoryAt) << "not yet";
  EXPECT_EQ(session.step(), SessionOutcome::Pending);
  EXPECT_EQ(session.step(), SessionOutcome::Done);
  EXPECT_EQ(front.reply()->u64(), 0U);
  EXPECT_EQ(session.settings().regions[0].at.guest_address, 0x1000U);
}

TEST_F(VhostMemory, SlotsAreAddedAndRemovedWhileRunning) {
  EXPECT_EQ(ask(Request::GetMaxMemSlots), 4U);
  start_ring(0);
  EXPECT_EQ(add(region(0x1000, 0x1000)), 0U) << said;
  EXPECT_EQ(add(region(0x2000, 0x1000)), 0U) << said;
  EXPECT_EQ(add(region(0x3000, 0x1000)), 0U) << said;
  EXPECT_EQ(add(region(0x4000, 0x1000)), 1U);
  EXPECT_EQ(said, "ADD_MEM_REG: all 4 memory slots are in use");
  Region second = region(0x2000, 0x1000);
  second.mmap_offset = 5;  // the offset is not compared
  const std::size_t open = open_descriptors();
  EXPECT_EQ(remove(second, 1), 0U) << said;  // also closes the descriptor, which should not have been sent
  EXPECT_EQ(open_descriptors(), open - 1);
  EXPECT_EQ(device.memory.size(), 3U);
  EXPECT_EQ(session.settings().region_count, 3U);
  EXPECT_EQ(remove(second), 1U);
  EXPECT_NE(said.find("REM_MEM_REG: there is no region of 0x1000 bytes at 0x2000"), std::string::npos)
      << said;
  EXPECT_EQ(add(region(0x2000, 0x1000)), 0U) << said;
}

TEST_F(VhostMemory, WhatTheDeviceRefusesChangesNothing) {
  device.answer = Status::InvalidArgument;
  expect_refused(1, {region(0x1000, 0x1000)}, 1, "SET_MEM_TABLE: memory: the test says no");
  EXPECT_EQ(add(region(0x1000, 0x1000)), 1U);
  EXPECT_EQ(remove(region()), 1U);
  device.answer = Status::Failed;
  expect_refused(1, {region(0x1000, 0x1000)}, 1, "SET_MEM_TABLE: memory: the device failed");
}

TEST_F(VhostHostileMemory, NoRegions) { expect_refused(0, {}, 0, "SET_MEM_TABLE: the table has no regions"); }
TEST_F(VhostHostileMemory, NoRegionsButADescriptor) { expect_refused(0, {}, 1, "no regions"); }
TEST_F(VhostHostileMemory, MoreThanFit) {
  std::vector<Region> nine;
  for (std::uint64_t i = 0; i < 9; ++i) nine.push_back(region(i * 0x1000, 0x1000));
  expect_refused(9, nine, 9, "9 regions exceed the limit of 4");
}
TEST_F(VhostHostileMemory, CountOfAllOnes) { expect_refused(~0U, {region()}, 1, "4294967295 regions"); }
TEST_F(VhostHostileMemory, MoreThanInThePayload) {
  expect_refused(2, {region()}, 2, "2 regions need a payload of at least 72 bytes, not 40");
}
TEST_F(VhostHostileMemory, DescriptorMissing) {
  expect_refused(1, {region()}, 0, "0 descriptors for 1 regions");
}
TEST_F(VhostHostileMemory, DescriptorTooMany) {
  expect_refused(1, {region()}, 2, "2 descriptors for 1 regions");
}
TEST_F(VhostHostileMemory, Empty) { expect_refused(1, {region(0x1000, 0)}, 1, "region 0 is empty"); }
TEST_F(VhostHostileMemory, Wraps) {
  expect_refused(1, {{~0ULL - 0xfff, 0x2000, 0, 0}}, 1, "exceeds 64 bits");
  expect_refused(1, {{0, 0x2000, ~0ULL - 0xfff, 0}}, 1, "exceeds 64 bits");
  expect_refused(1, {{0, 0x2000, 0, ~0ULL - 0xfff}}, 1, "exceeds 64 bits");
}
TEST_F(VhostHostileMemory, Overlaps) {
  expect_refused(2, {region(0x1000, 0x2000), region(0x2000, 0x1000)}, 2, "overlaps region 0");
  expect_refused(2, {region(0x2000, 0x1000), region(0x1000, 0x1001)}, 2, "overlaps region 0");
  expect_refused(2, {{0x1000, 0x1000, 0x1000, 0}, {0x2000, 0x1000, 0x1fff, 0}}, 2, "overlaps region 0");
  EXPECT_EQ(add(region(kMemoryAt + kMemorySize - 1, 1)), 1U);
}
TEST_F(VhostHostileMemory, SlotWithoutAndWithTwoDescriptors) {
  EXPECT_EQ(add(region(0x1000, 0x1000), 0), 1U);
  EXPECT_EQ(said, "ADD_MEM_REG: 0 descriptors came with the message; 1 to 1 are expected");
  EXPECT_EQ(add(region(0x1000, 0x1000), 2), 1U);
  EXPECT_EQ(remove(region(), 2), 1U);
}

}  // namespace
}  // namespace fallow::vhost
