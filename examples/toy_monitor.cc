// A toy monitor: 64 MiB of anonymous memory as guest memory, with a balloon device. A zone with a balloon
// driver stands in for the guest's kernel, in the same program and on the same thread.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "fallow/balloon.h"
#include "fallow/host.h"

using namespace fallow;

int main() {
  HostedPort port;
  const auto tables = [&port](ByteCount size) {  // zero-filled; lives as long as the program
    return std::span(static_cast<std::byte*>(port.allocate(size)), size.raw);
  };

  // The host: the memory, the map of guest addresses, and the device. With an empty doorbell, the caller
  // that rings does the work; a monitor would give each end its own thread.
  const PfnCount guest{16384};
  const auto ram = AnonymousBacking::create({.first = Pfn{0}, .size = guest});
  if (!ram) return 1;
  MemoryMap map;
  const MappedRegion region{{{0}, bytes(guest), ram.object->address(Pfn{0})}, ram.object.get(), Pfn{0}};
  if (map.assign({&region, 1}) != Status::Ok) return 1;
  InProcessTransport transport(port, {}, {});
  const BalloonDeviceConfig offers;
  const auto device_made = BalloonDevice::create(offers, map, transport, nullptr,
                                                 tables(BalloonDevice::metadata_size(offers, map)));
  if (!device_made.ok()) return 1;
  BalloonDevice& device = *device_made.value();
  transport.attach(device);

  // The guest: the last frames hold what driver and device share; all others belong to the zone.
  const BalloonDriverConfig wants;
  const PfnCount rings{(BalloonDriver::shared_size(wants).raw + kFrameSize - 1) / kFrameSize};
  const Pfn shared = Pfn{0} + (guest - rings);
  const ZoneConfig config{.base = Pfn{0}, .frames = guest - rings, .caches = 2};
  const auto zone_made = Zone::create(port, config, tables(Zone::metadata_size(config)));
  if (!zone_made.ok()) return 1;
  Zone& zone = *zone_made.value();
  LocalCache& cache = zone.cache(0);
  BalloonDriver driver(port, transport, zone, zone.cache(1), wants,
                       {ram.object->address(shared), address_of(shared), bytes(rings)},
                       tables(BalloonDriver::own_size(wants, zone)));
  Zone* const zones[] = {&zone};
  Reporter reporter(port, zones);
  driver.connect(reporter);
  if (driver.probe() != Status::Ok) return 1;

  const auto settle = [&] {
    while (std::min(reporter.run(), driver.work()) <= port.now()) continue;
  };
  const auto show = [&](const char* what) {
    std::printf("%-46s %2lu MiB resident\n", what, (ram.object->resident().value().raw + 128) / 256);
  };
  std::vector<Pfn> in_use;
  const auto fill = [&] {
    for (Allocation a = cache.allocate(); a.ok(); a = cache.allocate()) {
      *ram.object->address(a.pfn) = std::byte{1};
      in_use.push_back(a.pfn);
    }
  };

  show("the guest begins:");
  fill();
  show("it uses all of its memory:");
  for (std::size_t half = in_use.size() / 2; in_use.size() > half; in_use.pop_back()) {
    if (cache.free(in_use.back()) != Status::Ok) return 1;
  }
  cache.drain();
  show("it frees half:");
  transport.with_device([&] { device.set_target(PfnCount{4096}); });
  settle();
  show("the host has 16 MiB of that in the balloon:");
  HwmPolicy policy(Order{9}, 1);  // a report as soon as a block of 2 MiB is free
  if (reporter.register_device(driver, policy) != Status::Ok) return 1;
  settle();
  show("the guest reports what else is free:");
  transport.with_device([&] { device.set_target({}); });
  settle();
  fill();
  show("the balloon is empty, all is in use again:");
  if (reporter.unregister_device(driver) != Status::Ok) return 1;
  driver.remove();
  return device.stats().refused_all() == 0 ? 0 : 1;
}
