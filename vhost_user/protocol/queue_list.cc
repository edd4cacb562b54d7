#include "vhost_user/protocol/queue_list.h"

#include <array>
#include <cstddef>

namespace fallow::vhost {

std::string queue_list(const BalloonDevice& device, QueueNumbers numbers) {
  static constexpr std::array kNames = {"inflate", "deflate", "statistics", "hinting", "reporting"};
  std::string list;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const std::uint16_t number = device.number(static_cast<BalloonQueue>(i), numbers);
    if (number == kNoQueue) continue;
    if (!list.empty()) list += ", ";
    list += std::string(kNames[i]) + " " + std::to_string(number);
  }
  return list;
}

const char* describe(QueueNumbers numbers) noexcept {
  switch (numbers) {
    case QueueNumbers::WithoutGaps:
      return "without gaps over the features that its driver accepted";
    case QueueNumbers::AsPrinted:
      return "as virtio 1.2 prints them";
    case QueueNumbers::OverOffered:
      return "without gaps over the features that were offered";
  }
  return "in no known way";
}

}  // namespace fallow::vhost
