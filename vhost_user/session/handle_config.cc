// The configuration space of the device, and the area that tracks chains in flight.
#include <cstring>

#include "vhost_user/session/message_handler.h"

namespace fallow::vhost {

// An empty payload reports a failure.
VhostVerdict MessageHandler::get_config() noexcept {
  const auto head = message_.as<ConfigHead>();
  std::byte both[sizeof head + kVhostMaxConfig];
  VhostVerdict verdict = VhostVerdict::Done;
  if (head.size == 0 || head.size > kVhostMaxConfig) {
    verdict = refuse("%u bytes, where 1 to %u are possible", head.size, kVhostMaxConfig);
  } else if (message_.payload().size() != sizeof head + head.size) {
    verdict = refuse("%u bytes in a payload of %zu", head.size, message_.payload().size());
  } else {
    verdict = verdict_of(backend_.read_config(head.offset, std::span(both).subspan(sizeof head, head.size)),
                         "the configuration");
  }
  if (verdict == VhostVerdict::Pending) return verdict;
  std::memcpy(both, &head, sizeof head);
  const std::size_t size = verdict == VhostVerdict::Done ? sizeof head + head.size : 0;
  vhost_reply(reply_, message_.request(), std::span(both).first(size));
  if (verdict != VhostVerdict::Done) complaint_.add(" (offset %u, %u bytes)", head.offset, head.size);
  return verdict;
}

VhostVerdict MessageHandler::set_config() noexcept {
  const auto head = message_.as<ConfigHead>();
  if (head.size == 0 || head.size > kVhostMaxConfig)
    return refuse("%u bytes, where 1 to %u are possible", head.size, kVhostMaxConfig);
  if (message_.payload().size() != sizeof head + head.size)
    return refuse("%u bytes in a payload of %zu", head.size, message_.payload().size());
  if (head.flags != kVhostConfigWritable && head.flags != kVhostConfigMigration)
    return refuse("unknown flags 0x%x", head.flags);
  const auto verdict = verdict_of(backend_.write_config(head.offset, message_.payload().subspan(sizeof head),
                                                        head.flags == kVhostConfigMigration),
                                  "the configuration");
  if (verdict == VhostVerdict::Refused) complaint_.add(" (offset %u, %u bytes)", head.offset, head.size);
  return verdict;
}

// An area of size 0 reports a failure.
VhostVerdict MessageHandler::get_inflight_fd() noexcept {
  InflightSettings inflight{message_.as<InflightDescription>(), -1};
  inflight.area.mmap_size = inflight.area.mmap_offset = 0;
  VhostVerdict verdict = VhostVerdict::Done;
  if (inflight.area.queues == 0 || inflight.area.queues > max_queues() || inflight.area.queue_size == 0) {
    verdict = refuse("%u queues of %u places", inflight.area.queues, inflight.area.queue_size);
  } else {
    verdict = verdict_of(backend_.get_inflight(inflight), "the inflight area");
  }
  if (verdict == VhostVerdict::Pending) return verdict;
  if (verdict == VhostVerdict::Done) {
    next_.inflight = inflight;
  } else {
    inflight = {message_.as<InflightDescription>(), -1};
    inflight.area.mmap_size = 0;
  }
  vhost_reply(reply_, message_.request(),
              std::as_bytes(std::span(&inflight.area, 1)).first(message_.payload().size()), inflight.fd);
  return verdict;
}

VhostVerdict MessageHandler::set_inflight_fd() noexcept {
  const auto area = message_.as<InflightDescription>();
  if (area.queues == 0 || area.queues > max_queues() || area.queue_size == 0)
    return refuse("%u queues of %u places", area.queues, area.queue_size);
  if (area.mmap_size == 0 || area.mmap_offset + area.mmap_size < area.mmap_offset)
    return refuse("an area that is empty or goes beyond 64 bits");
  if (const auto v = expect_memory_file(message_.fds()[0]); v != VhostVerdict::Done) return v;
  next_.inflight = {area, message_.fds()[0]};
  return verdict_of(backend_.set_inflight(next_.inflight), "the inflight area");
}

}  // namespace fallow::vhost
