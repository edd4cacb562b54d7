// Four threads allocate and free while a device registers, reports, fails and unregisters, and other threads
// read the counts. No frame has two owners, no frame is lost, and the test ends.
#include <cstdlib>
#include <string>

#include "fallow/host/hosted_port.h"
#include "fallow/reporting/policies.h"
#include "tests/stress/allocating_thread.h"
#include "tests/stress/overwriting_device.h"
#include "tests/stress/watchdog.h"
#include "tests/support/zone_box.h"

namespace fallow {
namespace {

constexpr unsigned kThreads = 4;
constexpr unsigned kCases = 3;

std::chrono::milliseconds duration_of_a_case() {
  const char* const text = std::getenv("FALLOW_STRESS_SECONDS");
  const long seconds = text != nullptr ? std::strtol(text, nullptr, 10) : 10;
  return std::chrono::milliseconds((seconds > 0 ? seconds : 10) * 1000 / kCases);
}

class Stress {
 public:
  Stress(std::size_t zones, const DeviceKind& kind)
      : kind_(kind), memory_(Pfn{}, PfnCount{zones * kZoneSize.raw}) {
    for (std::size_t i = 0; i < zones; ++i) {
      boxes_.push_back(std::make_unique<ZoneBox>(port_, kZoneSize, kThreads, Pfn{i * kZoneSize.raw}));
      zones_.push_back(&boxes_.back()->zone());
    }
    reporter_ = std::make_unique<Reporter>(port_, zones_);
    for (unsigned i = 0; i < kThreads; ++i) {
      allocating_.push_back(std::make_unique<AllocatingThread>(i, zones_, memory_, mailbox_));
    }
  }

  void run(std::chrono::milliseconds duration) {
    const Watchdog watchdog(duration + std::chrono::minutes(2), [this] { describe(); });
    ASSERT_EQ(port_.start(worker_of(*reporter_)), Status::Ok);
    std::vector<std::thread> threads;
    for (const auto& a : allocating_) threads.emplace_back([&] { a->run(stop_); });
    threads.emplace_back([this] { register_and_unregister(); });
    threads.emplace_back([this] { read_counts(); });
    std::this_thread::sleep_for(duration);
    stop_ = true;
    for (std::thread& t : threads) t.join();
    port_.stop();
    account();
  }

 private:
  static constexpr PfnCount kZoneSize = mebibytes(64);

  void register_and_unregister() {
    std::mt19937 random(5);
    while (!stop_) {
      const Order orders[] = {Order{0}, Order{3}, Order{5}, Order{7}, kOrder9, kOrder10};
      const Order order = orders[random() % std::size(orders)];
      HwmPolicy hwm(order, 1 + static_cast<std::uint32_t>(random() % 32));
      AgedPolicy aged(order, milliseconds(1 + random() % 8));
      Policy& policy = random() % 2 == 0 ? static_cast<Policy&>(hwm) : aged;
      OverwritingDevice device(*reporter_, memory_, kind_);
      EXPECT_EQ(reporter_->register_device(device, policy), Status::Ok);
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 30000));
      if (random() % 8 == 0) {
        EXPECT_EQ(reporter_->forget_reported(), Status::Ok);
      }
      EXPECT_EQ(reporter_->unregister_device(device), Status::Ok);
      const std::uint64_t reports = device.reports();
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
      EXPECT_EQ(device.reports(), reports) << "R9: a report after unregistering";
      EXPECT_EQ(device.misuses(), 0u);
      for (std::size_t i = 0; i < zones_.size(); ++i) EXPECT_FALSE(reporter_->reporting_requested(i));
      reports_ += reports;
      registrations_.fetch_add(1);
    }
  }

  void read_counts() {
    while (!stop_) {
      for (std::size_t i = 0; i < zones_.size(); ++i) {
        EXPECT_LE(boxes_[i]->stats().cached, kZoneSize);
        EXPECT_LE(free_area(*zones_[i], kOrder9).nr_free, kZoneSize.raw / 512);
        EXPECT_EQ(zones_[i]->misuse().count, 0u);
      }
      EXPECT_LE(reporter_->stats().in_flight, kind_.depth);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  void account() {
    for (Owned owned; mailbox_.take(&owned);) {
      memory_.check(owned.pfn, frames(owned.order), owned.stamp);
      EXPECT_EQ(zones_[owned.zone]->cache(0).free(owned.pfn, owned.order), Status::Ok);
    }
    std::uint64_t steps = 0;
    for (const auto& a : allocating_) steps += a->steps();
    EXPECT_EQ(memory_.corrupted(), 0u);
    EXPECT_GT(reports_, 0u);
    for (const auto& box : boxes_) {
      EXPECT_EQ(box->stats().isolated.raw, 0u);
      EXPECT_EQ(box->zone().misuse().count, 0u) << "a free was refused when it was flushed";
      box->expect_whole(kZoneSize.raw);
    }
    std::printf("%llu steps, %llu registrations, %llu reports, %llu MiB reported\n",
                static_cast<unsigned long long>(steps), static_cast<unsigned long long>(registrations_),
                static_cast<unsigned long long>(reports_),
                static_cast<unsigned long long>(bytes(reporter_->stats().reported).raw >> 20));
  }

  // Called by the watchdog: reads only values that may be read at any time.
  void describe() {
    for (unsigned i = 0; i < kThreads; ++i) {
      std::fprintf(stderr, "  thread %u: %llu steps\n", i,
                   static_cast<unsigned long long>(allocating_[i]->steps()));
    }
    for (std::size_t i = 0; i < zones_.size(); ++i) {
      const ZoneStats s = boxes_[i]->stats();
      std::fprintf(stderr, "  zone %zu: %llu free, %llu isolated, %llu reported, reporting %s\n", i,
                   static_cast<unsigned long long>(s.free.raw),
                   static_cast<unsigned long long>(s.isolated.raw),
                   static_cast<unsigned long long>(s.reported.raw),
                   reporter_->reporting_requested(i) ? "requested" : "not requested");
    }
    std::fprintf(stderr, "  %u requests in flight, %llu registrations\n", reporter_->stats().in_flight,
                 static_cast<unsigned long long>(registrations_));
  }

  const DeviceKind kind_;
  HostedPort port_;
  StampedMemory memory_;
  Mailbox mailbox_;
  std::vector<std::unique_ptr<ZoneBox>> boxes_;
  std::vector<Zone*> zones_;
  std::unique_ptr<Reporter> reporter_;
  std::vector<std::unique_ptr<AllocatingThread>> allocating_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> registrations_{0}, reports_{0};
};

TEST(Stress, OneZoneWithGarbage) { Stress(1, {}).run(duration_of_a_case()); }

TEST(Stress, ThreeZonesWithZerosThatArePromised) {
  Stress(3, {.zeros = true, .capacity = 5}).run(duration_of_a_case());
}

TEST(Stress, SeveralRequestsAtATime) { Stress(2, {.depth = 3, .capacity = 8}).run(duration_of_a_case()); }

}  // namespace
}  // namespace fallow
