// One function of a device on a PCI bus, as a kernel provides access.
#pragma once

#include <cstdint>

#include "fallow/virtio/transport/registers.h"

namespace fallow {

/// The result of mapping a part of a BAR.
enum class PciMapStatus : std::uint8_t {
  Ok,         ///< the window is valid
  NoSuchBar,  ///< the BAR does not exist, or is the upper half of another
  IoSpace,    ///< the BAR maps I/O ports
  BeyondEnd,  ///< the part is not wholly inside the BAR
  NotMapped,  ///< the kernel could not map the part, or the BAR has no address
};

/// The answer of PciFunction::map().
struct PciMapping {
  PciMapStatus status = PciMapStatus::NotMapped;  ///< Ok, or why there is no window
  RegisterWindow window;                          ///< valid with Ok
};

/// A PCI function. Used by one thread at a time.
class PciFunction {
 public:
  /// Accesses configuration space; `offset` is below 256 and a multiple of the width. Missing registers read
  /// as all ones.
  /// @{
  virtual std::uint8_t config8(std::uint8_t offset) noexcept = 0;
  virtual std::uint16_t config16(std::uint8_t offset) noexcept = 0;
  virtual std::uint32_t config32(std::uint8_t offset) noexcept = 0;
  virtual void set_config16(std::uint8_t offset, std::uint16_t value) noexcept = 0;
  virtual void set_config32(std::uint8_t offset, std::uint32_t value) noexcept = 0;
  /// @}

  /// Maps the registers at `length` bytes (not 0) from `offset` on in BAR `bar` (0 to 5), which may be 64-bit
  /// and at any address. The mapping lasts as long as the function is in use. The same part may be mapped
  /// again.
  virtual PciMapping map(std::uint8_t bar, std::uint64_t offset, std::uint64_t length) noexcept = 0;

 protected:
  ~PciFunction() = default;
};

/// Offsets of fields of the configuration space, bits of the command and the status field, and the number of
/// BARs.
/// @{
inline constexpr std::uint8_t kPciVendor = 0x00, kPciDevice = 0x02, kPciCommand = 0x04, kPciStatus = 0x06,
                              kPciFirstBar = 0x10, kPciFirstCapability = 0x34;
inline constexpr std::uint16_t kPciCommandMemory = 1 << 1, kPciCommandMaster = 1 << 2,
                               kPciCommandNoIntx = 1 << 10;
inline constexpr std::uint16_t kPciStatusCapabilities = 1 << 4;
inline constexpr std::uint8_t kPciBars = 6;
/// @}

/// The properties of a BAR, for a kernel's map().
struct PciBar {
  /// The kind of a BAR.
  enum class Kind : std::uint8_t {
    None,    ///< the BAR does not exist
    Memory,  ///< memory
    Io,      ///< I/O ports
  };
  Kind kind = Kind::None;     ///< what the BAR maps
  std::uint64_t address = 0;  ///< 0: not assigned by firmware
  std::uint64_t size = 0;     ///< in bytes; a power of two
  bool wide = false;          ///< 64-bit: the next BAR is the upper half

  /// Returns whether a part may be mapped, as far as the BAR tells.
  PciMapStatus check(std::uint64_t offset, std::uint64_t length) const noexcept;
};

/// Reads BAR `bar` (0 to 5) and finds its size by writing to the BAR. The function's decoding is off
/// meanwhile, so no thread may use its registers. About 10 accesses.
PciBar read_pci_bar(PciFunction& function, std::uint8_t bar) noexcept;

}  // namespace fallow
