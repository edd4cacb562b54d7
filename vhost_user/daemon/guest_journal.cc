#include "vhost_user/daemon/guest_journal.h"

#include "fallow/virtio/ring/detail/packed_layout.h"
#include "fallow/virtio/ring/detail/packed_position.h"
#include "fallow/virtio/ring/detail/split_layout.h"
#include "vhost_user/session/ordered_store.h"

namespace fallow::vhost {
namespace {

using Step = RingProgress::Step;

constexpr std::uint32_t kKept = 1U << 31;
constexpr std::uint32_t kept_word(std::uint16_t id, std::uint16_t slots) noexcept {
  return kKept | (std::uint32_t{slots} & 0x7fff) << 16 | id;
}

// Returns whether the ring shows the return of the chain at `position`. A guest that writes there itself
// misleads only itself.
bool came_back(const GuestMemory& memory, const detail::QueueAddresses& at, bool packed,
               QueuePosition position) noexcept {
  if (!packed) {
    std::byte* const used = memory.translate(at.device_area, detail::UsedRing::bytes(at.size));
    // acquire: MO-28, pairs with the release in SplitDeviceQueue::push() of the process that died.
    return used != nullptr && detail::UsedRing(used, at.size).idx().load(std::memory_order_acquire) ==
                                  static_cast<std::uint16_t>(position.next_used + 1);
  }
  std::byte* const ring = memory.translate(at.descriptors, {at.size * sizeof(detail::PvirtqDesc)});
  const detail::PackedPosition used = detail::PackedPosition::decode(position.next_used);
  if (ring == nullptr || used.offset >= at.size) return false;
  const auto& cell = reinterpret_cast<const detail::PvirtqDesc*>(ring)[used.offset];
  // acquire: MO-28, pairs with the release in PackedDeviceQueue::push() of the process that died.
  return used.is_used(cell.flags.load(std::memory_order_acquire));
}

// The position after a chain that was returned.
QueuePosition behind(QueuePosition position, const detail::QueueAddresses& at, bool packed,
                     std::uint16_t slots) noexcept {
  if (!packed) {
    ++position.next_used;
    return position;
  }
  detail::PackedPosition used = detail::PackedPosition::decode(position.next_used);
  used.advance(slots, at.size);
  position.next_used = used.encode();
  return position;
}

}  // namespace

void GuestJournal::started(std::uint16_t queue, std::uint32_t begin, QueuePosition position) noexcept {
  RingRecord& ring = record_.rings[queue];
  ring.set_progress({position, 0, 0, Step::None});
  ordered_store(ring.kept, 0);
  ordered_store(ring.dropped, 0);
  ordered_store(ring.begin, begin);
  ring.set_progress({position, 0, 0, Step::Idle});
}

void GuestJournal::stopped(std::uint16_t queue, QueuePosition position) noexcept {
  record_.rings[queue].set_progress({position, 0, 0, Step::None});
  ordered_store(record_.rings[queue].kept, 0);
}

void GuestJournal::taken(std::uint16_t queue, const Chain& chain, QueuePosition position) noexcept {
  record_.rings[queue].set_progress({position, chain.id, chain.slots, Step::Serving});
}

void GuestJournal::dropped(std::uint16_t queue, QueuePosition position) noexcept {
  ordered_store(record_.rings[queue].dropped, 1);
  stopped(queue, position);
}

// The chain is recorded as kept before it is removed from service. Between the two stores it is still owed
// only once, because owed_chains() recognises it as the same chain.
void GuestJournal::kept(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept {
  RingRecord& ring = record_.rings[queue];
  ordered_store(ring.kept, kept_word(id, slots));
  ring.set_progress({ring.get_progress().position, 0, 0, Step::Idle});
}

void GuestJournal::returning(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept {
  RingRecord& ring = record_.rings[queue];
  ring.set_progress({ring.get_progress().position, id, slots, Step::Returning});
}

void GuestJournal::returned(std::uint16_t queue, std::uint16_t id, QueuePosition position) noexcept {
  RingRecord& ring = record_.rings[queue];
  if ((ring.kept & kKept) != 0 && static_cast<std::uint16_t>(ring.kept) == id) ordered_store(ring.kept, 0);
  ring.set_progress({position, 0, 0, Step::Idle});
}

// Without this store, if a process died right after it began the next return, that return would look
// complete.
void GuestJournal::continued(std::uint16_t queue, const OwedChains& chains) noexcept {
  if (chains.came_back) returned(queue, record_.rings[queue].get_progress().id, chains.position);
}

GuestJournal::OwedChains GuestJournal::owed_chains(std::uint16_t queue, const GuestMemory& memory,
                                                   const detail::QueueAddresses& at,
                                                   bool packed) const noexcept {
  const RingRecord& ring = record_.rings[queue];
  const RingProgress progress = ring.get_progress();
  OwedChains chains;
  chains.position = progress.position;
  if (progress.step == Step::None) return chains;
  chains.running = true;
  const bool back = progress.step == Step::Returning && came_back(memory, at, packed, progress.position);
  if (back) {
    chains.came_back = true;
    chains.position = behind(progress.position, at, packed, progress.slots);
  } else if (progress.step == Step::Serving || progress.step == Step::Returning) {
    chains.owed[chains.count++] = {progress.id, progress.slots};
  }
  const auto kept_id = static_cast<std::uint16_t>(ring.kept);
  const bool same = progress.step != Step::Idle && kept_id == progress.id;
  if ((ring.kept & kKept) != 0 && !same)
    chains.owed[chains.count++] = {kept_id, static_cast<std::uint16_t>(ring.kept >> 16 & 0x7fff)};
  return chains;
}

std::string GuestJournal::inconsistency(const OwedChains& chains, const detail::QueueAddresses& at,
                                        bool packed) {
  const QueuePosition position = chains.position;
  std::uint32_t taken = static_cast<std::uint16_t>(position.next_avail - position.next_used);
  if (packed) {
    const detail::PackedPosition avail = detail::PackedPosition::decode(position.next_avail);
    const detail::PackedPosition used = detail::PackedPosition::decode(position.next_used);
    if (avail.offset >= at.size || used.offset >= at.size ||
        detail::distance(used, avail, at.size) > at.size) {
      return "its recorded positions " + std::to_string(avail.offset) + " (available) and " +
             std::to_string(used.offset) + " (used) are impossible in a ring of " + std::to_string(at.size) +
             " descriptors";
    }
    taken = detail::distance(used, avail, at.size);
  }
  std::uint32_t owed = 0;
  for (unsigned i = 0; i < chains.count; ++i) {
    const auto& chain = chains.owed[i];
    owed += packed ? chain.slots : 1U;
    if (packed ? chain.slots == 0 : chain.id >= at.size) {
      return "its record names chain " + std::to_string(chain.id) + " of " + std::to_string(chain.slots) +
             " descriptors, which a ring of " + std::to_string(at.size) + " entries cannot hold";
    }
  }
  if (owed <= taken) return {};
  return "its record names chains of " + std::to_string(owed) + (packed ? " descriptors" : " entries") +
         ", but only " + std::to_string(taken) + " were taken and not returned";
}

}  // namespace fallow::vhost
