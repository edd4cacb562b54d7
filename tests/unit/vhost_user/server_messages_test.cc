// Messages that no front-end should send. After each, a well-behaved guest is served and no descriptor is
// left open: see VhostServerRig.
#include <sys/epoll.h>

#include <random>

#include "tests/support/vhost_server.h"

namespace fallow::vhost {
namespace {

using Request = Request;

class ServerMessages : public VhostServerRig {
 protected:
  void TearDown() override {
    guest.reset();
    VhostServerRig::TearDown();
  }
  void connect() { guest = std::make_unique<VhostGuest>(box.path); }
  std::uint64_t memory_table(const Region& region, int fd) {
    return guest->ack(Request::SetMemTable, bytes_of(MemTable{1, 0}, region), {fd});
  }
  // Sends an arbitrary header and payload; returns whether the connection then ends.
  bool breaks(std::uint32_t request, std::uint32_t flags, std::uint32_t size, const Bytes& payload = {}) {
    connect();
    Bytes all = bytes_of(Header{request, flags, size});
    all.insert(all.end(), payload.begin(), payload.end());
    return guest->front.send_bytes(all) && guest->hung_up();
  }
  static int file_of(const char* path, int flags) { return open(path, flags | O_CLOEXEC); }
  static std::pair<int, int> pipe_ends() {
    int ends[2];
    FALLOW_CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    return {ends[0], ends[1]};
  }

  std::unique_ptr<VhostGuest> guest = std::make_unique<VhostGuest>(box.path);
};

TEST_F(ServerMessages, CutOff) {
  for (const std::size_t n : {1U, 5U, 11U, 12U, 15U}) {
    connect();
    const Bytes all = VhostFrontEnd::message(2, bytes_of(std::uint64_t{0}), 1);
    ASSERT_TRUE(guest->front.send_bytes(std::span(all).first(n), {VhostFrontEnd::event()}));
    guest->front.hang_up();
  }
}

TEST_F(ServerMessages, Oversized) {
  const auto features = static_cast<std::uint32_t>(Request::SetFeatures);
  for (const std::uint32_t size : {0U, 4U, 16U, 100U, 4096U, 1U << 31, ~0U})
    EXPECT_TRUE(breaks(features, 1, size)) << size;
  EXPECT_TRUE(breaks(static_cast<std::uint32_t>(Request::SetMemTable), 1, kVhostMaxPayload + 1));
  EXPECT_TRUE(breaks(static_cast<std::uint32_t>(Request::GetConfig), 1, ~0U - 11));
}

TEST_F(ServerMessages, WrongVersionOrAReply) {
  for (const std::uint32_t flags : {0U, 2U, 3U, 5U}) EXPECT_TRUE(breaks(1, flags, 0)) << flags;
}

TEST_F(ServerMessages, Unknown) {
  for (const std::uint32_t request : {0U, 45U, 100U, 0x7fff'ffffU, ~0U}) {
    connect();
    ASSERT_TRUE(guest->negotiate());
    static_cast<void>(guest->front.send_bytes(VhostFrontEnd::message(request, {}, VhostGuest::kAck)));
    const auto reply = guest->reply();
    EXPECT_TRUE(!reply || reply->u64() != 0) << request;
  }
}

TEST_F(ServerMessages, OutOfOrder) {
  guest->packed = false;
  guest->make_ring(3);
  ASSERT_EQ(guest->ack(Request::SetProtocolFeatures, bytes_of(kServedProtocolFeatures)), 0U);
  EXPECT_NE(guest->ack(Request::SetVringAddr, bytes_of(guest->addresses(3))), 0U) << "no memory yet";
  EXPECT_EQ(guest->ack(Request::SetVringKick, bytes_of(std::uint64_t{3}), {VhostFrontEnd::event()}), 0U);
  EXPECT_EQ(guest->stop_ring(3), 0U);
  EXPECT_EQ(guest->ack(Request::SetVringEnable, bytes_of(VringState{3, 1})), 0U);
  EXPECT_EQ(guest->ack(Request::ResetDevice), 0U);
  EXPECT_NE(guest->ack(Request::RemMemReg, bytes_of(MemReg{0, guest->region()})), 0U);
  // A complete ring without features: VERSION_1 is missing.
  ASSERT_TRUE(guest->set_memory());
  EXPECT_FALSE(guest->start_ring(3, 0));
  EXPECT_NE(guest->ack(Request::SetFeatures, bytes_of(std::uint64_t{0})), 0U);
  // The correct sequence follows on the same connection.
  ASSERT_TRUE(guest->bind()) << box.events.all();
  EXPECT_TRUE(guest->report(VhostGuest::kFree, 1 << 20));
}

TEST_F(ServerMessages, WrongNumbersOfDescriptors) {
  ASSERT_TRUE(guest->negotiate());
  const Bytes table = bytes_of(MemTable{1, 0}, guest->region());
  EXPECT_NE(guest->ack(Request::SetMemTable, table), 0U);
  EXPECT_NE(guest->ack(Request::SetMemTable, table, {dup(guest->file()), dup(guest->file())}), 0U);
  EXPECT_NE(guest->ack(Request::AddMemReg, bytes_of(MemReg{0, guest->region()})), 0U);
  EXPECT_NE(guest->ack(Request::SetVringKick, bytes_of(std::uint64_t{0})), 0U);
  EXPECT_NE(guest->ack(Request::SetVringKick, bytes_of(std::uint64_t{0x100}), {VhostFrontEnd::event()}), 0U);
  EXPECT_NE(guest->ack(Request::SetVringKick, bytes_of(std::uint64_t{0}),
                       {VhostFrontEnd::event(), VhostFrontEnd::event()}),
            0U);
  EXPECT_NE(guest->ack(Request::SetBackendReqFd), 0U);
  std::vector<int> many;
  for (int i = 0; i < 65; ++i) many.push_back(VhostFrontEnd::event());
  EXPECT_EQ(guest->ack(Request::SetMemTable, table, many), VhostGuest::kHungUp);
  connect();
  EXPECT_EQ(guest->ack(Request::SetOwner, {}, {VhostFrontEnd::event()}), VhostGuest::kHungUp);
}

TEST_F(ServerMessages, RegionsThatCannotBe) {
  ASSERT_TRUE(guest->negotiate());
  const Region good = guest->region();
  const auto refused = [&](Region region) { return memory_table(region, dup(guest->file())) == 1; };
  const auto with = [&](std::uint64_t Region::*field, std::uint64_t value) {
    Region region = good;
    region.*field = value;
    return region;
  };
  EXPECT_TRUE(refused(with(&Region::size, 0)));
  EXPECT_TRUE(refused(with(&Region::size, ~std::uint64_t{0})));
  EXPECT_TRUE(refused(with(&Region::size, good.size + 1)));
  EXPECT_TRUE(refused(with(&Region::guest_address, ~std::uint64_t{0} - 4095)));
  EXPECT_TRUE(refused(with(&Region::guest_address, good.guest_address + 1)));
  EXPECT_TRUE(refused(with(&Region::user_address, ~std::uint64_t{0} - 4095)));
  EXPECT_TRUE(refused(with(&Region::mmap_offset, ~std::uint64_t{0} - 4095)));
  EXPECT_TRUE(refused(with(&Region::mmap_offset, std::uint64_t{1} << 62)));
  EXPECT_TRUE(refused(with(&Region::mmap_offset, good.mmap_offset + good.size)));
  EXPECT_TRUE(refused(with(&Region::mmap_offset, 1)));
  Region other = good;
  other.guest_address += 4096;
  EXPECT_NE(guest->ack(Request::SetMemTable, bytes_of(MemTable{2, 0}, good, other),
                       {dup(guest->file()), dup(guest->file())}),
            0U);
  EXPECT_NE(guest->ack(Request::SetMemTable, bytes_of(MemTable{~0U, 0}, good), {dup(guest->file())}), 0U);
  EXPECT_NE(guest->ack(Request::SetMemTable, bytes_of(MemTable{0, 0})), 0U);
  // A region longer than its file is usable up to the end of the file.
  ASSERT_EQ(memory_table(with(&Region::size, good.size * 64), dup(guest->file())), 0U);
  EXPECT_EQ(box.guest().memory.raw, good.size);
  ASSERT_TRUE(guest->give_channel() && guest->start_rings());
  const detail::QueueBuffer beyond = {{good.guest_address + good.size - 4096}, 1 << 20, true};
  EXPECT_TRUE(guest->exchange(VhostGuest::kReporting, {&beyond, 1}));
  struct stat file {};
  ASSERT_EQ(fstat(guest->file(), &file), 0);
  EXPECT_EQ(static_cast<std::uint64_t>(file.st_size), good.size + good.mmap_offset);
}

TEST_F(ServerMessages, RegionsOfWhatIsNoMemory) {
  ASSERT_TRUE(guest->negotiate());
  const auto [from, to] = pipe_ends();
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const int sealed = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  ASSERT_EQ(ftruncate(sealed, 64 << 20), 0);
  ASSERT_EQ(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE), 0);
  const int files[] = {from,
                       to,
                       ends[0],
                       ends[1],
                       sealed,
                       VhostFrontEnd::event(),
                       VhostFrontEnd::memory(),
                       epoll_create1(EPOLL_CLOEXEC),
                       file_of("/dev/null", O_RDWR),
                       file_of("/dev/zero", O_RDWR),
                       file_of("/tmp", O_RDONLY | O_DIRECTORY),
                       file_of("/proc/self/maps", O_RDONLY),
                       file_of(("/proc/self/fd/" + std::to_string(guest->file())).c_str(), O_RDONLY)};
  for (const int file : files) {
    ASSERT_GE(file, 0);
    EXPECT_EQ(memory_table(guest->region(), file), 1U) << file;
  }
  ASSERT_TRUE(guest->set_memory());
}

TEST_F(ServerMessages, OneFileInSeveralRegions) {
  ASSERT_TRUE(guest->negotiate());
  Region twin = guest->region();
  twin.guest_address = 0x8000'0000;
  twin.user_address = 0x1000;
  ASSERT_EQ(guest->ack(Request::SetMemTable, bytes_of(MemTable{2, 0}, guest->region(), twin),
                       {dup(guest->file()), dup(guest->file())}),
            0U);
  ASSERT_TRUE(guest->start_rings());
  guest->fill(VhostGuest::kFree, 4 << 20);
  const std::uint64_t before = guest->blocks();
  const detail::QueueBuffer both[] = {VhostGuest::range(VhostGuest::kFree, 1 << 20),
                                      {{twin.guest_address + VhostGuest::kFree}, 2 << 20, true}};
  ASSERT_TRUE(guest->exchange(VhostGuest::kReporting, both));
  EXPECT_EQ(guest->blocks(), before - (2 << 20));
  EXPECT_LE(box.guest().resident.raw, guest->blocks()) << "counted once";
}

TEST_F(ServerMessages, QueuesThatAreNot) {
  ASSERT_TRUE(guest->negotiate() && guest->set_memory());
  for (const std::uint32_t index : {5U, 8U, 255U, 256U, 1U << 31, ~0U}) {
    EXPECT_NE(guest->ack(Request::SetVringNum, bytes_of(VringState{index, 64})), 0U);
    EXPECT_NE(guest->ack(Request::SetVringBase, bytes_of(VringState{index, 0})), 0U);
    EXPECT_NE(guest->ack(Request::SetVringEnable, bytes_of(VringState{index, 1})), 0U);
    EXPECT_NE(guest->ack(Request::SetVringAddr, bytes_of(VringAddr{index, 0, 0, 0, 0, 0})), 0U);
    EXPECT_NE(guest->ack(Request::SetVringCall, bytes_of(std::uint64_t{index}), {VhostFrontEnd::event()}),
              0U);
  }
  EXPECT_EQ(guest->ack(Request::SetVringKick, bytes_of(std::uint64_t{255}), {VhostFrontEnd::event()}), 1U);
  EXPECT_EQ(guest->ask(Request::GetVringBase, bytes_of(VringState{255, 0})), std::nullopt)
      << "nothing that could be replied";
  // Reporting is queue 3 here, and not queue 4 as in virtio 1.2: ServerQueues.*
  connect();
  ASSERT_TRUE(guest->negotiate() && guest->set_memory());
  guest->make_ring(3);
  ASSERT_TRUE(guest->start_ring(3, 0));
  VringAddr fifth = guest->addresses(3);
  fifth.index = 4;
  EXPECT_EQ(guest->ack(Request::SetVringNum, bytes_of(VringState{4, 64})), 0U);
  EXPECT_EQ(guest->ack(Request::SetVringAddr, bytes_of(fifth)), 0U);
  EXPECT_EQ(guest->ack(Request::SetVringKick, bytes_of(std::uint64_t{4}), {VhostFrontEnd::event()}), 1U);
  EXPECT_TRUE(guest->report(VhostGuest::kFree, 1 << 20));
}

TEST_F(ServerMessages, SizesThatCannotBe) {
  ASSERT_TRUE(guest->negotiate());
  for (const std::uint32_t size : {0U, 100U, 512U, 65536U, 1U << 31, ~0U})
    EXPECT_EQ(guest->ack(Request::SetVringNum, bytes_of(VringState{3, size})), 1U) << size;
}

TEST_F(ServerMessages, RingsOutsideMemoryOrMisaligned) {
  ASSERT_TRUE(guest->negotiate() && guest->set_memory());
  guest->make_ring(3);
  ASSERT_EQ(guest->ack(Request::SetVringNum, bytes_of(VringState{3, 64})), 0U);
  const VringAddr good = guest->addresses(3);
  for (const auto part : {&VringAddr::descriptors, &VringAddr::used, &VringAddr::available}) {
    for (const std::uint64_t at :
         {std::uint64_t{0}, VhostGuest::kBase, VhostGuest::kUser - 4096,
          VhostGuest::kUser + guest->options.memory - 4, ~std::uint64_t{0} - 7, good.*part + 1}) {
      VringAddr bad = good;
      bad.*part = at;
      EXPECT_EQ(guest->ack(Request::SetVringAddr, bytes_of(bad)), 1U) << at;
    }
  }
  // Addresses inside the region but beyond the end of the file.
  Region longer = guest->region();
  longer.size *= 2;
  ASSERT_EQ(memory_table(longer, dup(guest->file())), 0U);
  VringAddr beyond = good;
  beyond.used = VhostGuest::kUser + guest->options.memory;
  ASSERT_EQ(guest->ack(Request::SetVringAddr, bytes_of(beyond)), 0U);
  EXPECT_EQ(guest->ack(Request::SetVringKick, bytes_of(std::uint64_t{3}), {VhostFrontEnd::event()}), 1U);
  // The correct addresses follow.
  ASSERT_TRUE(guest->start_rings()) << box.events.all();
  EXPECT_TRUE(guest->report(VhostGuest::kFree, 1 << 20));
}

// Data read in the first attempt must not count for the second.
TEST_F(ServerMessages, ARingThatCouldNotStartIsForgotten) {
  ASSERT_TRUE(guest->negotiate());
  // Only the used ring lies beyond the file.
  Region longer = guest->region();
  longer.size *= 2;
  ASSERT_EQ(memory_table(longer, dup(guest->file())), 0U);
  guest->make_ring(3);
  std::uint16_t wrong = 0x1234;
  std::memcpy(guest->memory() + VhostGuest::kFree + 2, &wrong, sizeof wrong);
  VringAddr bad = guest->addresses(3);
  bad.used = VhostGuest::kUser + VhostGuest::kFree;
  bad.available = VhostGuest::kUser + guest->options.memory;
  ASSERT_EQ(guest->ack(Request::SetVringNum, bytes_of(VringState{3, 64})), 0U);
  ASSERT_EQ(guest->ack(Request::SetVringAddr, bytes_of(bad)), 0U);
  ASSERT_EQ(guest->ack(Request::SetVringKick, bytes_of(std::uint64_t{3}), {VhostFrontEnd::event()}), 1U);
  ASSERT_TRUE(guest->start_ring(3, 0)) << box.events.all();
  EXPECT_TRUE(guest->report(VhostGuest::kFree, 1 << 20));
  EXPECT_EQ(guest->stop_ring(3), 1U);
}

TEST_F(ServerMessages, ConfigurationBeyondItsEnd) {
  ASSERT_TRUE(guest->bind());
  const std::pair<std::uint32_t, std::uint32_t> beyond[] = {{16, 1},  {13, 4},  {0, 17},      {0, 0},
                                                            {0, 256}, {~0U, 1}, {~0U - 3, 8}, {1U << 31, 4}};
  for (const auto& [offset, size] : beyond) {
    Bytes payload = bytes_of(ConfigHead{offset, size, 0});
    payload.resize(payload.size() + size);
    const auto reply = guest->ask(Request::GetConfig, payload);
    ASSERT_TRUE(reply) << offset << " " << size;
    // Reads with valid bytes are answered: ServerConfig.AReadPastTheEndHasWhatThereIs.
    EXPECT_EQ(reply->payload.size(), offset < kBalloonConfigSize && size != 0 ? payload.size() : 0U);
    EXPECT_EQ(guest->ack(Request::SetConfig, payload), 1U) << offset << " " << size;
  }
  // A size that does not match the payload.
  EXPECT_EQ(guest->ask(Request::GetConfig, bytes_of(ConfigHead{0, 8, 0}, 0U))->payload.size(), 0U);
  EXPECT_EQ(guest->ack(Request::SetConfig, bytes_of(ConfigHead{4, ~0U, 0}, 0U)), 1U);
  EXPECT_EQ(guest->config(kBalloonActual), 0U);
}

TEST_F(ServerMessages, InflightAreasThatCannotBe) {
  ASSERT_TRUE(guest->negotiate());
  const auto set = [&](InflightDescription area, int fd) {
    return guest->ack(Request::SetInflightFd, bytes_of(area), {fd});
  };
  const auto [from, to] = pipe_ends();
  EXPECT_EQ(set({4096, 0, 1, 64}, from), 1U);
  EXPECT_EQ(set({4096, 0, 1, 64}, to), 1U);
  EXPECT_EQ(set({4096, 0, 1, 64}, VhostFrontEnd::memory()), 1U) << "an empty file";
  const InflightDescription bad[] = {{0, 0, 1, 64},           {4096, 0, 0, 64},
                                     {4096, 0, 1, 0},         {64, 0, 4, 256},
                                     {4096, 4, 1, 64},        {~std::uint64_t{0}, 1, 1, 64},
                                     {4096, 1U << 31, 1, 64}, {std::uint64_t{1} << 60, 0, 1, 64},
                                     {4096, 0, 255, 64}};
  for (const InflightDescription& area : bad) EXPECT_EQ(set(area, dup(guest->file())), 1U) << area.mmap_size;
}

// All requests, with random content, in random order.
TEST_F(ServerMessages, AnythingAtAll) {
  std::mt19937 random(20260802);
  for (int round = 0; round < 40; ++round) {
    connect();
    if (round % 2 == 0) {
      ASSERT_TRUE(guest->bind());
    }
    for (int i = 0; i < 60; ++i) {
      const auto request = static_cast<std::uint32_t>(random() % kVhostRequests);
      constexpr std::uint32_t kSizes[] = {0, 8, 8, 8, 12, 16, 24, 40, 40, 72};
      Bytes payload(kSizes[random() % std::size(kSizes)]);
      for (std::byte& b : payload) b = static_cast<std::byte>(random() % 8 == 0 ? random() : random() % 5);
      std::vector<int> fds;
      if (random() % 3 == 0) fds.push_back(random() % 2 == 0 ? VhostFrontEnd::event() : dup(guest->file()));
      if (!guest->front.send_bytes(VhostFrontEnd::message(request, payload, random() % 2 == 0 ? 1 : 9), fds))
        break;
      while (const auto reply = guest->reply(0)) {
        if (reply->fd >= 0) close(reply->fd);
      }
    }
  }
}

}  // namespace
}  // namespace fallow::vhost
