// A wrong argument is answered with a status, and nothing changes.
#include <cstring>
#include <limits>

#include "tests/support/c_rig.h"

namespace fallow {
namespace {

constexpr std::uint64_t kFrames = 16384;
constexpr fallow_status kInvalid = FALLOW_INVALID_ARGUMENT;
// Not null at first, so that a test sees that a failed create clears it.
template <class Handle>
Handle* wild() {
  return reinterpret_cast<Handle*>(0x40);
}

TEST(CStatus, EveryNumberHasAText) {
  EXPECT_STREQ(fallow_status_text(FALLOW_OK), "ok");
  EXPECT_STREQ(fallow_status_text(FALLOW_MISALIGNED), "frame not aligned to its order");
  for (const fallow_status status : {12U, 255U, 256U, 0xffffffffU})
    EXPECT_STREQ(fallow_status_text(status), "unknown status");
  for (fallow_status status = 0; status <= FALLOW_MISALIGNED; ++status)
    EXPECT_STRNE(fallow_status_text(status), "unknown status");
  EXPECT_EQ(fallow_c_abi_version(), FALLOW_C_ABI_VERSION);
}

TEST(CZoneMisuse, ConfigurationsOutOfRange) {
  FakePort port;
  const fallow_port functions = c_port(port);
  CMemory memory(1 << 20);
  const fallow_zone_config refused[] = {{0, 0, 1, 0},
                                        {0, std::uint64_t{1} << 36, 1, 0},
                                        {std::uint64_t{1} << 52, kFrames, 1, 0},
                                        {0, kFrames, 4096, 0},
                                        {0, kFrames, std::numeric_limits<std::uint32_t>::max(), 0},
                                        {0, kFrames, 1, 2}};
  for (const fallow_zone_config& config : refused) {
    auto* zone = wild<fallow_zone>();
    EXPECT_EQ(fallow_zone_size(&config), 0U);
    EXPECT_EQ(fallow_zone_create(&functions, &config, memory.get(), 1 << 20, &zone), kInvalid);
    EXPECT_EQ(zone, nullptr);
  }
  EXPECT_EQ(fallow_zone_size(nullptr), 0U);
}

TEST(CZoneMisuse, NullAndWrongSizes) {
  FakePort port;
  fallow_port functions = c_port(port);
  const fallow_zone_config config = {0, kFrames, 0, 0};
  const std::uint64_t size = fallow_zone_size(&config);
  CMemory memory(size);
  auto* zone = wild<fallow_zone>();
  EXPECT_EQ(fallow_zone_create(nullptr, &config, memory.get(), size, &zone), kInvalid);
  EXPECT_EQ(fallow_zone_create(&functions, nullptr, memory.get(), size, &zone), kInvalid);
  EXPECT_EQ(fallow_zone_create(&functions, &config, nullptr, size, &zone), kInvalid);
  EXPECT_EQ(fallow_zone_create(&functions, &config, memory.get(), size - 1, &zone), kInvalid);
  EXPECT_EQ(fallow_zone_create(&functions, &config, memory.get(), 0, &zone), kInvalid);
  EXPECT_EQ(fallow_zone_create(&functions, &config, memory.get(), size, nullptr), kInvalid);
  functions.now = nullptr;
  EXPECT_EQ(fallow_zone_create(&functions, &config, memory.get(), size, &zone), kInvalid);
  functions = c_port(port);
  functions.release = nullptr;
  EXPECT_EQ(fallow_zone_create(&functions, &config, memory.get(), size, &zone), kInvalid)
      << "allocate without release";
  EXPECT_EQ(zone, nullptr);
}

// Whatever the alignment and the content, the zone stays inside its memory.
TEST(CZoneMisuse, AnyAlignmentAndContentWillDo) {
  FakePort port;
  const fallow_port functions = c_port(port);
  const fallow_zone_config config = {7, 3000, 3, 0};
  const std::uint64_t size = fallow_zone_size(&config);
  for (std::size_t shift = 0; shift < 64; ++shift) {
    std::vector<std::uint8_t> memory(size + 128, 0xee);
    fallow_zone* zone = nullptr;
    ASSERT_EQ(fallow_zone_create(&functions, &config, memory.data() + 32 + shift, size, &zone), FALLOW_OK);
    std::vector<std::uint64_t> got(3001);
    EXPECT_EQ(fallow_allocate_bulk(fallow_zone_cache(zone, 2), 0, FALLOW_MOVABLE, got.data(), 3001), 3000U);
    EXPECT_EQ(fallow_zone_check(zone, nullptr), nullptr);
    for (std::size_t i = 0; i < 32 + shift; ++i) ASSERT_EQ(memory[i], 0xee);
    for (std::size_t i = 32 + shift + size; i < memory.size(); ++i) ASSERT_EQ(memory[i], 0xee);
  }
}

TEST(CZoneMisuse, TheFlagLeavesZeroedMemoryUntouched) {
  FakePort port;
  const fallow_port functions = c_port(port);
  const fallow_zone_config config = {0, std::uint64_t{1} << 24, 1, FALLOW_ZONE_MEMORY_IS_ZERO};
  const std::uint64_t size = fallow_zone_size(&config);
  std::vector<std::uint8_t> memory(size);
  fallow_zone* zone = nullptr;
  ASSERT_EQ(fallow_zone_create(&functions, &config, memory.data(), size, &zone), FALLOW_OK);
  std::size_t written = 0;
  for (const std::uint8_t byte : memory) written += byte != 0;
  EXPECT_LT(written, 4096U);
  EXPECT_EQ(stats_of(zone).free, std::uint64_t{1} << 24);
}

TEST(CZoneMisuse, EveryCallWithNull) {
  fallow_zone_stats stats;
  fallow_misuse misuse;
  std::uint64_t a = 0, b = 0;
  CRig rig(kFrames);
  EXPECT_EQ(fallow_zone_destroy(nullptr), kInvalid);
  EXPECT_EQ(fallow_zone_cache(nullptr, 0), nullptr);
  EXPECT_EQ(fallow_zone_cache(rig.zone(), 1), nullptr) << "one thread more than there are caches";
  EXPECT_EQ(fallow_zone_cache(rig.zone(), 0xffffffff), nullptr);
  EXPECT_EQ(fallow_zone_request_drain(nullptr), kInvalid);
  EXPECT_EQ(fallow_zone_reserve(nullptr, 0, 1), kInvalid);
  EXPECT_EQ(fallow_zone_get_stats(nullptr, &stats), kInvalid);
  EXPECT_EQ(fallow_zone_get_stats(rig.zone(), nullptr), kInvalid);
  EXPECT_EQ(fallow_zone_free_area(nullptr, 0, &a, &b), kInvalid);
  EXPECT_EQ(fallow_zone_free_area(rig.zone(), 11, &a, &b), kInvalid);
  EXPECT_EQ(fallow_zone_free_area(rig.zone(), 0, nullptr, &b), kInvalid);
  EXPECT_EQ(fallow_zone_free_area(rig.zone(), 0, &a, nullptr), kInvalid);
  EXPECT_EQ(fallow_zone_misuse(nullptr, &misuse), kInvalid);
  EXPECT_EQ(fallow_zone_misuse(rig.zone(), nullptr), kInvalid);
  EXPECT_NE(fallow_zone_check(nullptr, &a), nullptr);
  EXPECT_EQ(fallow_cache_drain(nullptr), kInvalid);
  EXPECT_EQ(fallow_cache_retire(nullptr), kInvalid);
  EXPECT_EQ(fallow_allocate(nullptr, 0, 0).status, kInvalid);
  EXPECT_EQ(fallow_free(nullptr, 0, 0), kInvalid);
  EXPECT_EQ(fallow_allocate_bulk(nullptr, 0, 0, &a, 1), 0U);
  EXPECT_EQ(fallow_allocate_bulk(rig.cache(), 0, 0, nullptr, 1), 0U);
  fallow_status why = FALLOW_OK;
  EXPECT_EQ(fallow_free_bulk(nullptr, 0, &a, 1, &why), 0U);
  EXPECT_EQ(why, kInvalid);
  EXPECT_EQ(fallow_free_bulk(rig.cache(), 0, nullptr, 1, nullptr), 0U);
}

TEST(CZoneMisuse, OrdersAndMobilitiesOutOfRange) {
  CRig rig(kFrames);
  std::uint64_t pfn = 0;
  for (const std::uint32_t order : {11U, 255U, 256U, 265U, 0xffffffffU}) {
    const fallow_allocation got = fallow_allocate(rig.cache(), order, FALLOW_MOVABLE);
    EXPECT_EQ(got.status, kInvalid);
    EXPECT_EQ(got.pfn, 0U);
    EXPECT_EQ(fallow_free(rig.cache(), 0, order), kInvalid);
    EXPECT_EQ(fallow_allocate_bulk(rig.cache(), order, FALLOW_MOVABLE, &pfn, 1), 0U);
    EXPECT_EQ(fallow_free_bulk(rig.cache(), order, &pfn, 1, nullptr), 0U);
  }
  for (const std::uint32_t mobility : {3U, 256U, 0xffffffffU}) {
    EXPECT_EQ(fallow_allocate(rig.cache(), 0, mobility).status, kInvalid);
    EXPECT_EQ(fallow_allocate_bulk(rig.cache(), 0, mobility, &pfn, 1), 0U);
  }
  EXPECT_EQ(rig.stats().free, kFrames);
}

TEST(CZoneMisuse, FreesThatAreRefusedAreCounted) {
  CRig rig(kFrames);
  fallow_misuse misuse;
  ASSERT_EQ(fallow_zone_misuse(rig.zone(), &misuse), FALLOW_OK);
  EXPECT_EQ(misuse.count, 0U);
  EXPECT_EQ(misuse.last, FALLOW_OK);
  const fallow_allocation got = fallow_allocate(rig.cache(), 3, FALLOW_MOVABLE);
  ASSERT_EQ(got.status, FALLOW_OK);
  EXPECT_EQ(fallow_free(rig.cache(), got.pfn + 1, 3), FALLOW_MISALIGNED);
  EXPECT_EQ(fallow_free(rig.cache(), kFrames, 0), FALLOW_OUTSIDE_ZONE);
  EXPECT_EQ(fallow_free(rig.cache(), ~std::uint64_t{0}, 0), FALLOW_OUTSIDE_ZONE);
  EXPECT_EQ(fallow_free(rig.cache(), got.pfn, 3), FALLOW_OK);
  EXPECT_EQ(fallow_free(rig.cache(), got.pfn, 3), FALLOW_NOT_ALLOCATED) << "a double free";
  ASSERT_EQ(fallow_zone_misuse(rig.zone(), &misuse), FALLOW_OK);
  EXPECT_EQ(misuse.count, 4U);
  EXPECT_EQ(misuse.last_pfn, got.pfn);
  EXPECT_EQ(misuse.last, FALLOW_NOT_ALLOCATED);
}

TEST(CZoneMisuse, ABulkFreeStopsAtTheFirstThatIsRefused) {
  CRig rig(kFrames);
  std::uint64_t pfn[8];
  ASSERT_EQ(fallow_allocate_bulk(rig.cache(), 0, FALLOW_UNMOVABLE, pfn, 8), 8U);
  const std::uint64_t fifth = pfn[5];
  pfn[5] = pfn[2];
  fallow_status why = FALLOW_OK;
  EXPECT_EQ(fallow_free_bulk(rig.cache(), 0, pfn, 8, &why), 5U);
  EXPECT_EQ(why, FALLOW_NOT_ALLOCATED);
  pfn[5] = fifth;
  EXPECT_EQ(fallow_free_bulk(rig.cache(), 0, pfn + 5, 3, &why), 3U);
  EXPECT_EQ(why, FALLOW_OK);
  EXPECT_EQ(rig.stats().free, kFrames);
}

TEST(CZoneMisuse, ReserveOutsideTwiceOrAfterUse) {
  CRig rig(kFrames);
  EXPECT_EQ(fallow_zone_reserve(rig.zone(), kFrames - 1, 2), kInvalid);
  EXPECT_EQ(fallow_zone_reserve(rig.zone(), ~std::uint64_t{0}, 2), kInvalid);
  EXPECT_EQ(fallow_zone_reserve(rig.zone(), 100, 50), FALLOW_OK);
  EXPECT_EQ(fallow_zone_reserve(rig.zone(), 149, 1), kInvalid);
  EXPECT_EQ(rig.stats().reserved, 50U);
}

TEST(CReporterMisuse, NullAndWrongSizes) {
  FakePort port;
  const fallow_port functions = c_port(port);
  const fallow_zone_config zone_config = {0, kFrames, 1, 0};
  CMemory zone_memory(fallow_zone_size(&zone_config));
  fallow_zone* zone = nullptr;
  ASSERT_EQ(
      fallow_zone_create(&functions, &zone_config, zone_memory.get(), fallow_zone_size(&zone_config), &zone),
      FALLOW_OK);
  const fallow_reporter_config good = {&zone, 1, 0, 0};
  const std::uint64_t size = fallow_reporter_size(&good);
  CMemory memory(size);
  auto* reporter = wild<fallow_reporter>();
  const auto refused = [&](const fallow_port* p, const fallow_reporter_config* config, void* at,
                           std::uint64_t bytes, fallow_status why) {
    reporter = wild<fallow_reporter>();
    EXPECT_EQ(fallow_reporter_create(p, config, at, bytes, &reporter), why);
    EXPECT_EQ(reporter, nullptr);
  };
  refused(nullptr, &good, memory.get(), size, kInvalid);
  refused(&functions, nullptr, memory.get(), size, kInvalid);
  refused(&functions, &good, nullptr, size, kInvalid);
  refused(&functions, &good, memory.get(), size - 1, kInvalid);
  EXPECT_EQ(fallow_reporter_create(&functions, &good, memory.get(), size, nullptr), kInvalid);

  fallow_zone* const twice[] = {zone, zone};
  fallow_zone* const with_null[] = {zone, nullptr};
  const fallow_reporter_config bad[] = {
      {nullptr, 1, 0, 0}, {&zone, 0, 0, 0}, {&zone, 65, 0, 0}, {&zone, 1, 0, 65537}, {with_null, 2, 0, 0}};
  for (const fallow_reporter_config& config : bad) refused(&functions, &config, memory.get(), size, kInvalid);
  const fallow_reporter_config both = {twice, 2, 0, 0};
  refused(&functions, &both, memory.get(), size, FALLOW_BUSY);

  ASSERT_EQ(fallow_reporter_create(&functions, &good, memory.get(), size, &reporter), FALLOW_OK);
  fallow_reporter* const first = reporter;
  CMemory other(size);
  refused(&functions, &good, other.get(), size, FALLOW_BUSY);
  EXPECT_EQ(fallow_zone_destroy(zone), FALLOW_BUSY) << "the reporter uses the zone";
  EXPECT_EQ(fallow_reporter_destroy(first), FALLOW_OK);
  EXPECT_EQ(fallow_reporter_destroy(first), kInvalid) << "destroyed twice";
  EXPECT_EQ(fallow_zone_destroy(zone), FALLOW_OK);
  EXPECT_EQ(fallow_zone_destroy(zone), kInvalid) << "destroyed twice";
  refused(&functions, &good, memory.get(), size, kInvalid);
}

TEST(CReporterMisuse, EveryCallWithNullOrADestroyedReporter) {
  FakePort port;
  CTestDevice device(port);
  fallow_reporting_stats stats;
  alignas(64) std::uint64_t other[64] = {};  // memory that is no reporter, aligned and misaligned
  for (fallow_reporter* reporter :
       {static_cast<fallow_reporter*>(nullptr), reinterpret_cast<fallow_reporter*>(other),
        reinterpret_cast<fallow_reporter*>(other + 1)}) {
    EXPECT_EQ(fallow_reporter_destroy(reporter), kInvalid);
    EXPECT_EQ(fallow_page_reporting_register(reporter, &device, nullptr), kInvalid);
    EXPECT_EQ(fallow_page_reporting_unregister(reporter, &device), kInvalid);
    EXPECT_EQ(fallow_page_reporting_complete(reporter, 0, FALLOW_OK), kInvalid);
    EXPECT_EQ(fallow_page_reporting_requested(reporter, 0), 0U);
    EXPECT_EQ(fallow_forget_reported(reporter), kInvalid);
    EXPECT_EQ(fallow_reporter_run(reporter), FALLOW_NEVER);
    EXPECT_EQ(fallow_reporter_next_deadline(reporter), FALLOW_NEVER);
    EXPECT_EQ(fallow_reporter_get_stats(reporter, &stats), kInvalid);
  }
  CRig rig(kFrames);
  EXPECT_EQ(fallow_page_reporting_register(rig.reporter(), nullptr, nullptr), kInvalid);
  EXPECT_EQ(fallow_page_reporting_unregister(rig.reporter(), nullptr), kInvalid);
  EXPECT_EQ(fallow_page_reporting_requested(rig.reporter(), 1), 0U);
  EXPECT_EQ(fallow_page_reporting_requested(rig.reporter(), 0xffffffff), 0U);
  EXPECT_EQ(fallow_page_reporting_complete(rig.reporter(), 0, FALLOW_OK), kInvalid);
  EXPECT_EQ(fallow_reporter_get_stats(rig.reporter(), nullptr), kInvalid);
}

TEST(CReporterMisuse, TheMemoryOfTheReporterHoldsWhatItWasMadeFor) {
  std::uint64_t time = 0;
  const fallow_port functions = {.context = &time,
                                 .now = [](void* t) { return *static_cast<std::uint64_t*>(t) += 1000; },
                                 .wake_at = nullptr,
                                 .relax = nullptr,
                                 .current = nullptr,
                                 .allocate = nullptr,
                                 .release = nullptr};
  const fallow_zone_config zone_config = {0, kFrames, 1, 0};
  CMemory zone_memory(fallow_zone_size(&zone_config));
  fallow_zone* zone = nullptr;
  ASSERT_EQ(
      fallow_zone_create(&functions, &zone_config, zone_memory.get(), fallow_zone_size(&zone_config), &zone),
      FALLOW_OK);
  FakePort port;
  for (const auto& [capacity, depth] : {std::pair{32U, 1U}, {1U, 1U}, {7U, 5U}, {1000U, 64U}, {1U, 65536U}}) {
    const fallow_reporter_config config = {&zone, 1, capacity, depth};
    const std::uint64_t size = fallow_reporter_size(&config);
    CMemory memory(size);
    fallow_reporter* reporter = nullptr;
    ASSERT_EQ(fallow_reporter_create(&functions, &config, memory.get(), size, &reporter), FALLOW_OK);
    for (int round = 0; round < 3; ++round) {
      CTestDevice device(port, capacity, depth);
      ASSERT_EQ(fallow_page_reporting_register(reporter, &device, "hwm:1"), FALLOW_OK) << capacity << depth;
      while (fallow_reporter_run(reporter) != FALLOW_NEVER) {
      }
      EXPECT_EQ(device.record.batches.empty(), round > 0);
      ASSERT_EQ(fallow_page_reporting_unregister(reporter, &device), FALLOW_OK);
    }
    CTestDevice larger(port, capacity * 2 + 100, depth);
    EXPECT_EQ(fallow_page_reporting_register(reporter, &larger, nullptr), FALLOW_NO_MEMORY);
    EXPECT_EQ(fallow_reporter_destroy(reporter), FALLOW_OK);
  }
}

}  // namespace
}  // namespace fallow
