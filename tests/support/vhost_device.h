// A device behind a vhost-user session, for tests: records every call, checks that the session may make it,
// and returns Pending or a refusal on request.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "fallow/base/check.h"
#include "vhost_user/session/backend.h"

namespace fallow {

class VhostDevice final : public vhost::Backend {
 public:
  // Set by the test.
  Features offered = kFeatureVersion1 | kFeatureRingPacked | 0x3f;
  std::uint64_t protocol = vhost::kServedProtocolFeatures;
  std::uint32_t queues = 5;
  int pending = 0;             // number of calls that return Pending first
  Status answer = Status::Ok;  // result of all other calls
  std::uint32_t position = 0;  // where rings are when they stop

  // Recorded calls.
  std::vector<std::string> calls;
  Features accepted = 0;
  std::vector<vhost::MemoryRegion> memory;
  struct Ring {
    bool started = false, enabled = false;
    std::uint32_t base = 0;
    int kick = -1, call = -1, err = -1;
  };
  Ring rings[vhost::kVhostMaxVrings];
  vhost::InflightSettings inflight;
  std::byte config[16] = {};
  std::uint8_t device_status = 0;

  Features features() const noexcept override { return offered; }
  std::uint64_t protocol_features() const noexcept override { return protocol; }
  std::uint32_t max_queues() const noexcept override { return queues; }
  std::uint32_t max_memory_slots() const noexcept override { return 4; }
  std::uint8_t status() const noexcept override { return device_status; }
  const char* why() const noexcept override {
    return answer == Status::InvalidArgument ? "the test says no" : nullptr;
  }

  Status read_config(std::uint32_t offset, std::span<std::byte> into) noexcept override {
    if (!in_config(offset, into.size())) return Status::InvalidArgument;
    const Status status = called("read_config", offset);
    if (status == Status::Ok) std::memcpy(into.data(), config + offset, into.size());
    return status;
  }
  Status write_config(std::uint32_t offset, std::span<const std::byte> from, bool) noexcept override {
    if (!in_config(offset, from.size())) return Status::InvalidArgument;
    const Status status = called("write_config", offset);
    if (status == Status::Ok) std::memcpy(config + offset, from.data(), from.size());
    return status;
  }

  Status set_features(Features features) noexcept override {
    FALLOW_CHECK((features & ~offered) == 0);
    const Status status = called("set_features", features);
    if (status == Status::Ok) accepted = features;
    return status;
  }

  Status set_memory(std::span<const vhost::MemoryRegion> regions) noexcept override {
    for (const auto& region : regions) check(region);
    const Status status = called("set_memory", regions.size());
    if (status == Status::Ok) memory.assign(regions.begin(), regions.end());
    return status;
  }
  Status add_region(const vhost::MemoryRegion& region) noexcept override {
    check(region);
    const Status status = called("add_region", region.at.guest_address);
    if (status == Status::Ok && place(region) == memory.end()) memory.push_back(region);
    return status;
  }
  Status remove_region(const vhost::MemoryRegion& region) noexcept override {
    const Status status = called("remove_region", region.at.guest_address);
    if (status == Status::Ok && place(region) != memory.end()) memory.erase(place(region));
    return status;
  }

  Status set_status(std::uint8_t value) noexcept override {
    const Status result = called("set_status", value);
    if (result == Status::Ok) device_status = value;
    return result;
  }
  Status reset_device() noexcept override {
    for (const Ring& ring : rings) FALLOW_CHECK(!ring.started);
    return called("reset_device", 0);
  }

  Status start_ring(std::uint32_t vring, const vhost::Settings& settings) noexcept override {
    const vhost::Vring& from = settings.vrings[vring];
    FALLOW_CHECK(vring < queues && from.size != 0 && from.addressed && open(from.kick));
    const Status status = called("start_ring", vring);
    if (status != Status::Ok) return status;
    rings[vring] = {true, settings.enabled(vring), from.base, from.kick, from.call, from.err};
    return status;
  }
  Status stop_ring(std::uint32_t vring, vhost::RingEnd why, std::uint32_t& base) noexcept override {
    if (called(vhost::drops(why) ? "drop_ring" : "stop_ring", vring) == Status::Pending)
      return Status::Pending;
    rings[vring] = {};
    base = position;
    return Status::Ok;
  }
  Status enable_ring(std::uint32_t vring, bool on) noexcept override {
    FALLOW_CHECK(rings[vring].started);
    if (called(on ? "enable_ring" : "disable_ring", vring) == Status::Pending) return Status::Pending;
    rings[vring].enabled = on;
    return Status::Ok;
  }
  Status replace_descriptors(std::uint32_t vring, const vhost::Vring& ring) noexcept override {
    FALLOW_CHECK(rings[vring].started && open(ring.kick));
    const Status status = called("replace_descriptors", vring);
    if (status != Status::Ok) return status;
    rings[vring].kick = ring.kick;
    rings[vring].call = ring.call;
    rings[vring].err = ring.err;
    return status;
  }

  Status driver_may_leave() noexcept override {
    return called("driver_may_leave", 0) == Status::Pending ? Status::Pending : Status::Ok;
  }

  Status get_inflight(vhost::InflightSettings& wanted) noexcept override {
    const Status status = called("get_inflight", wanted.area.queues);
    if (status != Status::Ok) return status;
    wanted.area.mmap_size = 4096;
    wanted.fd = memfd_create("inflight", MFD_CLOEXEC);
    inflight = wanted;
    return status;
  }
  Status set_inflight(const vhost::InflightSettings& given) noexcept override {
    FALLOW_CHECK(open(given.fd));
    const Status status = called("set_inflight", given.area.queues);
    if (status == Status::Ok) inflight = given;
    return status;
  }

  // Checks that the session has closed no descriptor that the device still holds.
  void check_descriptors() const {
    for (const auto& region : memory) FALLOW_CHECK(open(region.fd));
    for (const Ring& ring : rings)
      FALLOW_CHECK(!ring.started || (open(ring.kick) && open_or_none(ring.call)));
  }
  static bool open(int fd) noexcept { return fd >= 0 && fcntl(fd, F_GETFD) >= 0; }

 private:
  static bool open_or_none(int fd) noexcept { return fd == -1 || open(fd); }
  static bool in_config(std::uint64_t offset, std::uint64_t size) noexcept {
    return offset + size <= sizeof config;
  }
  static void check(const vhost::MemoryRegion& region) noexcept {
    FALLOW_CHECK(open(region.fd) && region.at.size != 0);
    FALLOW_CHECK(region.at.guest_address + region.at.size >= region.at.size);
  }
  std::vector<vhost::MemoryRegion>::iterator place(const vhost::MemoryRegion& region) noexcept {
    return std::find_if(memory.begin(), memory.end(), [&](const vhost::MemoryRegion& known) {
      return known.at.guest_address == region.at.guest_address;
    });
  }
  Status called(const char* what, std::uint64_t which) noexcept {
    calls.push_back(what + (" " + std::to_string(which)));
    if (pending > 0) {
      --pending;
      return Status::Pending;
    }
    return answer;
  }
};

}  // namespace fallow
