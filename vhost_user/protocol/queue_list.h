// Describes the queues of a balloon in log messages.
#pragma once

#include <string>

#include "fallow/balloon/device/balloon_device.h"

namespace fallow::vhost {

// Lists the queues of the accepted features, such as "inflate 0, deflate 1, statistics 2, reporting 3".
std::string queue_list(const BalloonDevice& device, QueueNumbers numbers);

// Describes the numbering, such as "without gaps over the features that its driver accepted".
const char* describe(QueueNumbers numbers) noexcept;

}  // namespace fallow::vhost
