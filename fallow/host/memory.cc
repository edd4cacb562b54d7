#include "fallow/host/memory.h"

#include <utility>

#include "fallow/host/release_device.h"

namespace fallow {
namespace {

constexpr std::uint32_t kCapacity = 64;  // entries a request: what one system call releases
constexpr std::uint32_t kMostThreads = detail::kMaxCaches - 1;

}  // namespace

Expected<Memory> Memory::create(const MemoryOptions& options) {
  if (options.threads < 1 || options.threads > kMostThreads)
    return "threads " + std::to_string(options.threads) + ": expected 1 to " + std::to_string(kMostThreads);
  std::unique_ptr<Memory> made(new Memory(options));
  if (std::string error = made->set_up(options); !error.empty()) return error;
  return made;
}

std::string Memory::set_up(const MemoryOptions& options) {
  auto backing = AnonymousBacking::create(
      {.first = options.first, .size = options.size, .huge_pages = options.huge_pages});
  if (!backing) return backing.error;
  backing_ = std::move(backing.object);
  if (std::string error = set_up_zone(options); !error.empty()) return error;
  if (options.device) {
    device_ = options.device(*backing_);
    if (device_ == nullptr) return "MemoryOptions::device made no device";
  } else {
    auto release = ReleaseDevice::create(*backing_, kCapacity);
    if (!release) return release.error;
    device_ = std::move(release.object);
  }
  Zone* const zones[] = {zone_};
  reporter_.emplace(port_, zones);
  caches_.emplace(*zone_);
  if (port_.start(worker_of(*reporter_)) != Status::Ok)
    return "cannot create the worker thread: the limit of threads or of memory is reached";
  if (!options.reporting) return {};
  if (const Status status = start_reporting(); status != Status::Ok)
    return std::string("cannot start reporting: ") + describe(status) +
           "; expected a policy and a device with parameters in their ranges";
  return {};
}

std::string Memory::set_up_zone(const MemoryOptions& options) {
  const ZoneConfig config{.base = options.first, .frames = options.size, .caches = options.threads + 1};
  const ByteCount size = Zone::metadata_size(config);
  if (size.raw == 0)
    return "a zone of " + std::to_string(options.size.raw) + " frames from " +
           std::to_string(options.first.raw) +
           " on: expected 1 to 2^36 - 1 frames from a number below 2^52 on";
  tables_ = {port_.allocate(size), Tables{&port_, size}};
  if (tables_ == nullptr) return "no memory for the tables of a zone: " + std::to_string(size.raw) + " bytes";
  zone_ = Zone::create(port_, config, {static_cast<std::byte*>(tables_.get()), size.raw}).value();
  return {};
}

// The worker thread runs until the device is unregistered, because a request in flight may need it.
Memory::~Memory() {
  if (reporter_ && device_) static_cast<void>(reporter_->unregister_device(*device_));
  port_.stop();
}

Pfn Memory::frame_of(const void* address) const noexcept {
  const std::byte* const begin = backing_->address(backing_->first());
  const auto offset = reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(begin);
  FALLOW_REQUIRE(offset < bytes(backing_->size()).raw,
                 "Memory::frame_of(): the address is outside the memory; give one that address() returned");
  return backing_->first() + whole_frames(ByteCount{offset});
}

Status Memory::start_reporting() noexcept {
  return std::visit([this](Policy& policy) { return reporter_->register_device(*device_, policy); }, policy_);
}

}  // namespace fallow
