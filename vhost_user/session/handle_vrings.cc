// Rings. A ring starts when its kick descriptor arrives or, if new settings stopped it, when it is enabled
// again. It stops on GET_VRING_BASE, when its settings change, and when another driver begins.
#include <cinttypes>
#include <cstdio>

#include "vhost_user/session/request_handlers.h"

namespace fallow::vhost {
namespace {

bool power_of_two(std::uint32_t n) noexcept { return n != 0 && (n & (n - 1)) == 0; }

bool complete(const Vring& ring) noexcept { return ring.size != 0 && ring.addressed && ring.kick >= 0; }

Verdict check_index(MessageContext& m, std::uint64_t index) noexcept {
  if (index < m.max_queues()) return Verdict::Done;
  return m.refuse("queue %" PRIu64 " does not exist; queues 0 to %u are allowed", index, m.max_queues() - 1);
}

Verdict check_area(MessageContext& m, std::uint32_t queue, const char* what, std::uint64_t address,
                   std::uint64_t size, std::uint64_t alignment) noexcept {
  std::uint64_t guest = 0;
  if (!m.next.guest_address(address, size, guest)) {
    return m.refuse("queue %u: %s of 0x%" PRIx64 " bytes at user address 0x%" PRIx64
                    " does not lie in one memory region",
                    queue, what, size, address);
  }
  if (guest % alignment != 0) {
    return m.refuse("queue %u: %s at user address 0x%" PRIx64 " (guest address 0x%" PRIx64 ") is not %" PRIu64
                    "-byte aligned",
                    queue, what, address, guest, alignment);
  }
  return Verdict::Done;
}

// A queue whose size is not set yet only has to begin in memory; the back-end checks again when the ring
// starts.
Verdict check_addresses(MessageContext& m, const VringAddr& addr) noexcept {
  const std::uint64_t size = m.next.vrings[addr.index].size;
  struct Area {
    const char* name;
    std::uint64_t address, bytes, alignment;
  };
  const Area split[] = {{"descriptor table", addr.descriptors, 16 * size, 16},
                        {"available ring", addr.available, 6 + 2 * size, 2},
                        {"used ring", addr.used, 6 + 8 * size, 4}};
  const Area one_ring[] = {{"descriptor ring", addr.descriptors, 16 * size, 16},
                           {"driver event area", addr.available, 4, 4},
                           {"device event area", addr.used, 4, 4}};
  for (const Area& area : m.packed() ? one_ring : split) {
    const auto v =
        check_area(m, addr.index, area.name, area.address, size == 0 ? 1 : area.bytes, area.alignment);
    if (v != Verdict::Done) return v;
  }
  return Verdict::Done;
}

Verdict start(MessageContext& m, std::uint32_t vring) noexcept {
  m.next.vrings[vring].started = true;
  return m.verdict_of(m.backend.start_ring(vring, m.next), "starting a ring");
}

Verdict start_if_complete(MessageContext& m, std::uint32_t vring) noexcept {
  return complete(m.next.vrings[vring]) ? start(m, vring) : Verdict::Done;
}

}  // namespace

Verdict set_vring_num(MessageContext& m) noexcept {
  const auto state = m.message.as<VringState>();
  if (const auto v = check_index(m, state.index); v != Verdict::Done) return v;
  if (state.num == 0 || state.num > m.backend.max_queue_size()) {
    const std::uint32_t most = m.backend.max_queue_size();
    return m.refuse(
        "queue %u: size of %u entries is not within 1 to %u (--queue-size); configure the front-end "
        "for at most that (QEMU: vq_size=%u; Cloud Hypervisor: queue_sizes; crosvm: max-queue-size=%u)",
        state.index, state.num, most, most, most);
  }
  if (!m.packed() && !power_of_two(state.num))
    return m.refuse("queue %u: size of %u entries is not a power of two", state.index, state.num);
  if (state.num == m.now.vrings[state.index].size) return Verdict::Done;
  const auto stopped = m.stop(state.index, RingEnd::NewSetUp);
  m.next.vrings[state.index].size = state.num;
  return stopped;
}

Verdict set_vring_addr(MessageContext& m) noexcept {
  const auto addr = m.message.as<VringAddr>();
  if (const auto v = check_index(m, addr.index); v != Verdict::Done) return v;
  if (addr.flags != 0)
    return m.refuse("queue %u: flags 0x%x are not allowed, because dirty logging was not offered", addr.index,
                    addr.flags);
  if (const auto v = check_addresses(m, addr); v != Verdict::Done) return v;
  Vring& ring = m.next.vrings[addr.index];
  const bool same = ring.addressed && ring.descriptors == addr.descriptors &&
                    ring.available == addr.available && ring.used == addr.used;
  ring.descriptors = addr.descriptors;
  ring.available = addr.available;
  ring.used = addr.used;
  ring.addressed = true;
  return same && m.now.enabled(addr.index) ? Verdict::Done : m.stop(addr.index, RingEnd::NewSetUp);
}

// The ring begins anew even if the base is unchanged: a driver that is unloaded and loaded again may cause no
// other message.
Verdict set_vring_base(MessageContext& m) noexcept {
  const auto state = m.message.as<VringState>();
  if (const auto v = check_index(m, state.index); v != Verdict::Done) return v;
  if (!m.packed() && state.num > 0xffff)
    return m.refuse("queue %u: base 0x%x exceeds 0xffff, the largest index of a split ring", state.index,
                    state.num);
  const auto stopped = m.stop(state.index, RingEnd::NewSetUp);
  m.next.vrings[state.index].base = state.num;
  return stopped;
}

Verdict get_vring_base(MessageContext& m) noexcept {
  const auto state = m.message.as<VringState>();
  if (const auto v = check_index(m, state.index); v != Verdict::Done) return v;
  if (const auto v = m.stop(state.index, RingEnd::Asked); v != Verdict::Done) return v;
  Vring& ring = m.next.vrings[state.index];
  ring.kick = ring.call = ring.err = -1;
  const VringState where{state.index, ring.base};
  fill_reply(m.reply, m.message.request(), std::as_bytes(std::span(&where, 1)));
  return Verdict::Done;
}

Verdict set_vring_enable(MessageContext& m) noexcept {
  const auto state = m.message.as<VringState>();
  if (const auto v = check_index(m, state.index); v != Verdict::Done) return v;
  if (state.num > 1)
    return m.refuse("queue %u: value %u is neither 0 (disable) nor 1 (enable)", state.index, state.num);
  Vring& ring = m.next.vrings[state.index];
  ring.enabled = state.num == 1;
  if (!ring.started) return ring.enabled ? start_if_complete(m, state.index) : Verdict::Done;
  if (m.next.enabled(state.index) == m.now.enabled(state.index)) return Verdict::Done;
  return verdict_of_certain(m.backend.enable_ring(state.index, ring.enabled));
}

Verdict set_vring_descriptor(MessageContext& m, int Vring::*which) noexcept {
  const auto word = m.message.as<std::uint64_t>();
  const std::uint64_t index = word & kVhostVringIndexMask;
  const bool none = (word & kVhostVringNoFd) != 0;
  if ((word & ~(kVhostVringIndexMask | kVhostVringNoFd)) != 0)
    return m.refuse("value 0x%" PRIx64 " has unknown bits; bits 0 to 8 are allowed", word);
  if (const auto v = check_index(m, index); v != Verdict::Done) return v;
  if (m.message.fds().size() != (none ? 0U : 1U)) {
    return m.refuse("queue %" PRIu64 ": %zu descriptors came with the message, but value 0x%" PRIx64
                    " announces %u",
                    index, m.message.fds().size(), word, none ? 0U : 1U);
  }
  if (none && which == &Vring::kick)
    return m.refuse("queue %" PRIu64 ": no kick descriptor was passed, and polling is not supported", index);
  const auto i = static_cast<std::uint32_t>(index);
  if (!none) {
    char owner[32];
    std::snprintf(owner, sizeof owner, " of queue %u", i);
    if (const auto v = m.expect_notifier(m.message.fds()[0], owner); v != Verdict::Done) return v;
  }
  Vring& ring = m.next.vrings[i];
  ring.*which = none ? -1 : m.message.fds()[0];
  if (ring.started) return m.verdict_of(m.backend.replace_descriptors(i, ring), "the descriptors of a ring");
  return which == &Vring::kick ? start_if_complete(m, i) : Verdict::Done;
}

}  // namespace fallow::vhost
