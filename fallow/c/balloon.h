// Features and wire values that the balloon's two ends share, in C. Part of fallow/c/fallow.h.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Feature bits (virtio 1.2, 5.5.3 and 6).
#define FALLOW_BALLOON_F_MUST_TELL_HOST (UINT64_C(1) << 0)  ///< The driver asks before it reuses pages.
#define FALLOW_BALLOON_F_STATS_VQ (UINT64_C(1) << 1)        ///< Memory statistics of the guest.
#define FALLOW_BALLOON_F_DEFLATE_ON_OOM (UINT64_C(1) << 2)  ///< The guest may deflate when memory is short.
#define FALLOW_BALLOON_F_FREE_PAGE_HINT (UINT64_C(1) << 3)  ///< Free page hints for migration.
#define FALLOW_BALLOON_F_PAGE_POISON (UINT64_C(1) << 4)  ///< The value that the guest writes to free pages.
#define FALLOW_BALLOON_F_REPORTING (UINT64_C(1) << 5)    ///< The guest reports unused memory.
/// Draft (virtio-spec issue 244): the used length of a report tells which pages read as zero or poison.
#define FALLOW_BALLOON_F_INIT_REPORTED (UINT64_C(1) << 6)
#define FALLOW_F_INDIRECT_DESC (UINT64_C(1) << 28)  ///< Chains in tables of their own.
#define FALLOW_F_EVENT_IDX (UINT64_C(1) << 29)      ///< Notifications only where they are asked for.
#define FALLOW_F_VERSION_1 (UINT64_C(1) << 32)      ///< The device follows virtio 1.x.
#define FALLOW_F_RING_PACKED (UINT64_C(1) << 34)    ///< Packed rings.
#define FALLOW_F_RING_RESET (UINT64_C(1) << 40)     ///< A queue can be reset alone.

/// The largest number of entries of a virtqueue.
#define FALLOW_MAX_QUEUE_SIZE 32768u

/// Where the areas of a virtqueue are, as the driver tells the device (virtio 1.2, 2.6): for a split ring the
/// descriptor table, the available ring and the used ring; for a packed ring the descriptor ring and the two
/// event suppression structures.
struct fallow_queue_addresses {
  uint64_t descriptors;  ///< guest physical address in bytes, as the next two
  uint64_t driver_area;  ///< available ring, or the driver's event suppression
  uint64_t device_area;  ///< used ring, or the device's event suppression
  uint32_t size;         ///< in entries
};

#ifdef __cplusplus
}
#endif
