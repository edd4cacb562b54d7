#include "guest/x86/discovery/balloon_finder.h"

#include <new>

#include "fallow/virtio/transport/mmio_transport.h"
#include "guest/protocol/command_line.h"
#include "guest/protocol/text.h"
#include "guest/x86/discovery/pci_bus.h"
#include "guest/x86/discovery/transport_port.h"

namespace fallow::guest::x86 {
namespace {

// Storage for one object that lives until the machine stops.
template <class T>
class Storage {
 public:
  template <class... Args>
  T& make(Args&&... args) {
    return *new (bytes_) T(static_cast<Args&&>(args)...);
  }

 private:
  alignas(T) std::byte bytes_[sizeof(T)] = {};
};

constinit Storage<TransportPort> port_storage;
constinit Storage<PciAddressFunction> function_storage;
constinit Storage<PciTransport> pci_storage;
constinit Storage<MappedRegisters> registers_storage;
constinit Storage<MmioTransport> mmio_storage;

using AddressText = FixedString<sizeof(FoundDevice::address) - 1>;

AddressText name_of(const PciAddress& address) {
  const auto two_digits = [](AddressText& to, unsigned n) {
    to.put("0123456789abcdef"[n / 16]).put("0123456789abcdef"[n % 16]);
  };
  AddressText name;
  two_digits(name, address.bus);
  name.put(':');
  two_digits(name, address.device);
  return name.put('.').number(address.function);
}

void set_address(FoundDevice& found, StringRef name) {
  for (std::size_t i = 0; i < name.size(); ++i) found.address[i] = name[i];
}

void warn_unusable(Machine& machine, StringRef address, detail::Unusable why) {
  FixedString<200> line("the balloon at ");
  machine.write(line.put(address).put(" cannot be used: ").put(describe(why)).put('\n').text());
}

bool find_on_pci(BareMachine& machine, Port& port, Paging& paging, FoundDevice& found) {
  PciAddress address;
  if (!find_virtio_function(paging, detail::kDeviceBalloon, &address)) return false;
  PciAddressFunction& function = function_storage.make(address, paging);
  PciTransport& transport = pci_storage.make(port, function);
  set_address(found, name_of(address).text());
  if (const detail::Unusable why = transport.open(); why != detail::Unusable::No) {
    warn_unusable(machine, found.address, why);
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
  MappedRegisters& registers = registers_storage.make(reinterpret_cast<volatile std::byte*>(named.base.raw));
  MmioTransport& transport = mmio_storage.make(port, RegisterWindow(registers, 0, named.size.raw));
  const detail::Unusable why = transport.open();
  if (why == detail::Unusable::Empty ||
      (why == detail::Unusable::No && transport.type() != detail::kDeviceBalloon))
    return false;
  set_address(found, AddressText().hex(named.base.raw).text());
  if (why != detail::Unusable::No) {
    warn_unusable(machine, found.address, why);
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
  Port& port = port_storage.make(machine);
  if (find_on_pci(machine, port, paging, found)) return found;
  const CommandLine line = parse_command_line(command_line);
  for (std::size_t i = 0; i < line.options.mmio_count; ++i) {
    if (find_at(machine, port, paging, topology, line.options.mmio[i], found)) return found;
  }
  return {};
}

}  // namespace fallow::guest::x86
