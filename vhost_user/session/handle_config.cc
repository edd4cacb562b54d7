// The configuration space of the device, and the area that tracks chains in flight.
#include <cinttypes>
#include <cstring>

#include "vhost_user/session/request_handlers.h"

namespace fallow::vhost {

// An empty payload reports a failure.
Verdict get_config(MessageContext& m) noexcept {
  const auto head = m.message.as<ConfigHead>();
  std::byte both[sizeof head + kVhostMaxConfig];
  Verdict verdict = Verdict::Done;
  if (head.size == 0 || head.size > kVhostMaxConfig) {
    verdict = m.refuse("size of %u bytes is not within 1 to %u", head.size, kVhostMaxConfig);
  } else if (m.message.payload().size() != sizeof head + head.size) {
    verdict = m.refuse("size of %u bytes needs a payload of %zu bytes, not %zu", head.size,
                       sizeof head + head.size, m.message.payload().size());
  } else {
    verdict =
        m.verdict_of(m.backend.read_config(head.offset, std::span(both).subspan(sizeof head, head.size)),
                     "the configuration");
  }
  if (verdict == Verdict::Pending) return verdict;
  std::memcpy(both, &head, sizeof head);
  const std::size_t size = verdict == Verdict::Done ? sizeof head + head.size : 0;
  fill_reply(m.reply, m.message.request(), std::span(both).first(size));
  if (verdict != Verdict::Done) m.error_text.append(" (offset %u, %u bytes)", head.offset, head.size);
  return verdict;
}

Verdict set_config(MessageContext& m) noexcept {
  const auto head = m.message.as<ConfigHead>();
  if (head.size == 0 || head.size > kVhostMaxConfig)
    return m.refuse("size of %u bytes is not within 1 to %u", head.size, kVhostMaxConfig);
  if (m.message.payload().size() != sizeof head + head.size)
    return m.refuse("size of %u bytes needs a payload of %zu bytes, not %zu", head.size,
                    sizeof head + head.size, m.message.payload().size());
  if (head.flags != kVhostConfigWritable && head.flags != kVhostConfigMigration)
    return m.refuse("flags 0x%x are unknown; 0 (writable) and 1 (migration) are allowed", head.flags);
  const auto verdict =
      m.verdict_of(m.backend.write_config(head.offset, m.message.payload().subspan(sizeof head),
                                          head.flags == kVhostConfigMigration),
                   "the configuration");
  if (verdict == Verdict::Refused) m.error_text.append(" (offset %u, %u bytes)", head.offset, head.size);
  return verdict;
}

// An area of size 0 reports a failure.
Verdict get_inflight_fd(MessageContext& m) noexcept {
  InflightSettings inflight{m.message.as<InflightDescription>(), -1};
  inflight.area.mmap_size = inflight.area.mmap_offset = 0;
  Verdict verdict = Verdict::Done;
  if (inflight.area.queues == 0 || inflight.area.queues > m.max_queues() || inflight.area.queue_size == 0) {
    verdict = m.refuse("%u queues of %u entries; 1 to %u queues of at least 1 entry are allowed",
                       inflight.area.queues, inflight.area.queue_size, m.max_queues());
  } else {
    verdict = m.verdict_of(m.backend.get_inflight(inflight), "the in-flight area");
  }
  if (verdict == Verdict::Pending) return verdict;
  if (verdict == Verdict::Done) {
    m.next.inflight = inflight;
  } else {
    inflight = {m.message.as<InflightDescription>(), -1};
    inflight.area.mmap_size = 0;
  }
  fill_reply(m.reply, m.message.request(),
             std::as_bytes(std::span(&inflight.area, 1)).first(m.message.payload().size()), inflight.fd);
  return verdict;
}

Verdict set_inflight_fd(MessageContext& m) noexcept {
  const auto area = m.message.as<InflightDescription>();
  if (area.queues == 0 || area.queues > m.max_queues() || area.queue_size == 0)
    return m.refuse("%u queues of %u entries; 1 to %u queues of at least 1 entry are allowed", area.queues,
                    area.queue_size, m.max_queues());
  if (area.mmap_size == 0 || area.mmap_offset + area.mmap_size < area.mmap_offset)
    return m.refuse("area of 0x%" PRIx64 " bytes at offset 0x%" PRIx64 " is empty or exceeds 64 bits",
                    area.mmap_size, area.mmap_offset);
  if (const auto v = m.expect_memory_file(m.message.fds()[0]); v != Verdict::Done) return v;
  m.next.inflight = {area, m.message.fds()[0]};
  return m.verdict_of(m.backend.set_inflight(m.next.inflight), "the in-flight area");
}

}  // namespace fallow::vhost
