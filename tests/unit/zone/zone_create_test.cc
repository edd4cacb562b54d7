#include <sys/mman.h>

#include <array>

#include "tests/unit/zone/test_zone.h"

namespace fallow::detail {
namespace {

// Zero-filled memory of which only written pages cost anything, for the tables of large zones.
class LazyMemory {
 public:
  explicit LazyMemory(ByteCount size)
      : size_(size.raw),
        memory_(::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                       -1, 0)) {}
  ~LazyMemory() { ::munmap(memory_, size_); }
  LazyMemory(const LazyMemory&) = delete;
  LazyMemory& operator=(const LazyMemory&) = delete;
  std::span<std::byte> span() const { return {static_cast<std::byte*>(memory_), size_}; }

 private:
  std::size_t size_;
  void* memory_;
};

Status create(const ZoneConfig& config) {
  FakePort port;
  const LazyMemory memory{ByteCount{1 << 20}};
  return Zone::create(port, config, memory.span()).status();
}

TEST(ZoneCreate, RefusesAnImpossibleConfiguration) {
  const std::array<ZoneConfig, 7> bad = {{
      {{0}, {0}, 1},                       // no frames
      {{0}, {std::uint64_t{1} << 36}, 1},  // more frames than word numbers allow
      {{0}, {~std::uint64_t{0}}, 1},       //
      {{std::uint64_t{1} << 52}, {1}, 1},  // beyond 64-bit addresses
      {{~std::uint64_t{0}}, {1}, 1},       //
      {{0}, {512}, 0},                     // no local cache
      {{0}, {512}, kMaxCaches + 1},        // more caches than an entry can name
  }};
  for (const ZoneConfig& config : bad) {
    EXPECT_EQ(Zone::metadata_size(config).raw, 0u);
    EXPECT_EQ(create(config), Status::InvalidArgument)
        << config.base.raw << " " << config.frames.raw << " " << config.caches;
  }
  EXPECT_EQ(create({{0}, {512}, 1}), Status::Ok);
}

TEST(ZoneCreate, RefusesMetadataThatIsTooSmallOrUnaligned) {
  FakePort port;
  const ZoneConfig config{{0}, {4096}, 1};
  const std::size_t size = Zone::metadata_size(config).raw;
  const LazyMemory memory{ByteCount{size + 64}};
  EXPECT_EQ(Zone::create(port, config, memory.span().first(size - 1)).status(), Status::InvalidArgument);
  EXPECT_EQ(Zone::create(port, config, memory.span().subspan(8)).status(), Status::InvalidArgument);
  EXPECT_EQ(Zone::create(port, config, {}).status(), Status::InvalidArgument);
  EXPECT_EQ(Zone::create(port, config, memory.span().first(size)).status(), Status::Ok);
}

TEST(ZoneCreate, TablesCostAtMostTwoAndAHalfBitsAFrame) {
  const ZoneConfig config{{0}, {std::uint64_t{2} << 20}, 64};  // 8 GiB
  EXPECT_LE(Zone::metadata_size(config).raw * 16, 5 * config.frames.raw);
}

TEST(ZoneCreate, ALargeZoneIsWrittenHardlyAnywhere) {
  FakePort port;
  const ZoneConfig config{{0}, {std::uint64_t{1} << 28}, 1};  // 1 TiB
  const LazyMemory memory(Zone::metadata_size(config));
  const Result<Zone*> zone = Zone::create(port, config, memory.span());
  ASSERT_TRUE(zone.ok());
  std::vector<unsigned char> resident((memory.span().size() + 4095) / 4096);
  ASSERT_EQ(::mincore(memory.span().data(), memory.span().size(), resident.data()), 0);
  std::size_t pages = 0;
  for (const unsigned char r : resident) pages += r & 1U;
  EXPECT_LT(pages, resident.size() / 16) << "of " << resident.size();
  EXPECT_TRUE(zone.value()->cache(0).allocate({10}).ok());
}

TEST(ZoneCreate, TheLargestNumberOfCaches) {
  TestZone zone({{0}, {2048}, kMaxCaches});
  LocalCache& last = zone->cache(kMaxCaches - 1);
  const Allocation got = last.allocate();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(zone->tables().entry(static_cast<std::uint32_t>(got.pfn.raw / kBlockFrames)).owner(), kMaxCaches);
  EXPECT_TRUE(zone_check(*zone).none());
  EXPECT_EQ(last.free(got.pfn), Status::Ok);
  EXPECT_TRUE(zone_check(*zone).none());
}

// The low watermark scales with the zone: a small guest reports too (R11).
TEST(ZoneCreate, TheLowWatermarkScalesWithTheZone) {
  const auto watermark = [](std::uint64_t mib) {
    FakePort port;
    const ZoneConfig config{{0}, {mib << 8}, 1};
    const LazyMemory memory(Zone::metadata_size(config));
    return Zone::create(port, config, memory.span()).value()->low_watermark().raw;
  };
  EXPECT_EQ(watermark(64), (64 << 8) / 64);
  EXPECT_EQ(watermark(256), (256 << 8) / 64);
  EXPECT_EQ(watermark(16384), 4 * 2048u);
  EXPECT_LT(watermark(1 << 20), (1 << 28) / 64 / 16) << "sublinear in a large zone";
}

class ZoneShape : public testing::TestWithParam<ZoneConfig> {};

// Every frame of the zone is handed out once and none outside it, for any base and size.
TEST_P(ZoneShape, HandsOutExactlyItsFrames) {
  const ZoneConfig config = GetParam();
  TestZone zone(config);
  ASSERT_TRUE(zone_check(*zone).none()) << zone_check(*zone).invariant;
  EXPECT_EQ(zone_stats(*zone).free, config.frames);
  EXPECT_EQ(zone->tables().blocks() % 2, 0u) << "each block has a buddy";
  std::vector<bool> seen(config.frames.raw, false);
  for (std::uint64_t i = 0; i < config.frames.raw; ++i) {
    const Allocation got = zone->cache(0).allocate();
    ASSERT_TRUE(got.ok()) << "after " << i;
    ASSERT_TRUE(zone->contains(got.pfn, {1})) << got.pfn.raw;
    const std::uint64_t index = (got.pfn - config.base).raw;
    ASSERT_FALSE(seen[index]) << got.pfn.raw;
    seen[index] = true;
  }
  EXPECT_EQ(zone->cache(0).allocate().status, Status::NoMemory);
  EXPECT_EQ(zone_stats(*zone).free.raw, 0u);
  EXPECT_TRUE(zone_check(*zone).none()) << zone_check(*zone).invariant;
  for (std::uint64_t i = 0; i < config.frames.raw; ++i) {
    ASSERT_EQ(zone->cache(0).free(config.base + PfnCount{i}), Status::Ok);
  }
  zone->cache(0).drain();
  EXPECT_EQ(zone_stats(*zone).free, config.frames);
  EXPECT_TRUE(zone_check(*zone).none()) << zone_check(*zone).invariant;
}

// Frames of the first and the last block that lie outside the zone can be neither allocated nor freed.
TEST_P(ZoneShape, WithholdsHeadAndTail) {
  const ZoneConfig config = GetParam();
  TestZone zone(config);
  LocalCache& cache = zone->cache(0);
  EXPECT_EQ(cache.free(config.base + config.frames), Status::OutsideZone);
  EXPECT_EQ(zone->misuse().last_pfn, config.base + config.frames);
  if (config.base.raw > 0) {
    EXPECT_EQ(cache.free({config.base.raw - 1}), Status::OutsideZone);
  }
  for (std::uint8_t order = 1; order <= kMaxOrder.raw; ++order) {
    const std::uint64_t mask = frames({order}).raw - 1;
    const Pfn across_base{config.base.raw & ~mask}, across_end{(config.base + config.frames).raw & ~mask};
    if (across_base != config.base) {
      EXPECT_EQ(cache.free(across_base, {order}), Status::OutsideZone);
    }
    EXPECT_EQ(cache.free(across_end, {order}), Status::OutsideZone) << int{order};
  }
  EXPECT_TRUE(zone_check(*zone).none());
}

INSTANTIATE_TEST_SUITE_P(, ZoneShape,
                         testing::Values(ZoneConfig{{0}, {1}, 1}, ZoneConfig{{1023}, {1}, 1},
                                         ZoneConfig{{1}, {1}, 1}, ZoneConfig{{777}, {31}, 1},
                                         ZoneConfig{{0}, {512}, 1}, ZoneConfig{{512}, {512}, 1},
                                         ZoneConfig{{511}, {514}, 1}, ZoneConfig{{1024}, {1024}, 1},
                                         ZoneConfig{{4096 + 17}, {5000}, 1}, ZoneConfig{{513}, {2047}, 1},
                                         ZoneConfig{{31}, {33}, 1}, ZoneConfig{{32}, {32}, 1},
                                         ZoneConfig{{(std::uint64_t{1} << 52) - 1}, {4096}, 1}),
                         [](const testing::TestParamInfo<ZoneConfig>& info) {
                           return std::to_string(info.param.base.raw) + "_" +
                                  std::to_string(info.param.frames.raw);
                         });

}  // namespace
}  // namespace fallow::detail
