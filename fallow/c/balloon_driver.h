// The balloon driver in C: the guest's end of the balloon, and the usual reporting device of a guest. Part of
// fallow/c/fallow.h.
#pragma once

#include <stdint.h>

#include "fallow/c/balloon.h"
#include "fallow/c/page_reporting.h"
#include "fallow/c/status.h"
#include "fallow/c/zone.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A driver of one balloon device, in memory of the caller.
struct fallow_balloon_driver;

/// A driver's access to its device: registers and a doorbell (virtio 1.2, 4), as functions that receive
/// `context`. All are required except `reset_queue`. Any thread may call them, also from inside
/// fallow_balloon_driver_queue_used(). They must not throw.
struct fallow_transport {
  void* context;  ///< passed to every function
  /// The features that the device offers.
  uint64_t (*offered)(void* context);
  /// Tells the device the features that the driver accepts.
  void (*accept)(void* context, uint64_t features);
  /// Reads the device status (2.1).
  uint8_t (*status)(void* context);
  /// Writes the status. Writing 0 resets the device; the reset is complete when `status` reads 0. The device
  /// then no longer touches a buffer.
  void (*set_status)(void* context, uint8_t status);
  /// Returns a number that changes whenever the device changes its configuration (2.5).
  uint32_t (*config_generation)(void* context);
  /// Copies `length` bytes of the configuration space from `offset` on.
  void (*read_config)(void* context, uint32_t offset, void* into, uint32_t length);
  /// Writes `length` bytes to the configuration space from `offset` on.
  void (*write_config)(void* context, uint32_t offset, const void* from, uint32_t length);
  /// Returns the largest size of a queue in entries; 0: the queue does not exist.
  uint32_t (*max_queue_size)(void* context, uint32_t queue);
  /// Sets a queue up. FALLOW_OK, or FALLOW_FAILED if the device rejects the queue.
  fallow_status (*start_queue)(void* context, uint32_t queue, const struct fallow_queue_addresses* addresses);
  /// Resets a queue (2.6.1), which is only asked for with FALLOW_F_RING_RESET: FALLOW_OK, or FALLOW_FAILED.
  /// After FALLOW_OK the device no longer touches the queue. Null: the feature is not accepted.
  fallow_status (*reset_queue)(void* context, uint32_t queue);
  /// Sends an available buffer notification for the queue (2.3).
  void (*notify)(void* context, uint32_t queue);
};

/// The parameters of a driver. Fields that are zero have their defaults.
struct fallow_balloon_driver_config {
  struct fallow_reporter* reporter;   ///< required; completes the requests, and lends its port
  struct fallow_zone* zone;           ///< required; one of the reporter's, from which the balloon inflates
  struct fallow_cache* cache;         ///< required; a cache of the zone that only the driver uses
  struct fallow_transport transport;  ///< required; copied
  /// Required. Memory that driver and device share: its first byte, the address of that byte as the device
  /// sees it, both multiples of 4096, and its bytes, at least fallow_balloon_driver_shared_size().
  void* shared;
  uint64_t shared_address;  ///< bytes
  uint64_t shared_size;     ///< bytes
  /// Features to accept if the device offers them; 0: all but poison and INIT_REPORTED. VERSION_1 is always
  /// accepted: FALLOW_F_VERSION_1 alone accepts no other feature.
  uint64_t features;
  uint32_t queue_size;  ///< upper bound in entries, 1 to FALLOW_MAX_QUEUE_SIZE; 0: 256
  uint32_t capacity;    ///< entries in a request, at least 1; 0: 32
  uint32_t in_flight;   ///< requests in flight, 1 to 65536; 0: 1
  uint32_t poisons;     ///< not 0: free frames of this guest must keep the value `poison`
  uint32_t poison;      ///< the value that free frames keep
  /// With `poisons`: writes the value into frames that the balloon returns; null: they are not written.
  /// Called by the thread in fallow_balloon_driver_work() with `fill_context`.
  void (*fill)(void* fill_context, uint64_t first, uint64_t count);
  void* fill_context;  ///< passed to `fill`
};

/// Returns the bytes of memory that driver and device share; 0 if `config` is null or out of range.
uint64_t fallow_balloon_driver_shared_size(const struct fallow_balloon_driver_config* config);

/// Returns the bytes of memory that fallow_balloon_driver_create() needs, a bit for each frame of the zone
/// among them; 0 if `config` is null or out of range, or has no zone.
uint64_t fallow_balloon_driver_size(const struct fallow_balloon_driver_config* config);

/// Builds a driver in `size` bytes at `memory`, of any alignment and content, and stores its handle in
/// `*driver`. The shared memory is cleared; nothing is sent to the device. All that `config` names must
/// outlive the driver. INVALID_ARGUMENT: a required pointer is null, a number is out of range, the shared
/// memory is too small or misaligned, `cache` is not of `zone`, `zone` is not of `reporter`, or `size` is too
/// small. On an error `*driver` is null.
fallow_status fallow_balloon_driver_create(const struct fallow_balloon_driver_config* config, void* memory,
                                           uint64_t size, struct fallow_balloon_driver** driver);

/// Ends the use of a driver: removes the device as fallow_balloon_driver_remove() does. No other thread may
/// be in a call with the driver. BUSY, and the driver lives on: it is registered (unregister it first).
/// INVALID_ARGUMENT: null, or not a driver.
fallow_status fallow_balloon_driver_destroy(struct fallow_balloon_driver* driver);

/// Initialises the device (3.1.1): reset, features, queues, DRIVER_OK. INVALID_ARGUMENT: null, or the device
/// does not offer VERSION_1. FAILED: the device rejects the features or a queue. BUSY: probed already.
/// probe(), remove(), recover(), reset_reporting_queue(), work() and deflate_on_oom() are called by one
/// thread at a time.
fallow_status fallow_balloon_driver_probe(struct fallow_balloon_driver* driver);

/// Takes every frame out of the balloon and resets the device, which then holds nothing of the driver. Waits
/// at most one second for each answer of the device. probe() may follow. BUSY: the driver is registered
/// (unregister it first). INVALID_ARGUMENT: null.
fallow_status fallow_balloon_driver_remove(struct fallow_balloon_driver* driver);

/// Resets the device and initialises it again. Requests in flight fail, and the balloon is empty afterwards.
/// work() does the same when the device breaks a rule or asks for it. NOT_FOUND: not probed; otherwise as
/// probe().
fallow_status fallow_balloon_driver_recover(struct fallow_balloon_driver* driver);

/// Resets only the reporting queue (2.6.1); requests in flight fail. NOT_FOUND: the feature was not
/// negotiated. FAILED: the device did not reset the queue; work() recovers. INVALID_ARGUMENT: null.
fallow_status fallow_balloon_driver_reset_reporting_queue(struct fallow_balloon_driver* driver);

/// Returns 1 if the driver is probed and reporting was negotiated; 0 if not, or for null. Any thread.
uint32_t fallow_balloon_driver_reports(const struct fallow_balloon_driver* driver);

/// Registers the driver as the device of its reporter, with `policy` and `order` as in
/// fallow_page_reporting_register() and fallow_page_reporting_dev_info. NOT_FOUND: the driver does not report
/// (probe it first; the device may lack the feature). BUSY, NO_MEMORY and INVALID_ARGUMENT as there.
fallow_status fallow_balloon_driver_register(struct fallow_balloon_driver* driver, const char* policy,
                                             uint32_t order);

/// Unregisters the driver, as fallow_page_reporting_unregister() does.
fallow_status fallow_balloon_driver_unregister(struct fallow_balloon_driver* driver);

/// The device returned buffers of a queue. To be called after the interrupt,
/// not inside the handler. Any thread, also from within a function of the transport. INVALID_ARGUMENT: null.
fallow_status fallow_balloon_driver_queue_used(struct fallow_balloon_driver* driver, uint32_t queue);

/// The device changed its configuration; otherwise as fallow_balloon_driver_queue_used().
fallow_status fallow_balloon_driver_config_changed(struct fallow_balloon_driver* driver);

/// Does the pending work: moves the balloon towards its target, answers requests for statistics and hints,
/// and recovers. Returns the time (nanoseconds of the port's now()) at which to call it again; FALLOW_NEVER:
/// not before the port is asked to wake the worker. FALLOW_NEVER for null.
uint64_t fallow_balloon_driver_work(struct fallow_balloon_driver* driver);

/// Returns when fallow_balloon_driver_work() should next run, wakeup requests since the last run included;
/// FALLOW_NEVER if nothing is pending, or for null. Any thread; one load.
uint64_t fallow_balloon_driver_next_deadline(const struct fallow_balloon_driver* driver);

/// Releases up to `wanted` frames on behalf of an allocation that failed. Returns how many frames the zone
/// received; 0 if none are left, the feature was not negotiated, or for null.
uint64_t fallow_balloon_driver_deflate_on_oom(struct fallow_balloon_driver* driver, uint64_t wanted);

/// Counters since the driver was created.
struct fallow_balloon_driver_stats {
  uint64_t probes;         ///< initialisations of the device
  uint64_t resets;         ///< resets of the device
  uint64_t requests;       ///< reports sent to the device
  uint64_t descriptors;    ///< their elements
  uint64_t kicks;          ///< notifications sent
  uint64_t ring_faults;    ///< rules that the device broke; each resets it
  uint64_t wrong_lengths;  ///< used lengths that exceeded the buffer
  uint64_t abandoned;      ///< requests that a reset or a removal failed
  uint64_t inflated;       ///< frames in the balloon now
};

/// Writes the counters to `*stats`. Any thread. INVALID_ARGUMENT: a pointer is null.
fallow_status fallow_balloon_driver_get_stats(const struct fallow_balloon_driver* driver,
                                              struct fallow_balloon_driver_stats* stats);

#ifdef __cplusplus
}
#endif
