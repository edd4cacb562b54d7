// The page allocator and page reporting: zones, local caches, the reporter, devices and policies.
//
// fallow/balloon.h adds the virtio balloon (freestanding as this header is), and fallow/host.h a port and
// backings of memory for programs under an operating system.
#pragma once

#include "fallow/base/language.h"

#include "fallow/base/scatterlist.h"
#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "fallow/platform/port.h"
#include "fallow/reporting/policies.h"
#include "fallow/reporting/reporter.h"
#include "fallow/reporting/reporting_device.h"
#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"
#include "fallow/zone/zone_check.h"
#include "fallow/zone/zone_stats.h"

/// The interface for users of Fallow. Names in fallow::detail are internal and may change in any release.
namespace fallow {}
