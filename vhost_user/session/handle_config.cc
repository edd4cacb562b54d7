// The configuration space of the device, and the area that tracks chains in flight.
#include <cinttypes>
#include <cstring>

#include "vhost_user/session/message_handler.h"

namespace fallow::vhost {

// An empty payload reports a failure.
Verdict MessageHandler::get_config() noexcept {
  const auto head = message_.as<ConfigHead>();
  std::byte both[sizeof head + kVhostMaxConfig];
  Verdict verdict = Verdict::Done;
  if (head.size == 0 || head.size > kVhostMaxConfig) {
    verdict = refuse("size of %u bytes is not within 1 to %u", head.size, kVhostMaxConfig);
  } else if (message_.payload().size() != sizeof head + head.size) {
    verdict = refuse("size of %u bytes needs a payload of %zu bytes, not %zu", head.size,
                     sizeof head + head.size, message_.payload().size());
  } else {
    verdict = verdict_of(backend_.read_config(head.offset, std::span(both).subspan(sizeof head, head.size)),
                         "the configuration");
  }
  if (verdict == Verdict::Pending) return verdict;
  std::memcpy(both, &head, sizeof head);
  const std::size_t size = verdict == Verdict::Done ? sizeof head + head.size : 0;
  fill_reply(reply_, message_.request(), std::span(both).first(size));
  if (verdict != Verdict::Done) error_text_.append(" (offset %u, %u bytes)", head.offset, head.size);
  return verdict;
}

Verdict MessageHandler::set_config() noexcept {
  const auto head = message_.as<ConfigHead>();
  if (head.size == 0 || head.size > kVhostMaxConfig)
    return refuse("size of %u bytes is not within 1 to %u", head.size, kVhostMaxConfig);
  if (message_.payload().size() != sizeof head + head.size)
    return refuse("size of %u bytes needs a payload of %zu bytes, not %zu", head.size,
                  sizeof head + head.size, message_.payload().size());
  if (head.flags != kVhostConfigWritable && head.flags != kVhostConfigMigration)
    return refuse("flags 0x%x are unknown; 0 (writable) and 1 (migration) are allowed", head.flags);
  const auto verdict = verdict_of(backend_.write_config(head.offset, message_.payload().subspan(sizeof head),
                                                        head.flags == kVhostConfigMigration),
                                  "the configuration");
  if (verdict == Verdict::Refused) error_text_.append(" (offset %u, %u bytes)", head.offset, head.size);
  return verdict;
}

// An area of size 0 reports a failure.
Verdict MessageHandler::get_inflight_fd() noexcept {
  InflightSettings inflight{message_.as<InflightDescription>(), -1};
  inflight.area.mmap_size = inflight.area.mmap_offset = 0;
  Verdict verdict = Verdict::Done;
  if (inflight.area.queues == 0 || inflight.area.queues > max_queues() || inflight.area.queue_size == 0) {
    verdict = refuse("%u queues of %u entries; 1 to %u queues of at least 1 entry are allowed",
                     inflight.area.queues, inflight.area.queue_size, max_queues());
  } else {
    verdict = verdict_of(backend_.get_inflight(inflight), "the in-flight area");
  }
  if (verdict == Verdict::Pending) return verdict;
  if (verdict == Verdict::Done) {
    next_.inflight = inflight;
  } else {
    inflight = {message_.as<InflightDescription>(), -1};
    inflight.area.mmap_size = 0;
  }
  fill_reply(reply_, message_.request(),
             std::as_bytes(std::span(&inflight.area, 1)).first(message_.payload().size()), inflight.fd);
  return verdict;
}

Verdict MessageHandler::set_inflight_fd() noexcept {
  const auto area = message_.as<InflightDescription>();
  if (area.queues == 0 || area.queues > max_queues() || area.queue_size == 0)
    return refuse("%u queues of %u entries; 1 to %u queues of at least 1 entry are allowed", area.queues,
                  area.queue_size, max_queues());
  if (area.mmap_size == 0 || area.mmap_offset + area.mmap_size < area.mmap_offset)
    return refuse("area of 0x%" PRIx64 " bytes at offset 0x%" PRIx64 " is empty or exceeds 64 bits",
                  area.mmap_size, area.mmap_offset);
  if (const auto v = expect_memory_file(message_.fds()[0]); v != Verdict::Done) return v;
  next_.inflight = {area, message_.fds()[0]};
  return verdict_of(backend_.set_inflight(next_.inflight), "the in-flight area");
}

}  // namespace fallow::vhost
