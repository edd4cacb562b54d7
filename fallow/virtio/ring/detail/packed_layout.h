// The memory layout of the packed virtqueue (virtio 1.2, 2.8).
#pragma once

#include <cstddef>
#include <cstdint>

#include "fallow/base/detail/little_endian.h"

namespace fallow::detail {

// 2.8.13. The flags are written last and read first: they make the rest of a descriptor valid.
struct PvirtqDesc {
  Le64 addr;
  Le32 len;
  Le16 id;
  Le16 flags;
};
static_assert(sizeof(PvirtqDesc) == 16 && offsetof(PvirtqDesc, len) == 8 && offsetof(PvirtqDesc, id) == 12 &&
              offsetof(PvirtqDesc, flags) == 14);

// 2.8.1: used in addition to kDescNext, kDescWrite and kDescIndirect.
inline constexpr std::uint16_t kPackedAvail = 1U << 7, kPackedUsed = 1U << 15;

// 2.8.14: the event suppression structure, one for each end.
struct PvirtqEventSuppress {
  Le16 desc;   // bits 0 to 14: offset in the ring; bit 15: wrap counter
  Le16 flags;  // one of the values below
};
static_assert(sizeof(PvirtqEventSuppress) == 4);
inline constexpr std::uint16_t kRingEventEnable = 0, kRingEventDisable = 1, kRingEventDesc = 2;
inline constexpr std::uint16_t kEventWrapBit = 1U << 15;

}  // namespace fallow::detail
