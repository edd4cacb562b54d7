// Fallow in C99: a page allocator that reports its unused pages, and a virtio balloon. Freestanding: needs
// <stddef.h> and <stdint.h> only. C++ programs may include it too.
//
//   fallow_zone -> fallow_cache: allocate, free       fallow_reporter -> fallow_page_reporting_dev_info:
//   report
//
// Objects live in memory of the caller: a function `fallow_X_size` says how much, and `fallow_X_create` makes
// a handle. No function throws, allocates or makes a system call. A null pointer is answered with
// FALLOW_INVALID_ARGUMENT. A handle must come from its create function and not be destroyed.
#pragma once

#include "fallow/c/balloon.h"
#include "fallow/c/balloon_device.h"
#include "fallow/c/balloon_driver.h"
#include "fallow/c/page_reporting.h"
#include "fallow/c/port.h"
#include "fallow/c/status.h"
#include "fallow/c/zone.h"
