// The trace module: round trips, and malformed input.
#include "guest/protocol/trace_module.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace fallow::guest {
namespace {

using Bytes = std::vector<std::byte>;

class TraceModule : public testing::Test {
 protected:
  TraceModuleWriter writer{{[](void* context, std::span<const std::byte> bytes) {
                              auto& all = *static_cast<Bytes*>(context);
                              all.insert(all.end(), bytes.begin(), bytes.end());
                            },
                            &events_}};

  Bytes module() const {
    const auto header = writer.header();
    Bytes all = events_;
    all.insert(all.begin(), header.begin(), header.end());
    return all;
  }
  Bytes small() {
    writer.allocate(5, {3}, Mobility::Unmovable, 0);
    writer.free(9, 0);
    return module();
  }

 private:
  Bytes events_;
};

// Reads a module to its end and returns the error, or "".
std::string error_of(const Bytes& module) {
  TraceModuleReader reader(module);
  TraceModuleEvent event;
  while (reader.next(&event)) {
    EXPECT_LT(event.slot, reader.slots());
    EXPECT_LE(event.order, kMaxOrder);
  }
  EXPECT_LE(reader.position(), reader.events());
  return reader.error() == nullptr ? "" : reader.error();
}

TEST_F(TraceModule, MoreSlotsThanEventsAreRefused) {
  writer.allocate(0, {}, {}, 1'000'000);
  writer.free(0, 1'000'000);
  EXPECT_EQ(error_of(module()), "it claims more slots than events");
}

TEST_F(TraceModule, EventsComeBackAsTheyWere) {
  std::mt19937_64 random(1);
  std::vector<TraceModuleEvent> events;
  std::uint64_t time = 0;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    time += random() % 3 == 0 ? 0 : random() >> (random() % 63 + 1) >> 12;
    TraceModuleEvent e{time, random() % 2 == 0, {}, {}, static_cast<std::uint32_t>(random() % 1000)};
    if (!e.free) {
      e.order = {static_cast<std::uint8_t>(random() % 11)};
      e.mobility = static_cast<Mobility>(random() % kMobilities);
    }
    events.push_back(e);
    if (e.free) {
      writer.free(time, e.slot);
    } else {
      writer.allocate(time, e.order, e.mobility, e.slot);
    }
  }
  const Bytes all = module();
  TraceModuleReader reader(all);
  ASSERT_EQ(reader.error(), nullptr);
  EXPECT_EQ(reader.events(), events.size());
  EXPECT_EQ(reader.duration_us(), time);
  for (const TraceModuleEvent& expected : events) {
    TraceModuleEvent e;
    ASSERT_TRUE(reader.next(&e)) << reader.error();
    EXPECT_EQ(e.time_us, expected.time_us);
    EXPECT_EQ(e.free, expected.free);
    EXPECT_EQ(e.order, expected.order);
    EXPECT_EQ(e.mobility, expected.mobility);
    EXPECT_EQ(e.slot, expected.slot);
  }
  TraceModuleEvent e;
  EXPECT_FALSE(reader.next(&e));
  EXPECT_EQ(reader.error(), nullptr);
}

TEST_F(TraceModule, TimeDoesNotGoBackwards) {
  writer.allocate(10, {}, {}, 0);
  writer.free(3, 0);
  const Bytes all = module();
  TraceModuleReader reader(all);
  TraceModuleEvent e;
  ASSERT_TRUE(reader.next(&e) && reader.next(&e));
  EXPECT_EQ(e.time_us, 10u);
}

TEST_F(TraceModule, HeadersThatAreNone) {
  EXPECT_EQ(error_of({}), "there is no boot module");
  const Bytes good = small();
  EXPECT_EQ(error_of(good), "");
  EXPECT_EQ(error_of(Bytes(good.begin(), good.begin() + 39)), "it is shorter than the header of 40 bytes");
  Bytes bad = good;
  bad[3] = std::byte{'?'};
  EXPECT_EQ(error_of(bad), "it does not start with FALLOWTM");
  const auto with = [&](std::size_t at, std::uint64_t value, unsigned size) {
    Bytes changed = good;
    trace_module::put(changed.data() + at, value, size);
    return error_of(changed);
  };
  EXPECT_EQ(with(8, 2, 4), "its version is not 1");
  EXPECT_EQ(with(12, 0xffff'ffff, 4), "it claims more slots than events");
  EXPECT_EQ(with(16, ~std::uint64_t{0}, 8), "it claims more events than it holds");
  EXPECT_EQ(with(32, ~std::uint64_t{0}, 8), "it ends before its events do");
  EXPECT_EQ(with(12, 0, 4), "a slot is out of range");
}

TEST_F(TraceModule, EventsThatAreNone) {
  const Bytes good = small();
  const auto with = [&](std::initializer_list<int> events) {
    Bytes changed(good.begin(), good.begin() + trace_module::kHeaderSize);
    for (const int byte : events) changed.push_back(static_cast<std::byte>(byte));
    trace_module::put(changed.data() + 32, events.size(), 8);
    return error_of(changed);
  };
  EXPECT_EQ(with({0x00, 0, 0x81, 0}), "a free has an order");
  EXPECT_EQ(with({0x0b, 0, 0x80, 0}), "an order or a mobility is out of range");
  EXPECT_EQ(with({0x30, 0, 0x80, 0}), "an order or a mobility is out of range");
  EXPECT_EQ(with({0x00, 2, 0x80, 0}), "a slot is out of range");
  EXPECT_EQ(with({0x00, 0, 0x80, 0x80}), "a slot is out of range");
  EXPECT_EQ(with({0x00, 0x80, 0x80, 0x80}), "a slot is out of range");
  EXPECT_EQ(with({0x40, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}),
            "a time is out of range");
  EXPECT_EQ(with({0x40, 0x80, 0x80, 0x80}), "a time is out of range");
  EXPECT_EQ(with({0x40, 9, 0x80, 0x80}), "a slot is out of range");
}

// Random bytes: the reader terminates, and its events are in range, which error_of() checks.
TEST_F(TraceModule, Noise) {
  std::mt19937_64 random(2);
  const Bytes good = small();
  for (int i = 0; i < 20000; ++i) {
    const std::size_t size = 1 + random() % 64;
    Bytes noise(trace_module::kHeaderSize + size);
    std::memcpy(noise.data(), good.data(), trace_module::kHeaderSize);
    for (std::size_t at = trace_module::kHeaderSize; at < noise.size(); ++at)
      noise[at] = static_cast<std::byte>(random());
    trace_module::put(noise.data() + 32, size, 8);
    trace_module::put(noise.data() + 16, random() % size, 8);
    error_of(noise);
  }
}

}  // namespace
}  // namespace fallow::guest
