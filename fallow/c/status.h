// Status codes of the C interface, and its version. Part of fallow/c/fallow.h.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The version of the binary interface that these headers describe. Programs and libraries of one version
/// work together; a change of a structure, a constant or a function gives another version.
#define FALLOW_C_ABI_VERSION 1u

/// Returns the FALLOW_C_ABI_VERSION with which the library was built. A program that loads the library at run
/// time compares the two before any other call. Any thread.
uint32_t fallow_c_abi_version(void);

/// The outcome of a call: one of the constants below.
typedef uint32_t fallow_status;  // NOLINT(modernize-use-using): the header is C

/// The values of fallow_status.
enum {
  FALLOW_OK = 0,                ///< Done.
  FALLOW_NO_MEMORY = 1,         ///< No suitable block is free, or the memory for lists is used up.
  FALLOW_BUSY = 2,              ///< Another device is registered, or the object is in use by another.
  FALLOW_INVALID_ARGUMENT = 3,  ///< A parameter is null or out of its documented range.
  FALLOW_NOT_FOUND = 4,         ///< The device is not the registered one.
  FALLOW_DEADLOCK = 5,          ///< The caller is the worker, and would wait for itself.
  FALLOW_FAILED = 6,            ///< The device failed to carry out the request.
  FALLOW_PENDING = 7,           ///< The device will complete the request later.
  FALLOW_CONTENT_UNKNOWN = 8,   ///< Done, but the content of the frames is unspecified.
  FALLOW_NOT_ALLOCATED = 9,     ///< Misuse: the freed frame is not allocated (a double free).
  FALLOW_OUTSIDE_ZONE = 10,     ///< Misuse: the frame does not belong to the zone.
  FALLOW_MISALIGNED = 11        ///< Misuse: the frame is not aligned to the order with which it is freed.
};

/// Returns a readable description of a status; "unknown status" for any other number, never null. The text is
/// constant. Any thread.
const char* fallow_status_text(fallow_status status);

/// A frame is 4096 bytes on every machine. Frame numbers are addresses divided by FALLOW_FRAME_SIZE.
#define FALLOW_FRAME_SIZE 4096u
/// A block of order n has 2^n frames and is aligned to its size; the largest order is 10.
#define FALLOW_MAX_ORDER 10u
/// A time that never comes. Times and durations are nanoseconds.
#define FALLOW_NEVER UINT64_MAX

/// The content of a reported or discarded frame afterwards.
enum {
  FALLOW_CONTENT_IS_UNKNOWN = 0,  ///< unspecified
  FALLOW_CONTENT_IS_ZERO = 1,     ///< all bytes are zero
  FALLOW_CONTENT_IS_POISON = 2    ///< the poison value on which device and guest agreed
};

#ifdef __cplusplus
}
#endif
