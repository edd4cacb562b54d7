// The balloon device in C: the host's end of the balloon, for a monitor. Part of fallow/c/fallow.h.
#pragma once

#include <stdint.h>

#include "fallow/c/balloon.h"
#include "fallow/c/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A virtio balloon device, in memory of the caller. One thread at a time uses it unless a function says
/// otherwise.
struct fallow_balloon_device;

/// The host's memory behind a guest, as functions that receive `context`. Only `discard` is required. Any
/// thread may call them. They must not throw.
struct fallow_backing {
  void* context;  ///< passed to every function
  /// Gives whole host pages back to the host: `count` frames from `first` on, multiples of `page_frames`.
  /// FALLOW_OK; FALLOW_FAILED if nothing or only a part was released; FALLOW_OUTSIDE_ZONE.
  fallow_status (*discard)(void* context, uint64_t first, uint64_t count);
  /// The guest is about to use these frames again. Advice: a failure is harmless. Null: not needed.
  fallow_status (*populate)(void* context, uint64_t first, uint64_t count);
  /// The content of a discarded frame: FALLOW_CONTENT_IS_ZERO or FALLOW_CONTENT_IS_UNKNOWN.
  uint32_t content_after;
  uint32_t page_frames;  ///< frames in a host page, a power of two; 0: 1
};

/// A range of guest memory. Address and size are multiples of 4096 bytes.
struct fallow_mapped_region {
  uint64_t guest_address;                ///< guest physical, in bytes
  uint64_t size;                         ///< bytes
  void* host;                            ///< the first byte in this process
  const struct fallow_backing* backing;  ///< copied
  uint64_t first;                        ///< the backing's frame behind the first frame of the range
};

/// A memory map has at most this many regions.
#define FALLOW_MAX_REGIONS 64u

/// Notices that the device gives, by number.
enum {
  FALLOW_BALLOON_POISON_KEEPS_PAGES = 0,  ///< the guest's poison is not 0: no reported page can be released
  FALLOW_BALLOON_POISON_IN_DOUBT = 1,     ///< the poison value is unknown: nothing is released until it is
  FALLOW_BALLOON_NOT_RELEASED = 2         ///< the backing failed for the first time
};

/// The parameters of a device. Fields that are zero have their defaults. The functions receive `context`, are
/// called by the thread that uses the device, and may be null unless they are required.
struct fallow_balloon_device_config {
  const struct fallow_mapped_region* regions;  ///< required; copied; they do not overlap
  uint32_t region_count;                       ///< 1 to FALLOW_MAX_REGIONS
  uint32_t max_queue_size;                     ///< entries, 1 to FALLOW_MAX_QUEUE_SIZE; 0: 256
  /// Features to offer; 0: all but INIT_REPORTED. VERSION_1 is always offered.
  uint64_t features;
  void* context;  ///< passed to every function
  /// Required. Sends a used buffer notification to the driver (2.3).
  void (*queue_used)(void* context, uint32_t queue);
  /// Required. Sends a configuration change notification to the driver (2.3).
  void (*config_changed)(void* context);
  /// A notice, at most once each until the device is reset.
  void (*notice)(void* context, uint32_t notice);
  /// The guest's statistics arrived: see fallow_balloon_device_guest_statistics().
  void (*statistics)(void* context);
  /// The guest does not need these bytes of its memory under the current hinting round. They must not be
  /// discarded here: only their transfer may be skipped.
  void (*hinted)(void* context, uint64_t guest_address, uint64_t size);
  /// The guest wrote the number of frames in its balloon.
  void (*actual_changed)(void* context);
};

/// Returns the bytes of memory that fallow_balloon_device_create() needs, a bit for each frame of the guest
/// among them; 0 if `config` is null, out of range, or its regions make no memory map.
uint64_t fallow_balloon_device_size(const struct fallow_balloon_device_config* config);

/// Builds a device in `size` bytes at `memory`, of any alignment and content, and stores its handle in
/// `*device`. Memory, host memory and backings must outlive the device. INVALID_ARGUMENT: a required pointer
/// is null, a number is out of range, regions overlap or are not made of whole frames, or `size` is too
/// small. On an error `*device` is null.
fallow_status fallow_balloon_device_create(const struct fallow_balloon_device_config* config, void* memory,
                                           uint64_t size, struct fallow_balloon_device** device);

/// Ends the use of a device; its memory may then be used for something else. Reset it first if the guest
/// still runs. INVALID_ARGUMENT: null, or not a device.
fallow_status fallow_balloon_device_destroy(struct fallow_balloon_device* device);

// The registers of a transport (virtio 1.2, 2 and 4). The driver's errors are counted and have no other
// effect.

/// Returns the features that the device offers; 0 for null.
uint64_t fallow_balloon_device_offered(const struct fallow_balloon_device* device);

/// Returns the features that the driver accepted; 0 for null.
uint64_t fallow_balloon_device_accepted(const struct fallow_balloon_device* device);

/// Sets the accepted features, before FEATURES_OK. INVALID_ARGUMENT: null.
fallow_status fallow_balloon_device_accept(struct fallow_balloon_device* device, uint64_t features);

/// Returns the device status (2.1); 0 for null. Any thread.
uint8_t fallow_balloon_device_status(const struct fallow_balloon_device* device);

/// Writes the status; 0 resets the device. When DRIVER_OK is set, process() must run once for every queue
/// that was started. INVALID_ARGUMENT: null.
fallow_status fallow_balloon_device_set_status(struct fallow_balloon_device* device, uint8_t status);

/// Returns a number that changes whenever the device changes its configuration (2.5); 0 for null. Any thread.
uint32_t fallow_balloon_device_config_generation(const struct fallow_balloon_device* device);

/// Copies `length` bytes of the configuration space (16 bytes) from `offset` on. Bytes beyond its end read as
/// 0. INVALID_ARGUMENT: a pointer is null.
fallow_status fallow_balloon_device_read_config(struct fallow_balloon_device* device, uint32_t offset,
                                                void* into, uint32_t length);

/// Writes `length` bytes to the configuration space from `offset` on. A write that reaches beyond its end has
/// no effect. INVALID_ARGUMENT: a pointer is null.
fallow_status fallow_balloon_device_write_config(struct fallow_balloon_device* device, uint32_t offset,
                                                 const void* from, uint32_t length);

/// Returns the largest size of a queue in entries; 0 if the queue does not exist, or for null.
uint32_t fallow_balloon_device_max_queue_size(const struct fallow_balloon_device* device, uint32_t queue);

/// Begins to serve a queue, after FEATURES_OK. BUSY: it is set up already. INVALID_ARGUMENT: a pointer is
/// null, the queue does not exist, or an address or the size is not valid.
fallow_status fallow_balloon_device_start_queue(struct fallow_balloon_device* device, uint32_t queue,
                                                const struct fallow_queue_addresses* addresses);

/// Stops a queue (2.6.1), which may then be set up again. NOT_FOUND: it is not set up. INVALID_ARGUMENT:
/// null.
fallow_status fallow_balloon_device_stop_queue(struct fallow_balloon_device* device, uint32_t queue);

/// Serves a queue, at most `budget` chains. Returns 1 if more may be available, so that it must be called
/// again; 0 if not, or for null. Called when the driver notifies the queue.
uint32_t fallow_balloon_device_process(struct fallow_balloon_device* device, uint32_t queue, uint32_t budget);

struct fallow_transport;

/// Fills `*transport` with functions that lead a driver of the same program to `device`, on one thread:
/// `notify` serves the queue and returns. The device's notifications go to `queue_used` and `config_changed`
/// of its configuration, which may call fallow_balloon_driver_queue_used() and _config_changed() at once. The
/// device must outlive the transport's use. INVALID_ARGUMENT: a pointer is null.
fallow_status fallow_balloon_device_transport(struct fallow_balloon_device* device,
                                              struct fallow_transport* transport);

/// Sets the number of frames that the balloon should have; at most 2^32 - 1. INVALID_ARGUMENT: null, or more.
fallow_status fallow_balloon_device_set_target(struct fallow_balloon_device* device, uint64_t frames);
/// Returns the target in frames; 0 for null. Any thread.
uint64_t fallow_balloon_device_target(const struct fallow_balloon_device* device);

/// Returns the number of frames that the driver says it has in the balloon; 0 for null. Any thread.
uint64_t fallow_balloon_device_actual(const struct fallow_balloon_device* device);

/// Asks the guest for statistics (5.5.6.3). BUSY: the guest has not answered the last request. NOT_FOUND: the
/// feature was not negotiated. INVALID_ARGUMENT: null.
fallow_status fallow_balloon_device_request_statistics(struct fallow_balloon_device* device);

/// The statistics that the guest sent last. The guest controls every value.
struct fallow_guest_statistics {
  uint64_t value[16];     ///< by tag of 5.5.6.4: 4 is free memory in bytes, 5 total memory, ...
  uint64_t unknown_tags;  ///< ignored
  uint64_t updates;       ///< buffers received
  uint32_t present;       ///< bit n: the guest sent value[n]
};

/// Writes the statistics to `*statistics`. INVALID_ARGUMENT: a pointer is null.
fallow_status fallow_balloon_device_guest_statistics(const struct fallow_balloon_device* device,
                                                     struct fallow_guest_statistics* statistics);

/// Begins a round of free page hinting (5.5.6.5) under a new command. BUSY: the driver has not ended the last
/// round. NOT_FOUND: the feature was not negotiated. INVALID_ARGUMENT: null.
fallow_status fallow_balloon_device_start_hinting(struct fallow_balloon_device* device);

/// Interrupts the round; the driver keeps the pages that it hinted. NOT_FOUND: the feature was not
/// negotiated. INVALID_ARGUMENT: null.
fallow_status fallow_balloon_device_stop_hinting(struct fallow_balloon_device* device);

/// Ends hinting; the driver may use the pages again. NOT_FOUND: the feature was not negotiated.
/// INVALID_ARGUMENT: null.
fallow_status fallow_balloon_device_finish_hinting(struct fallow_balloon_device* device);

/// While `on` is not 0, reports are acknowledged and nothing is released. Any thread. INVALID_ARGUMENT: null.
fallow_status fallow_balloon_device_pause_reporting(struct fallow_balloon_device* device, uint32_t on);

/// Counters since the device was created.
struct fallow_balloon_device_stats {
  uint64_t reports;           ///< requests on the reporting queue
  uint64_t entries;           ///< elements in these requests
  uint64_t reported;          ///< bytes in these requests that are in guest memory
  uint64_t released;          ///< bytes that reports released
  uint64_t discards;          ///< calls of fallow_backing.discard
  uint64_t paused;            ///< requests received while reporting was paused
  uint64_t inflated;          ///< frames in the balloon now
  uint64_t inflated_twice;    ///< frames inflated while in the balloon
  uint64_t inflate_released;  ///< bytes that inflation released
  uint64_t hinted;            ///< bytes
  uint64_t refused;           ///< parts of requests that the device did not act on
  uint64_t driver_mistakes;   ///< broken rules of status, features, configuration, queues and rings
};

/// Writes the counters to `*stats`. Any thread, without a lock. INVALID_ARGUMENT: a pointer is null.
fallow_status fallow_balloon_device_get_stats(const struct fallow_balloon_device* device,
                                              struct fallow_balloon_device_stats* stats);

#ifdef __cplusplus
}
#endif
