// The front header for programs under an operating system: everything of fallow.h; Memory, one object that
// owns frames and everything that they need; and its parts, a port that runs the worker in a thread, memory
// backings, and a reporting device that releases frames onto a backing.
#pragma once

#include "fallow/base/language.h"

#include "fallow/fallow.h"
#include "fallow/host/anonymous_backing.h"
#include "fallow/host/file_backing.h"
#include "fallow/host/hosted_port.h"
#include "fallow/host/memfd_backing.h"
#include "fallow/host/memory.h"
#include "fallow/host/release_device.h"
