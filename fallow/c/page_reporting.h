// Unused page reporting in C, in the words of Linux's <linux/page_reporting.h>. Part of fallow/c/fallow.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "fallow/c/port.h"
#include "fallow/c/status.h"
#include "fallow/c/zone.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Reports the free frames of one or more zones to one device.
struct fallow_reporter;

/// A reporter has at most this many zones.
#define FALLOW_MAX_ZONES 64u

/// A run of free page frames. `end` is the end bit: 1 on the last entry of a request, 0 on every other.
/// (The attribute lets the compiler access entries that Fallow's C++ code wrote.)
struct __attribute__((__may_alias__)) fallow_scatterlist {
  uint64_t pfn;         ///< the first frame
  uint64_t nr_pages;    ///< the number of frames; at least 1
  uint8_t end;          ///< 1 on the last entry of a request
  uint8_t reserved[7];  ///< unspecified
};

/// Returns the entry after `sg`; null after the last entry of the request.
static inline const struct fallow_scatterlist* fallow_sg_next(const struct fallow_scatterlist* sg) {
  return sg->end ? NULL : sg + 1;
}

/// Value of `order` below: report single frames too (order 0).
#define FALLOW_REPORT_SINGLE_FRAMES UINT32_MAX
/// The threshold of the policy "hwm" in blocks, unless it is given.
#define FALLOW_PAGE_REPORTING_HWM 32u

/// A device that receives the unused pages: what a driver fills in and registers. It must outlive its
/// registration and not change meanwhile. Fields that are zero have their defaults.
struct fallow_page_reporting_dev_info {
  /// Required. Takes one request of `nents` entries (1 to `capacity`). No thread can allocate the frames
  /// until the function returns or, if it returns FALLOW_PENDING, until
  /// fallow_page_reporting_complete(token). The list is valid for as long. Other answers: FALLOW_OK, the
  /// device took the frames; FALLOW_CONTENT_UNKNOWN, it took them, but `content_after` no longer holds;
  /// anything else, it did not take them, and they are reported again later. Called by the thread in
  /// fallow_reporter_run(), with at most `in_flight` requests in flight. Must not unregister, forget or
  /// throw.
  fallow_status (*report)(struct fallow_page_reporting_dev_info* prdev, const struct fallow_scatterlist* sgl,
                          uint32_t nents, uint32_t token);
  /// Required. The most entries in one request; at least 1.
  uint32_t capacity;
  /// The most requests in flight, 1 to 65536; 0: 1. More than 1 is for a device that answers FALLOW_PENDING.
  uint32_t in_flight;
  /// The smallest block to report: 1 to 10, or FALLOW_REPORT_SINGLE_FRAMES; 0: order 9, which is 2 MiB.
  uint32_t order;
  /// The content of a reported frame until it is written: FALLOW_CONTENT_IS_UNKNOWN, _ZERO or _POISON.
  uint32_t content_after;
  /// For the driver.
  void* context;
};

/// The parameters of a reporter.
struct fallow_reporter_config {
  struct fallow_zone* const* zones;  ///< of no other reporter; all different
  uint32_t zone_count;               ///< 1 to FALLOW_MAX_ZONES
  /// The largest `capacity` and `in_flight` of a device for which the reporter's memory has room; 0: 32
  /// and 1. Not used if the port has `allocate`.
  uint32_t capacity;
  uint32_t in_flight;  ///< as `capacity`, in requests
};

/// Returns the bytes of memory that fallow_reporter_create() needs: about 8 KiB, and 24 bytes for each entry.
/// 0 if `config` is null or out of range. Any thread.
uint64_t fallow_reporter_size(const struct fallow_reporter_config* config);

/// Builds a reporter over the zones in `size` bytes at `memory`, of any alignment and content, and stores its
/// handle in `*reporter`. Memory and zones must outlive the reporter. INVALID_ARGUMENT: a pointer or a zone
/// is null, `port->now` is null, the configuration is out of range, or `size` is less than
/// fallow_reporter_size(). BUSY: a zone belongs to a reporter already. On an error `*reporter` is null. No
/// thread may use the zones.
fallow_status fallow_reporter_create(const struct fallow_port* port,
                                     const struct fallow_reporter_config* config, void* memory, uint64_t size,
                                     struct fallow_reporter** reporter);

/// Ends the use of a reporter and releases its zones; their reported frames count as unreported again. No
/// thread may be in a call with the reporter or its zones. BUSY, and the reporter lives on: a device is
/// registered (unregister it first), or a balloon driver uses the reporter (destroy the driver first).
/// INVALID_ARGUMENT: null, or not a reporter.
fallow_status fallow_reporter_destroy(struct fallow_reporter* reporter);

/// Registers a device: everything that is free and unreported in the zones is reported, and from then on what
/// becomes free. `policy` decides when, and null means "aged":
///   - "aged" or "aged:TIME": a run once all of it has been free for 100 ms, or for TIME, from 1 ms to 24 h.
///     TIME is a number, which may have a fraction, and a unit: ns, us, ms, s, m or h.
///   - "hwm" or "hwm:BLOCKS": a free area as soon as it holds 32 unreported blocks, or BLOCKS, from 1 to
///   10^9.
///   - "linux": as Linux does, 2 s after a free.
/// BUSY: a device is registered already. INVALID_ARGUMENT: a pointer is null, a field of `prdev` is out of
/// range, or the policy is unknown or out of range. NO_MEMORY: no room for the lists. An error changes
/// nothing. Any thread.
fallow_status fallow_page_reporting_register(struct fallow_reporter* reporter,
                                             struct fallow_page_reporting_dev_info* prdev,
                                             const char* policy);

/// Unregisters the device. Waits (relax) for requests in flight; afterwards `report` is not called again, and
/// `prdev` may be released. Frames stay reported: the next registration continues from there. NOT_FOUND:
/// `prdev` is not the registered device. DEADLOCK: called from inside `report`. INVALID_ARGUMENT: a pointer
/// is null. One thread at a time; any thread, except one that must itself complete a request in flight.
fallow_status fallow_page_reporting_unregister(struct fallow_reporter* reporter,
                                               struct fallow_page_reporting_dev_info* prdev);

/// Completes a request for which `report` returned FALLOW_PENDING, with the answers that `report` can give.
/// INVALID_ARGUMENT, without effect: `reporter` is null, `status` is FALLOW_PENDING or no status, or `token`
/// is not in flight (completed already, or of an earlier registration). Any thread, at any moment, also
/// before `report` returns. The completing thread must not wait for an allocation from a zone without free
/// frames.
fallow_status fallow_page_reporting_complete(struct fallow_reporter* reporter, uint32_t token,
                                             fallow_status status);

/// Returns 1 if the zone is flagged: it has something to report; 0 if it has not, or there is no such zone.
/// Any thread.
uint32_t fallow_page_reporting_requested(const struct fallow_reporter* reporter, uint32_t zone);

/// Makes every reported frame unreported, and reports everything anew, for when the owner of the memory lost
/// its state (restore, migration). Waits for requests in flight. DEADLOCK: called from inside `report`.
/// INVALID_ARGUMENT: null. Any other thread.
fallow_status fallow_forget_reported(struct fallow_reporter* reporter);

/// Runs the worker: reports what is due. Returns the time (nanoseconds of now()) at which to call it again;
/// FALLOW_NEVER: not before the port is asked to wake the worker. One thread at a time does the work; a
/// second caller returns at once, and the first loops once more on its behalf. FALLOW_NEVER for null.
uint64_t fallow_reporter_run(struct fallow_reporter* reporter);

/// Returns when fallow_reporter_run() should next run, wakeup requests since the last run included;
/// FALLOW_NEVER if nothing is pending, or for null. Any thread; one load.
uint64_t fallow_reporter_next_deadline(const struct fallow_reporter* reporter);

/// Counters since the reporter was created.
struct fallow_reporting_stats {
  uint64_t requests;   ///< requests that the device took
  uint64_t entries;    ///< entries in these requests
  uint64_t reported;   ///< frames in these requests
  uint64_t failures;   ///< requests that the device did not take
  uint64_t in_report;  ///< nanoseconds from `report` to its return or completion
  uint32_t in_flight;  ///< requests in flight now
};

/// Writes the counters to `*stats`. Any thread, at any time, without a lock. INVALID_ARGUMENT: a pointer is
/// null.
fallow_status fallow_reporter_get_stats(const struct fallow_reporter* reporter,
                                        struct fallow_reporting_stats* stats);

#ifdef __cplusplus
}
#endif
