// The balloon's two ends through the C interface.
#include "tests/unit/c/c_balloon.h"

namespace fallow {
namespace {

constexpr fallow_status kInvalid = FALLOW_INVALID_ARGUMENT;
constexpr std::uint64_t kFrames = CHostSide::kFrames;

TEST(CBalloonReports, TheHostHasBackWhatTheGuestDoesNotUse) {
  for (const std::uint32_t in_flight : {1U, 4U}) {
    CBalloon pair;
    pair.config.in_flight = in_flight;
    pair.probe();
    EXPECT_EQ(fallow_balloon_driver_reports(pair.driver), 1U);
    ASSERT_EQ(fallow_balloon_driver_register(pair.driver, "hwm:1", 0), FALLOW_OK);
    pair.pass_time(milliseconds(10));
    EXPECT_EQ(pair.host.discarded, kFrames);
    EXPECT_EQ(pair.host.stats().released, kFrames * FALLOW_FRAME_SIZE);
    EXPECT_EQ(pair.host.stats().refused, 0U);
    EXPECT_EQ(pair.host.stats().driver_mistakes, 0U);
    EXPECT_EQ(pair.rig.stats().reported, kFrames);
    EXPECT_EQ(pair.stats().requests, stats_of(pair.rig.reporter()).requests);
    EXPECT_EQ(fallow_balloon_driver_unregister(pair.driver), FALLOW_OK);
  }
}

TEST(CBalloonReports, WithOtherFeatures) {
  for (const std::uint64_t features :
       {FALLOW_F_VERSION_1 | FALLOW_BALLOON_F_REPORTING,
        FALLOW_F_VERSION_1 | FALLOW_BALLOON_F_REPORTING | FALLOW_F_RING_PACKED | FALLOW_F_INDIRECT_DESC}) {
    CBalloon pair;
    pair.config.features = features;
    pair.config.queue_size = 64;
    pair.config.capacity = 5;
    pair.probe();
    EXPECT_EQ(fallow_balloon_device_accepted(pair.host.device), features);
    ASSERT_EQ(fallow_balloon_driver_register(pair.driver, "hwm:1", FALLOW_REPORT_SINGLE_FRAMES), FALLOW_OK);
    pair.pass_time(milliseconds(10));
    EXPECT_EQ(pair.host.discarded, kFrames);
    EXPECT_EQ(fallow_balloon_driver_unregister(pair.driver), FALLOW_OK);
  }
}

TEST(CBalloonReports, VersionOneAloneAcceptsNoOtherFeature) {
  CBalloon pair;
  pair.config.features = FALLOW_F_VERSION_1;
  pair.probe();
  EXPECT_EQ(fallow_balloon_device_accepted(pair.host.device), FALLOW_F_VERSION_1);
  EXPECT_EQ(fallow_balloon_driver_reports(pair.driver), 0U);
  EXPECT_EQ(fallow_balloon_driver_register(pair.driver, nullptr, 0), FALLOW_NOT_FOUND);
}

// Uses the transport that the device itself provides: the driver learns of its buffers while they are
// served.
TEST(CBalloonReports, OverTheTransportOfTheDevice) {
  CBalloon pair;
  struct Guest {
    CBalloon& pair;
    int used, changed;
  } guest{pair, 0, 0};
  CHostSide host;
  host.config.context = &guest;
  host.config.queue_used = [](void* of, std::uint32_t queue) {
    auto& self = *static_cast<Guest*>(of);
    ++self.used;
    EXPECT_EQ(fallow_balloon_driver_queue_used(self.pair.driver, queue), FALLOW_OK);
  };
  host.config.config_changed = [](void* of) {
    auto& self = *static_cast<Guest*>(of);
    ++self.changed;
    EXPECT_EQ(fallow_balloon_driver_config_changed(self.pair.driver), FALLOW_OK);
  };
  host.config.statistics = nullptr;
  host.config.hinted = nullptr;
  host.config.actual_changed = nullptr;
  host.create();
  pair.config.shared = host.memory() + kFrames * FALLOW_FRAME_SIZE;
  EXPECT_EQ(fallow_balloon_device_transport(nullptr, &pair.config.transport), kInvalid);
  EXPECT_EQ(fallow_balloon_device_transport(host.device, nullptr), kInvalid);
  ASSERT_EQ(fallow_balloon_device_transport(host.device, &pair.config.transport), FALLOW_OK);
  pair.config.in_flight = 4;
  pair.probe();
  ASSERT_EQ(fallow_balloon_driver_register(pair.driver, "hwm:1", 0), FALLOW_OK);
  pair.pass_time(milliseconds(10));
  EXPECT_EQ(host.discarded, kFrames);
  EXPECT_GT(guest.used, 0);
  ASSERT_EQ(fallow_balloon_device_set_target(host.device, 3000), FALLOW_OK);
  pair.pass_time(seconds(5));
  EXPECT_EQ(fallow_balloon_device_actual(host.device), 3000U);
  EXPECT_GT(guest.changed, 0);
  ASSERT_EQ(fallow_balloon_device_request_statistics(host.device), FALLOW_OK);
  pair.pass_time(milliseconds(10));
  fallow_guest_statistics statistics;
  ASSERT_EQ(fallow_balloon_device_guest_statistics(host.device, &statistics), FALLOW_OK);
  EXPECT_GT(statistics.updates, 1U);
  EXPECT_EQ(fallow_balloon_driver_reset_reporting_queue(pair.driver), FALLOW_OK);
  EXPECT_EQ(host.stats().driver_mistakes, 0U);
  EXPECT_EQ(fallow_balloon_driver_unregister(pair.driver), FALLOW_OK);
  EXPECT_EQ(fallow_balloon_driver_destroy(pair.driver), FALLOW_OK);
  pair.driver = nullptr;
  EXPECT_EQ(host.stats().inflated, 0U);
  EXPECT_EQ(fallow_balloon_device_destroy(host.device), FALLOW_OK);
}

TEST(CBalloonReports, APausedDeviceReleasesNothing) {
  CBalloon pair;
  pair.probe();
  ASSERT_EQ(fallow_balloon_device_pause_reporting(pair.host.device, 1), FALLOW_OK);
  ASSERT_EQ(fallow_balloon_driver_register(pair.driver, "hwm:1", 0), FALLOW_OK);
  pair.pass_time(milliseconds(10));
  EXPECT_EQ(pair.host.discarded, 0U);
  EXPECT_GT(pair.host.stats().paused, 0U);
  EXPECT_EQ(fallow_balloon_driver_unregister(pair.driver), FALLOW_OK);
}

TEST(CBalloonLife, ADeviceThatKeepsARequestLosesItAtTheReset) {
  CBalloon pair;
  pair.probe();
  ASSERT_EQ(fallow_balloon_driver_register(pair.driver, "hwm:1", 0), FALLOW_OK);
  pair.host.deaf = true;
  pair.pass_time(milliseconds(10));
  EXPECT_EQ(stats_of(pair.rig.reporter()).in_flight, 1U);
  EXPECT_EQ(fallow_balloon_driver_reset_reporting_queue(pair.driver), FALLOW_OK);
  EXPECT_EQ(stats_of(pair.rig.reporter()).in_flight, 0U);
  EXPECT_EQ(stats_of(pair.rig.reporter()).failures, 1U);
  pair.host.deaf = false;
  EXPECT_EQ(fallow_balloon_driver_recover(pair.driver), FALLOW_OK);
  pair.pass_time(seconds(1));
  EXPECT_EQ(pair.rig.stats().reported, kFrames);
  EXPECT_EQ(pair.stats().abandoned, 1U);
  EXPECT_EQ(fallow_balloon_driver_unregister(pair.driver), FALLOW_OK);
}

TEST(CBalloonLife, WithoutTheResetOfAQueueTheFeatureIsNotAccepted) {
  CBalloon pair;
  pair.config.transport.reset_queue = nullptr;
  pair.probe();
  EXPECT_NE(fallow_balloon_device_offered(pair.host.device) & FALLOW_F_RING_RESET, 0U);
  EXPECT_EQ(fallow_balloon_device_accepted(pair.host.device) & FALLOW_F_RING_RESET, 0U);
  EXPECT_EQ(fallow_balloon_driver_reset_reporting_queue(pair.driver), FALLOW_NOT_FOUND);
}

TEST(CBalloonInflate, FollowsTheTargetBothWays) {
  CBalloon pair;
  pair.probe();
  EXPECT_EQ(fallow_balloon_device_set_target(pair.host.device, std::uint64_t{1} << 32), kInvalid);
  for (const std::uint64_t target : {4096U, 1000U, 0U}) {
    ASSERT_EQ(fallow_balloon_device_set_target(pair.host.device, target), FALLOW_OK);
    pair.pass_time(seconds(5));
    EXPECT_EQ(fallow_balloon_device_target(pair.host.device), target);
    EXPECT_EQ(fallow_balloon_device_actual(pair.host.device), target);
    EXPECT_EQ(pair.stats().inflated, target);
    EXPECT_EQ(pair.host.stats().inflated, target);
    EXPECT_EQ(pair.rig.stats().used, target);
  }
  EXPECT_GE(pair.host.discarded, 4096U);
  EXPECT_GT(pair.host.actual_changes, 0);
}

TEST(CBalloonInflate, DeflatesForAnAllocationThatFailed) {
  CBalloon pair;
  pair.probe();
  ASSERT_EQ(fallow_balloon_device_set_target(pair.host.device, 4096), FALLOW_OK);
  pair.pass_time(seconds(5));
  EXPECT_GE(fallow_balloon_driver_deflate_on_oom(pair.driver, 100), 100U);
  EXPECT_LE(pair.stats().inflated, 4096U - 100);
}

TEST(CBalloonInflate, FramesThatComeBackAreFilledWithThePoison) {
  CBalloon pair;
  std::uint64_t filled = 0;
  pair.config.features = FALLOW_BALLOON_F_PAGE_POISON;
  pair.config.poisons = 1;
  pair.config.poison = 0xaaaaaaaa;
  pair.config.fill = [](void* sum, std::uint64_t, std::uint64_t count) {
    *static_cast<std::uint64_t*>(sum) += count;
  };
  pair.config.fill_context = &filled;
  pair.probe();
  for (const std::uint64_t target : {500U, 0U}) {
    ASSERT_EQ(fallow_balloon_device_set_target(pair.host.device, target), FALLOW_OK);
    pair.pass_time(seconds(5));
  }
  EXPECT_EQ(filled, 500U);
}

TEST(CBalloonStatistics, ArriveOnRequest) {
  CBalloon pair;
  EXPECT_EQ(fallow_balloon_device_request_statistics(pair.host.device), FALLOW_NOT_FOUND);
  pair.probe();
  pair.pass_time(milliseconds(10));
  ASSERT_EQ(fallow_balloon_device_request_statistics(pair.host.device), FALLOW_OK);
  EXPECT_EQ(fallow_balloon_device_request_statistics(pair.host.device), FALLOW_BUSY);
  pair.pass_time(milliseconds(10));
  EXPECT_GT(pair.host.statistics, 0);
  fallow_guest_statistics statistics;
  ASSERT_EQ(fallow_balloon_device_guest_statistics(pair.host.device, &statistics), FALLOW_OK);
  EXPECT_NE(statistics.present & 1U << 4, 0U);
  EXPECT_EQ(statistics.value[4], kFrames * FALLOW_FRAME_SIZE) << "free memory";
  EXPECT_EQ(statistics.updates, static_cast<std::uint64_t>(pair.host.statistics));
}

TEST(CBalloonHints, ARoundNamesFreeMemory) {
  CBalloon pair;
  EXPECT_EQ(fallow_balloon_device_start_hinting(pair.host.device), FALLOW_NOT_FOUND);
  EXPECT_EQ(fallow_balloon_device_stop_hinting(pair.host.device), FALLOW_NOT_FOUND);
  EXPECT_EQ(fallow_balloon_device_finish_hinting(pair.host.device), FALLOW_NOT_FOUND);
  pair.probe();
  ASSERT_EQ(fallow_balloon_device_start_hinting(pair.host.device), FALLOW_OK);
  pair.pass_time(seconds(1));
  EXPECT_GT(pair.host.hinted, 0U);
  EXPECT_EQ(pair.host.hinted, pair.host.stats().hinted);
  EXPECT_EQ(fallow_balloon_device_stop_hinting(pair.host.device), FALLOW_OK);
  EXPECT_EQ(fallow_balloon_device_finish_hinting(pair.host.device), FALLOW_OK);
  pair.pass_time(seconds(1));
}

TEST(CDriverMisuse, OutOfOrder) {
  CBalloon pair;
  pair.create();
  EXPECT_EQ(fallow_balloon_driver_reports(pair.driver), 0U);
  EXPECT_EQ(fallow_balloon_driver_register(pair.driver, nullptr, 0), FALLOW_NOT_FOUND) << "not probed";
  EXPECT_EQ(fallow_balloon_driver_unregister(pair.driver), FALLOW_NOT_FOUND);
  EXPECT_EQ(fallow_balloon_driver_recover(pair.driver), FALLOW_NOT_FOUND);
  EXPECT_EQ(fallow_balloon_driver_reset_reporting_queue(pair.driver), FALLOW_NOT_FOUND);
  EXPECT_EQ(fallow_balloon_driver_remove(pair.driver), FALLOW_OK) << "nothing to remove";
  EXPECT_EQ(fallow_balloon_driver_work(pair.driver), FALLOW_NEVER);
  EXPECT_EQ(fallow_balloon_driver_deflate_on_oom(pair.driver, 1), 0U);
  EXPECT_EQ(fallow_balloon_driver_queue_used(pair.driver, 0), FALLOW_OK) << "a late interrupt";
  EXPECT_EQ(fallow_balloon_driver_queue_used(pair.driver, 65536), kInvalid);
  ASSERT_EQ(fallow_balloon_driver_probe(pair.driver), FALLOW_OK);
  EXPECT_EQ(fallow_balloon_driver_probe(pair.driver), FALLOW_BUSY);
  EXPECT_EQ(fallow_balloon_driver_register(pair.driver, "hwm:0", 0), kInvalid);
  EXPECT_EQ(fallow_balloon_driver_register(pair.driver, nullptr, 11), kInvalid);
  ASSERT_EQ(fallow_balloon_driver_register(pair.driver, nullptr, 0), FALLOW_OK);
  EXPECT_EQ(fallow_balloon_driver_register(pair.driver, nullptr, 0), FALLOW_BUSY);
  EXPECT_EQ(fallow_balloon_driver_remove(pair.driver), FALLOW_BUSY) << "registered";
  EXPECT_EQ(fallow_balloon_driver_destroy(pair.driver), FALLOW_BUSY) << "registered";
  CTestDevice other(pair.rig.port);
  EXPECT_EQ(fallow_page_reporting_register(pair.rig.reporter(), &other, nullptr), FALLOW_BUSY);
  EXPECT_EQ(fallow_balloon_driver_unregister(pair.driver), FALLOW_OK);
  EXPECT_EQ(fallow_balloon_driver_unregister(pair.driver), FALLOW_NOT_FOUND);
  EXPECT_EQ(fallow_reporter_destroy(pair.rig.reporter()), FALLOW_BUSY) << "the driver completes with it";
  EXPECT_EQ(fallow_balloon_driver_remove(pair.driver), FALLOW_OK);
  EXPECT_EQ(fallow_balloon_driver_probe(pair.driver), FALLOW_OK) << "again";
}

TEST(CDriverMisuse, ConfigurationsThatCannotWork) {
  CBalloon pair;
  CRig other(kFrames);
  const std::uint64_t size = fallow_balloon_driver_size(&pair.config);
  CMemory memory(size);
  const auto refused = [&](auto change) {
    fallow_balloon_driver_config config = pair.config;
    change(config);
    auto* driver = reinterpret_cast<fallow_balloon_driver*>(0x40);
    EXPECT_EQ(fallow_balloon_driver_create(&config, memory.get(), size, &driver), kInvalid);
    EXPECT_EQ(driver, nullptr);
  };
  refused([](auto& config) { config.reporter = nullptr; });
  refused([](auto& config) { config.zone = nullptr; });
  refused([](auto& config) { config.cache = nullptr; });
  refused([&](auto& config) { config.reporter = other.reporter(); });
  refused([&](auto& config) { config.cache = other.cache(); });
  refused([](auto& config) { config.shared = nullptr; });
  refused([](auto& config) { config.shared = static_cast<char*>(config.shared) + 64; });
  refused([](auto& config) { config.shared_address += 8; });
  refused([](auto& config) { config.shared_size = fallow_balloon_driver_shared_size(&config) - 1; });
  refused([](auto& config) { config.queue_size = 32769; });
  refused([](auto& config) { config.in_flight = 65537; });
  refused([](auto& config) { config.transport.notify = nullptr; });
  refused([](auto& config) { config.transport.start_queue = nullptr; });
  refused([](auto& config) { config.transport.offered = nullptr; });
  fallow_balloon_driver* driver = nullptr;
  EXPECT_EQ(fallow_balloon_driver_create(&pair.config, memory.get(), size - 1, &driver), kInvalid);
  EXPECT_EQ(fallow_balloon_driver_create(&pair.config, nullptr, size, &driver), kInvalid);
  EXPECT_EQ(fallow_balloon_driver_create(&pair.config, memory.get(), size, nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_driver_create(nullptr, memory.get(), size, &driver), kInvalid);
  EXPECT_EQ(fallow_balloon_driver_size(nullptr), 0U);
  EXPECT_EQ(fallow_balloon_driver_shared_size(nullptr), 0U);
}

TEST(CDriverMisuse, EveryCallWithNull) {
  fallow_balloon_driver_stats stats;
  EXPECT_EQ(fallow_balloon_driver_destroy(nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_driver_probe(nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_driver_remove(nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_driver_recover(nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_driver_reset_reporting_queue(nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_driver_reports(nullptr), 0U);
  EXPECT_EQ(fallow_balloon_driver_register(nullptr, nullptr, 0), kInvalid);
  EXPECT_EQ(fallow_balloon_driver_unregister(nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_driver_queue_used(nullptr, 0), kInvalid);
  EXPECT_EQ(fallow_balloon_driver_config_changed(nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_driver_work(nullptr), FALLOW_NEVER);
  EXPECT_EQ(fallow_balloon_driver_next_deadline(nullptr), FALLOW_NEVER);
  EXPECT_EQ(fallow_balloon_driver_deflate_on_oom(nullptr, 1), 0U);
  EXPECT_EQ(fallow_balloon_driver_get_stats(nullptr, &stats), kInvalid);
  CBalloon pair;
  pair.create();
  EXPECT_EQ(fallow_balloon_driver_get_stats(pair.driver, nullptr), kInvalid);
}

TEST(CDeviceMisuse, ConfigurationsThatCannotWork) {
  CHostSide host;
  const std::uint64_t size = fallow_balloon_device_size(&host.config);
  CMemory memory(size);
  const auto refused = [&](auto change) {
    fallow_balloon_device_config config = host.config;
    fallow_backing backing = host.backing;
    fallow_mapped_region regions[2] = {host.region, host.region};
    regions[0].backing = regions[1].backing = &backing;
    config.regions = regions;
    change(config, regions, backing);
    auto* device = reinterpret_cast<fallow_balloon_device*>(0x40);
    EXPECT_EQ(fallow_balloon_device_create(&config, memory.get(), size, &device), kInvalid);
    EXPECT_EQ(device, nullptr);
  };
  refused([](auto& config, auto&, auto&) { config.regions = nullptr; });
  refused([](auto& config, auto&, auto&) { config.region_count = 0; });
  refused([](auto& config, auto&, auto&) { config.region_count = 65; });
  refused([](auto& config, auto&, auto&) { config.region_count = 2; });  // they overlap
  refused([](auto& config, auto&, auto&) { config.max_queue_size = 32769; });
  refused([](auto& config, auto&, auto&) { config.queue_used = nullptr; });
  refused([](auto& config, auto&, auto&) { config.config_changed = nullptr; });
  refused([](auto&, auto& regions, auto&) { regions[0].host = nullptr; });
  refused([](auto&, auto& regions, auto&) { regions[0].backing = nullptr; });
  refused([](auto&, auto& regions, auto&) { regions[0].size -= 1; });
  refused([](auto&, auto& regions, auto&) { regions[0].size = 0; });
  refused([](auto&, auto& regions, auto&) { regions[0].guest_address = 8; });
  refused([](auto&, auto&, auto& backing) { backing.discard = nullptr; });
  refused([](auto&, auto&, auto& backing) { backing.page_frames = 3; });
  refused([](auto&, auto&, auto& backing) { backing.content_after = 3; });
  fallow_balloon_device* device = nullptr;
  EXPECT_EQ(fallow_balloon_device_create(&host.config, memory.get(), size - 1, &device), kInvalid);
  EXPECT_EQ(fallow_balloon_device_create(&host.config, nullptr, size, &device), kInvalid);
  EXPECT_EQ(fallow_balloon_device_create(&host.config, memory.get(), size, nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_device_create(nullptr, memory.get(), size, &device), kInvalid);
  EXPECT_EQ(fallow_balloon_device_size(nullptr), 0U);
}

TEST(CDeviceMisuse, EveryCallWithNullOrOutOfRange) {
  CHostSide host;
  host.create();
  fallow_queue_addresses at = {};
  fallow_guest_statistics statistics;
  fallow_balloon_device_stats stats;
  std::uint32_t word = 1;
  EXPECT_EQ(fallow_balloon_device_destroy(nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_device_offered(nullptr), 0U);
  EXPECT_EQ(fallow_balloon_device_accepted(nullptr), 0U);
  EXPECT_EQ(fallow_balloon_device_accept(nullptr, 0), kInvalid);
  EXPECT_EQ(fallow_balloon_device_status(nullptr), 0U);
  EXPECT_EQ(fallow_balloon_device_set_status(nullptr, 0), kInvalid);
  EXPECT_EQ(fallow_balloon_device_config_generation(nullptr), 0U);
  EXPECT_EQ(fallow_balloon_device_read_config(nullptr, 0, &word, 4), kInvalid);
  EXPECT_EQ(fallow_balloon_device_read_config(host.device, 0, nullptr, 4), kInvalid);
  EXPECT_EQ(fallow_balloon_device_read_config(host.device, 0xfffffffe, &word, 4), FALLOW_OK);
  EXPECT_EQ(word, 0U) << "beyond the end";
  EXPECT_EQ(fallow_balloon_device_write_config(nullptr, 0, &word, 4), kInvalid);
  EXPECT_EQ(fallow_balloon_device_write_config(host.device, 0, nullptr, 4), kInvalid);
  EXPECT_EQ(fallow_balloon_device_max_queue_size(nullptr, 0), 0U);
  EXPECT_EQ(fallow_balloon_device_max_queue_size(host.device, 5), 0U);
  EXPECT_EQ(fallow_balloon_device_max_queue_size(host.device, 0x10000), 0U);
  EXPECT_EQ(fallow_balloon_device_start_queue(nullptr, 0, &at), kInvalid);
  EXPECT_EQ(fallow_balloon_device_start_queue(host.device, 0, nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_device_start_queue(host.device, 0x10000, &at), kInvalid);
  at.size = 0x10010;
  EXPECT_EQ(fallow_balloon_device_start_queue(host.device, 0, &at), kInvalid);
  EXPECT_EQ(fallow_balloon_device_stop_queue(nullptr, 0), kInvalid);
  EXPECT_EQ(fallow_balloon_device_stop_queue(host.device, 0), FALLOW_NOT_FOUND);
  EXPECT_EQ(fallow_balloon_device_stop_queue(host.device, 0x10000), FALLOW_NOT_FOUND);
  EXPECT_EQ(fallow_balloon_device_process(nullptr, 0, 1), 0U);
  EXPECT_EQ(fallow_balloon_device_process(host.device, 0xffffffff, 1), 0U);
  EXPECT_EQ(fallow_balloon_device_set_target(nullptr, 0), kInvalid);
  EXPECT_EQ(fallow_balloon_device_target(nullptr), 0U);
  EXPECT_EQ(fallow_balloon_device_actual(nullptr), 0U);
  EXPECT_EQ(fallow_balloon_device_request_statistics(nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_device_guest_statistics(nullptr, &statistics), kInvalid);
  EXPECT_EQ(fallow_balloon_device_guest_statistics(host.device, nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_device_start_hinting(nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_device_stop_hinting(nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_device_finish_hinting(nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_device_pause_reporting(nullptr, 1), kInvalid);
  EXPECT_EQ(fallow_balloon_device_get_stats(nullptr, &stats), kInvalid);
  EXPECT_EQ(fallow_balloon_device_get_stats(host.device, nullptr), kInvalid);
  EXPECT_EQ(fallow_balloon_device_destroy(host.device), FALLOW_OK);
}

}  // namespace
}  // namespace fallow
