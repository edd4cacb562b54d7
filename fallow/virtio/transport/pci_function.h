// One function of a device on a PCI bus, as a kernel gives access to it.
#pragma once

#include <cstdint>

#include "fallow/virtio/transport/registers.h"

namespace fallow {

// What came of mapping a part of a BAR.
enum class PciMapStatus : std::uint8_t {
  Ok,
  NoSuchBar,  // the function has no such one, or it is the upper half of another
  IoSpace,    // it maps I/O ports
  BeyondEnd,  // the part is not all inside it
  NotMapped,  // the kernel cannot, or the BAR has no address
};

struct PciMapping {
  PciMapStatus status = PciMapStatus::NotMapped;
  RegisterWindow window;  // with Ok
};

// One thread at a time.
class PciFunction {
 public:
  // Configuration space; `offset` below 256 and a multiple of the width. Where there is nothing all bits
  // are 1.
  virtual std::uint8_t config8(std::uint8_t offset) noexcept = 0;
  virtual std::uint16_t config16(std::uint8_t offset) noexcept = 0;
  virtual std::uint32_t config32(std::uint8_t offset) noexcept = 0;
  virtual void set_config16(std::uint8_t offset, std::uint16_t value) noexcept = 0;
  virtual void set_config32(std::uint8_t offset, std::uint32_t value) noexcept = 0;

  // The registers at `length` bytes (not 0) from `offset` on in BAR `bar` (0 to 5), which may be of 64 bits
  // and anywhere. They stay mapped for as long as the function is in use. The same part may be mapped again.
  virtual PciMapping map(std::uint8_t bar, std::uint64_t offset, std::uint64_t length) noexcept = 0;

 protected:
  ~PciFunction() = default;
};

// Fields of the configuration space, and what is in them.
inline constexpr std::uint8_t kPciVendor = 0x00, kPciDevice = 0x02, kPciCommand = 0x04, kPciStatus = 0x06,
                              kPciFirstBar = 0x10, kPciFirstCapability = 0x34;
inline constexpr std::uint16_t kPciCommandMemory = 1 << 1, kPciCommandMaster = 1 << 2,
                               kPciCommandNoIntx = 1 << 10;
inline constexpr std::uint16_t kPciStatusCapabilities = 1 << 4;
inline constexpr std::uint8_t kPciBars = 6;

// What a BAR is: for a kernel's map().
struct PciBar {
  enum class Kind : std::uint8_t { None, Memory, Io };
  Kind kind = Kind::None;
  std::uint64_t address = 0;  // 0: firmware gave it none
  std::uint64_t size = 0;     // in bytes; a power of two
  bool wide = false;          // of 64 bits: the next BAR is its upper half

  // Whether a part may be mapped, as far as the BAR can say.
  PciMapStatus check(std::uint64_t offset, std::uint64_t length) const noexcept;
};

// Reads BAR `bar` (0 to 5), and finds its size by writing to it, with the function's decoding switched off
// meanwhile: nobody may use its registers. About 10 accesses.
PciBar read_pci_bar(PciFunction& function, std::uint8_t bar) noexcept;

}  // namespace fallow
