// The queues of a balloon, for people.
#pragma once

#include <string>

#include "fallow/balloon/device/balloon_device.h"

namespace fallow::vhost {

// Of the features that the driver accepted, such as "inflate 0, deflate 1, statistics 2, reporting 3".
std::string queue_list(const BalloonDevice& device, QueueNumbers numbers);

// How they are numbered, such as "without gaps over the features that its driver accepted".
const char* describe(QueueNumbers numbers) noexcept;

}  // namespace fallow::vhost
