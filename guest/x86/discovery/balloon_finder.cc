#include "guest/x86/discovery/balloon_finder.h"

#include <new>

#include "fallow/virtio/transport/mmio_transport.h"
#include "guest/protocol/command_line.h"
#include "guest/protocol/fixed_string.h"
#include "guest/x86/discovery/pci_bus.h"
#include "guest/x86/discovery/transport_port.h"

namespace fallow::guest::x86 {
namespace {

// Room for one object that lives until the machine stops.
template <class T>
class Room {
 public:
  template <class... Args>
  T& make(Args&&... args) {
    return *new (bytes_) T(static_cast<Args&&>(args)...);
  }

 private:
  alignas(T) std::byte bytes_[sizeof(T)] = {};
};

constinit Room<TransportPort> port_room;
constinit Room<PciAddressFunction> function_room;
constinit Room<PciTransport> pci_room;
constinit Room<MappedRegisters> registers_room;
constinit Room<MmioTransport> mmio_room;

using Place = FixedString<sizeof(FoundDevice::place) - 1>;

Place name_of(const PciAddress& place) {
  const auto two_digits = [](Place& to, unsigned n) {
    to.put("0123456789abcdef"[n / 16]).put("0123456789abcdef"[n % 16]);
  };
  Place name;
  two_digits(name, place.bus);
  name.put(':');
  two_digits(name, place.device);
  return name.put('.').number(place.function);
}

void set_place(FoundDevice& found, StringRef name) {
  for (std::size_t i = 0; i < name.size(); ++i) found.place[i] = name[i];
}

void say_unusable(Machine& machine, StringRef place, detail::Unusable why) {
  FixedString<200> line("the balloon at ");
  machine.write(line.put(place).put(" cannot be used: ").put(describe(why)).put('\n').text());
}

bool find_on_pci(BareMachine& machine, Port& port, Paging& paging, FoundDevice& found) {
  PciAddress place;
  if (!find_virtio_function(paging, detail::kDeviceBalloon, &place)) return false;
  PciAddressFunction& function = function_room.make(place, paging);
  PciTransport& transport = pci_room.make(port, function);
  set_place(found, name_of(place).text());
  if (const detail::Unusable why = transport.open(); why != detail::Unusable::No) {
    say_unusable(machine, found.place, why);
    return false;
  }
  found.transport = &transport;
  found.bus = "pci";
  found.interrupts = machine.device.by_messages_or_pic(machine.processors, transport, function.line());
  return true;
}

bool find_at(BareMachine& machine, Port& port, Paging& paging, const Topology& topology,
             const MmioDevice& named, FoundDevice& found) {
  if (!paging.map_device({named.base.raw, named.base.raw + named.size.raw})) return false;
  MappedRegisters& registers = registers_room.make(reinterpret_cast<volatile std::byte*>(named.base.raw));
  MmioTransport& transport = mmio_room.make(port, RegisterWindow(registers, 0, named.size.raw));
  const detail::Unusable why = transport.open();
  if (why == detail::Unusable::Empty ||
      (why == detail::Unusable::No && transport.type() != detail::kDeviceBalloon))
    return false;
  set_place(found, Place().hex(named.base.raw).text());
  if (why != detail::Unusable::No) {
    say_unusable(machine, found.place, why);
    return false;
  }
  found.transport = &transport;
  found.bus = "mmio";
  found.interrupts = machine.device.by_io_apic(machine.processors, transport, topology, named.interrupt);
  return true;
}

}  // namespace

FoundDevice find_balloon(BareMachine& machine, Paging& paging, const Topology& topology,
                         StringRef command_line) noexcept {
  FoundDevice found;
  Port& port = port_room.make(machine);
  if (find_on_pci(machine, port, paging, found)) return found;
  const CommandLine line = parse_command_line(command_line);
  for (std::size_t i = 0; i < line.options.mmio_count; ++i) {
    if (find_at(machine, port, paging, topology, line.options.mmio[i], found)) return found;
  }
  return {};
}

}  // namespace fallow::guest::x86
