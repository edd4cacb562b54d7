// Zones and caches in C: allocate and free page frames. Part of fallow/c/fallow.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "fallow/c/port.h"
#include "fallow/c/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A range of page frames and its tables, in memory of the caller.
struct fallow_zone;
/// The part of a zone through which one thread or processor allocates and frees.
struct fallow_cache;

/// Frames of one mobility share blocks, so that frames that are freed together leave wholly free blocks.
enum {
  FALLOW_MOVABLE = 0,     ///< the content can be moved elsewhere
  FALLOW_UNMOVABLE = 1,   ///< it must stay
  FALLOW_RECLAIMABLE = 2  ///< it can be dropped
};

/// Flag of fallow_zone_config: the memory is zero-filled already, so it is neither cleared nor touched. Fresh
/// anonymous memory is. A zone on memory that is not zero-filled despite this flag is corrupt.
#define FALLOW_ZONE_MEMORY_IS_ZERO 1u

/// The parameters of a zone.
struct fallow_zone_config {
  uint64_t base;    ///< the first frame number; below 2^52
  uint64_t frames;  ///< the number of frames; 1 to 2^36 - 1
  uint32_t caches;  ///< 1 to 4095, one for each thread or processor; 0: one
  uint32_t flags;   ///< 0 or FALLOW_ZONE_MEMORY_IS_ZERO
};

/// Returns the bytes of memory that fallow_zone_create() needs: about 2.2 bits a frame and 1 KiB a cache. 0
/// if `config` is null or out of range. Any thread.
uint64_t fallow_zone_size(const struct fallow_zone_config* config);

/// Builds a zone of free frames in `size` bytes at `memory`, of any alignment, and stores its handle in
/// `*zone`. The memory must outlive the zone. Clears the memory, unless a flag says that it is zero already.
/// INVALID_ARGUMENT: a pointer is null, `port->now` is null, `config` is out of range, or `size` is less than
/// fallow_zone_size(). On an error `*zone` is null. O(size).
fallow_status fallow_zone_create(const struct fallow_port* port, const struct fallow_zone_config* config,
                                 void* memory, uint64_t size, struct fallow_zone** zone);

/// Ends the use of a zone; its memory may then be used for something else. No thread may be in a call with
/// the zone or its caches. BUSY, and the zone lives on: a reporter uses it (destroy the reporter first).
/// INVALID_ARGUMENT: `zone` is null or not a zone, for example because it is destroyed already.
fallow_status fallow_zone_destroy(struct fallow_zone* zone);

/// Returns cache `index`; null if `zone` is null or has no such cache. Any thread may ask. The cache is used
/// by one thread at a time; different caches of one zone may be used at once. Lives as long as the zone.
struct fallow_cache* fallow_zone_cache(struct fallow_zone* zone, uint32_t index);

/// The answer to an allocation.
struct fallow_allocation {
  uint64_t pfn;          ///< the first frame; 0 unless `status` is FALLOW_OK
  fallow_status status;  ///< FALLOW_OK, FALLOW_NO_MEMORY or FALLOW_INVALID_ARGUMENT
  /// 1: the frames hold what the reporting device promised when it took them: zero, or the poison value.
  uint32_t content_known;
};

/// Allocates 2^order frames (order 0 to 10), aligned to their size. NO_MEMORY: no such block is free outside
/// other caches. INVALID_ARGUMENT: `cache` is null, or the order or the mobility is out of range. Only the
/// cache's thread. Takes a few nanoseconds for a frame; waits (relax) only while a block that would do is
/// being reported or is on its way back.
struct fallow_allocation fallow_allocate(struct fallow_cache* cache, uint32_t order, uint32_t mobility);

/// Frees 2^order frames from `pfn` on: a whole allocation, or any aligned part of one, through any cache of
/// the zone. NOT_ALLOCATED, OUTSIDE_ZONE, MISALIGNED and INVALID_ARGUMENT (null, or order above 10) change
/// nothing; fallow_zone_misuse() counts the first three. Only the cache's thread.
fallow_status fallow_free(struct fallow_cache* cache, uint64_t pfn, uint32_t order);

/// Allocates up to `count` blocks and writes their first frames to `pfns`. Returns how many it allocated;
/// fewer than `count` when no further block is free, 0 if `cache` or `pfns` is null or the order or mobility
/// is out of range. Only the cache's thread.
size_t fallow_allocate_bulk(struct fallow_cache* cache, uint32_t order, uint32_t mobility, uint64_t* pfns,
                            size_t count);

/// Frees the blocks of `order` at pfns[0] to pfns[count - 1], in order, up to the first that is refused.
/// Returns how many it freed: less than `count` means that pfns[result] was refused, and `*why` (unless `why`
/// is null) says why, as fallow_free() does. Only the cache's thread.
size_t fallow_free_bulk(struct fallow_cache* cache, uint32_t order, const uint64_t* pfns, size_t count,
                        fallow_status* why);

/// Gives back every frame that the cache holds (at most 128): for an idle processor, and before a check.
/// Frees become visible to others, and are reported, at the latest then. Only the cache's thread.
/// INVALID_ARGUMENT: null.
fallow_status fallow_cache_drain(struct fallow_cache* cache);

/// Does what fallow_cache_drain() does, and gives up the blocks that the cache owns: the thread or processor
/// goes away. The cache may be used again. Only the cache's thread. INVALID_ARGUMENT: null.
fallow_status fallow_cache_retire(struct fallow_cache* cache);

/// Asks every cache to drain when it next leaves its fast path. Any thread. INVALID_ARGUMENT: null.
fallow_status fallow_zone_request_drain(struct fallow_zone* zone);

/// Takes frames out of use, until they are freed or for good: holes, the image of a kernel. Before the first
/// allocation only. INVALID_ARGUMENT: `zone` is null, or the range is not inside the zone, not wholly free,
/// or reported already. O(count).
fallow_status fallow_zone_reserve(struct fallow_zone* zone, uint64_t first, uint64_t count);

/// Counts of a zone, in frames. Each is exact while no thread changes the zone.
struct fallow_zone_stats {
  uint64_t size;           ///< all frames of the zone
  uint64_t free;           ///< free, reported or not, also in caches
  uint64_t used;           ///< allocated or reserved
  uint64_t isolated;       ///< being reported to a device
  uint64_t reported;       ///< free and reported
  uint64_t cached;         ///< free and held by caches
  uint64_t refaults;       ///< reported frames that were allocated again, ever
  uint64_t reserved;       ///< taken by fallow_zone_reserve()
  uint64_t low_watermark;  ///< nothing is reported while fewer frames than this are free
};

/// Writes the counts to `*stats`. Any thread, at any time, without a lock; O(caches). INVALID_ARGUMENT: a
/// pointer is null.
fallow_status fallow_zone_get_stats(const struct fallow_zone* zone, struct fallow_zone_stats* stats);

/// Counts the free blocks of one order (0 to 10), as a buddy allocator would list them: all of them in
/// `*nr_free`, those that are reported as a whole in `*nr_reported`. Any thread; O(blocks of 2 MiB).
/// INVALID_ARGUMENT: a pointer is null, or the order is out of range.
fallow_status fallow_zone_free_area(const struct fallow_zone* zone, uint32_t order, uint64_t* nr_free,
                                    uint64_t* nr_reported);

/// The frees that a zone refused.
struct fallow_misuse {
  uint64_t count;      ///< since the zone was created
  uint64_t last_pfn;   ///< the frame of the last one
  fallow_status last;  ///< why the last one was refused; FALLOW_OK if none was
};

/// Writes the refused frees to `*misuse`. Any thread. INVALID_ARGUMENT: a pointer is null.
fallow_status fallow_zone_misuse(const struct fallow_zone* zone, struct fallow_misuse* misuse);

/// Walks the whole zone and returns null if it is consistent; otherwise the broken invariant's number and
/// sentence (docs/invariants.md), with the first frame of its block in `*where` unless `where` is null. A
/// null `zone` is a broken invariant. No thread may allocate, free or report meanwhile. O(frames).
const char* fallow_zone_check(const struct fallow_zone* zone, uint64_t* where);

#ifdef __cplusplus
}
#endif
