// The virtio balloon: the driver of a guest, the device of a host, and the transports that connect the two.
#pragma once

#include "fallow/base/language.h"

#include "fallow/balloon/device/balloon_device.h"
#include "fallow/balloon/driver/balloon_driver.h"
#include "fallow/balloon/wire.h"
#include "fallow/virtio/ring/guest_memory.h"
#include "fallow/virtio/transport/in_process_transport.h"
#include "fallow/virtio/transport/mmio_transport.h"
#include "fallow/virtio/transport/pci_transport.h"
