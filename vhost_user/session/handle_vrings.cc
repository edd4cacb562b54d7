// Rings. A ring starts when its kick descriptor arrives or, if new settings stopped it, when it is enabled
// again. It stops on GET_VRING_BASE, when its settings change, and when another driver begins.
#include <cinttypes>
#include <cstdio>

#include "vhost_user/session/message_handler.h"

namespace fallow::vhost {
namespace {

bool power_of_two(std::uint32_t n) noexcept { return n != 0 && (n & (n - 1)) == 0; }

bool complete(const Vring& ring) noexcept { return ring.size != 0 && ring.addressed && ring.kick >= 0; }

}  // namespace

Verdict MessageHandler::check_index(std::uint64_t index) noexcept {
  if (index < max_queues()) return Verdict::Done;
  return refuse("queue %" PRIu64 " does not exist; queues 0 to %u are allowed", index, max_queues() - 1);
}

Verdict MessageHandler::set_vring_num() noexcept {
  const auto state = message_.as<VringState>();
  if (const auto v = check_index(state.index); v != Verdict::Done) return v;
  if (state.num == 0 || state.num > backend_.max_queue_size()) {
    const std::uint32_t most = backend_.max_queue_size();
    return refuse(
        "queue %u: size of %u entries is not within 1 to %u (--queue-size); configure the front-end "
        "for at most that (QEMU: vq_size=%u; Cloud Hypervisor: queue_sizes; crosvm: max-queue-size=%u)",
        state.index, state.num, most, most, most);
  }
  if (!packed() && !power_of_two(state.num))
    return refuse("queue %u: size of %u entries is not a power of two", state.index, state.num);
  if (state.num == now_.vrings[state.index].size) return Verdict::Done;
  const auto stopped = stop(state.index, RingEnd::NewSetUp);
  next_.vrings[state.index].size = state.num;
  return stopped;
}

Verdict MessageHandler::check_area(std::uint32_t queue, const char* what, std::uint64_t address,
                                   std::uint64_t size, std::uint64_t alignment) noexcept {
  std::uint64_t guest = 0;
  if (!next_.guest_address(address, size, guest)) {
    return refuse("queue %u: %s of 0x%" PRIx64 " bytes at user address 0x%" PRIx64
                  " does not lie in one memory region",
                  queue, what, size, address);
  }
  if (guest % alignment != 0) {
    return refuse("queue %u: %s at user address 0x%" PRIx64 " (guest address 0x%" PRIx64 ") is not %" PRIu64
                  "-byte aligned",
                  queue, what, address, guest, alignment);
  }
  return Verdict::Done;
}

// A queue whose size is not set yet only has to begin in memory; the back-end checks again when the ring
// starts.
Verdict MessageHandler::check_addresses(const VringAddr& addr) noexcept {
  const std::uint64_t size = next_.vrings[addr.index].size;
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
  for (const Area& area : packed() ? one_ring : split) {
    const auto v =
        check_area(addr.index, area.name, area.address, size == 0 ? 1 : area.bytes, area.alignment);
    if (v != Verdict::Done) return v;
  }
  return Verdict::Done;
}

Verdict MessageHandler::set_vring_addr() noexcept {
  const auto addr = message_.as<VringAddr>();
  if (const auto v = check_index(addr.index); v != Verdict::Done) return v;
  if (addr.flags != 0)
    return refuse("queue %u: flags 0x%x are not allowed, because dirty logging was not offered", addr.index,
                  addr.flags);
  if (const auto v = check_addresses(addr); v != Verdict::Done) return v;
  Vring& ring = next_.vrings[addr.index];
  const bool same = ring.addressed && ring.descriptors == addr.descriptors &&
                    ring.available == addr.available && ring.used == addr.used;
  ring.descriptors = addr.descriptors;
  ring.available = addr.available;
  ring.used = addr.used;
  ring.addressed = true;
  return same && now_.enabled(addr.index) ? Verdict::Done : stop(addr.index, RingEnd::NewSetUp);
}

// The ring begins anew even if the base is unchanged: a driver that is unloaded and loaded again may cause no
// other message.
Verdict MessageHandler::set_vring_base() noexcept {
  const auto state = message_.as<VringState>();
  if (const auto v = check_index(state.index); v != Verdict::Done) return v;
  if (!packed() && state.num > 0xffff)
    return refuse("queue %u: base 0x%x exceeds 0xffff, the largest index of a split ring", state.index,
                  state.num);
  const auto stopped = stop(state.index, RingEnd::NewSetUp);
  next_.vrings[state.index].base = state.num;
  return stopped;
}

Verdict MessageHandler::get_vring_base() noexcept {
  const auto state = message_.as<VringState>();
  if (const auto v = check_index(state.index); v != Verdict::Done) return v;
  if (const auto v = stop(state.index, RingEnd::Asked); v != Verdict::Done) return v;
  Vring& ring = next_.vrings[state.index];
  ring.kick = ring.call = ring.err = -1;
  const VringState where{state.index, ring.base};
  fill_reply(reply_, message_.request(), std::as_bytes(std::span(&where, 1)));
  return Verdict::Done;
}

Verdict MessageHandler::set_vring_enable() noexcept {
  const auto state = message_.as<VringState>();
  if (const auto v = check_index(state.index); v != Verdict::Done) return v;
  if (state.num > 1)
    return refuse("queue %u: value %u is neither 0 (disable) nor 1 (enable)", state.index, state.num);
  Vring& ring = next_.vrings[state.index];
  ring.enabled = state.num == 1;
  if (!ring.started) return ring.enabled ? start_if_complete(state.index) : Verdict::Done;
  if (next_.enabled(state.index) == now_.enabled(state.index)) return Verdict::Done;
  return verdict_of_certain(backend_.enable_ring(state.index, ring.enabled));
}

Verdict MessageHandler::set_vring_descriptor(int Vring::*which) noexcept {
  const auto word = message_.as<std::uint64_t>();
  const std::uint64_t index = word & kVhostVringIndexMask;
  const bool none = (word & kVhostVringNoFd) != 0;
  if ((word & ~(kVhostVringIndexMask | kVhostVringNoFd)) != 0)
    return refuse("value 0x%" PRIx64 " has unknown bits; bits 0 to 8 are allowed", word);
  if (const auto v = check_index(index); v != Verdict::Done) return v;
  if (message_.fds().size() != (none ? 0U : 1U)) {
    return refuse("queue %" PRIu64 ": %zu descriptors came with the message, but value 0x%" PRIx64
                  " announces %u",
                  index, message_.fds().size(), word, none ? 0U : 1U);
  }
  if (none && which == &Vring::kick)
    return refuse("queue %" PRIu64 ": no kick descriptor was passed, and polling is not supported", index);
  const auto i = static_cast<std::uint32_t>(index);
  if (!none) {
    char owner[32];
    std::snprintf(owner, sizeof owner, " of queue %u", i);
    if (const auto v = expect_notifier(message_.fds()[0], owner); v != Verdict::Done) return v;
  }
  Vring& ring = next_.vrings[i];
  ring.*which = none ? -1 : message_.fds()[0];
  if (ring.started) return verdict_of(backend_.replace_descriptors(i, ring), "the descriptors of a ring");
  return which == &Vring::kick ? start_if_complete(i) : Verdict::Done;
}

Verdict MessageHandler::start_if_complete(std::uint32_t vring) noexcept {
  return complete(next_.vrings[vring]) ? start(vring) : Verdict::Done;
}

Verdict MessageHandler::start(std::uint32_t vring) noexcept {
  next_.vrings[vring].started = true;
  return verdict_of(backend_.start_ring(vring, next_), "starting a ring");
}

Verdict MessageHandler::stop(std::uint32_t vring, RingEnd why) noexcept {
  Vring& ring = next_.vrings[vring];
  if (!ring.started) return Verdict::Done;
  const auto v = verdict_of_certain(backend_.stop_ring(vring, why, ring.base));
  ring.started = false;
  stopped_[vring] = true;
  if (why != RingEnd::NewDriver) return v;
  forget(ring);
  forgotten_[vring] = true;
  return v;
}

// Drops each ring at once, even if the back-end is still working in one, because the driver of all rings is
// gone.
Verdict MessageHandler::begin_anew() noexcept {
  Verdict all = Verdict::Done;
  for (std::uint32_t i = 0; i < kVhostMaxVrings; ++i) {
    if (const auto v = stop(i, RingEnd::NewDriver); v != Verdict::Done) all = v;
  }
  return all;
}

}  // namespace fallow::vhost
