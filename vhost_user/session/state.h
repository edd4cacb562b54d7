// All that a vhost-user connection has come to: plain numbers, in one piece of memory that may be shared with
// a supervising process, so that another process can go on where one that died left off.
//
//   Receiving --complete--> Handling --committed--> Finishing --reply sent--> Receiving
//
// VH-1: one store, of `progress`, leads from each of these to the next. Before it, only what the next phase
// reads is written; so whoever goes on after a death at any point does the same once more, with the same
// result. Settings are never changed in place: the other one of two copies is filled, and the store that
// commits makes it the one that counts. Tests: VhostCrash.*
//
// VH-2: every descriptor that a connection has stands in its state: in the settings that count, or among
// those of the message at hand. The session closes one after it took it out of the state, never before. So a
// death between the two leaves a descriptor open that no state names, and never a number in a state that by
// then is another's. After a death, whoever shares the table of descriptors closes what for_each_descriptor()
// does not name. Tests: VhostDescriptors.*
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "vhost_user/protocol/wire.h"

namespace fallow::vhost {

inline constexpr std::uint32_t kVhostMaxVrings = 8;

struct MemoryRegion {
  Region at;
  int fd = -1;
};

struct Vring {
  // User addresses; see VhostSettings::guest_address(). Packed: the descriptor ring, the driver's and the
  // device's event suppression structure.
  std::uint64_t descriptors = 0, available = 0, used = 0;
  std::uint32_t size = 0;  // 0: not set
  // Where the ring starts, or was when it stopped. Split: the next available entry. Packed: that and the next
  // used one in the upper half, each with its wrap counter in the highest bit.
  std::uint32_t base = 0;
  int kick = -1, call = -1, err = -1;
  bool addressed = false;  // the addresses were set
  bool enabled = false;    // by SET_VRING_ENABLE; see VhostSettings::enabled()
  bool started = false;    // the back-end serves it
};

struct InflightSettings {
  InflightDescription area;
  int fd = -1;
};

struct Settings {
  std::uint64_t features = 0;  // acknowledged, bit 30 too
  std::uint64_t protocol_features = 0;
  bool features_set = false;
  bool owned = false;
  std::uint8_t status = 0;  // as last set
  std::uint32_t region_count = 0;
  int backend_req = -1;
  InflightSettings inflight;
  Vring vrings[kVhostMaxVrings];
  MemoryRegion regions[kVhostMaxRegions];

  // Of a state that a process left there may be any number.
  std::span<const MemoryRegion> memory() const noexcept {
    return {regions, region_count < kVhostMaxRegions ? region_count : kVhostMaxRegions};
  }
  // A ring without bit 30 negotiated is enabled from the start.
  bool enabled(std::uint32_t vring) const noexcept {
    return (features & kVhostFProtocolFeatures) == 0 || vrings[vring].enabled;
  }
  // The guest physical address of `size` bytes at a user address. False: not all of them are in one region.
  bool guest_address(std::uint64_t user, std::uint64_t size, std::uint64_t& guest) const noexcept;
};

enum class Phase : std::uint8_t { Receiving, Handling, Finishing, Closing };

struct alignas(8) Progress {  // so that every compiler stores it at once
  // Counts of descriptors that say that there were more, or that the kernel dropped some.
  static constexpr std::uint8_t kTooManyFds = 0xfe, kFdsCutOff = 0xff;
  static_assert(kVhostMaxRegions < kTooManyFds);

  Phase phase = Phase::Receiving;
  // Flags: numbers, as of a state that a process left they are read before anything looked at them.
  std::uint8_t second = 0;   // which of the settings count
  std::uint8_t in_call = 0;  // the kernel may have changed VhostState::call since
  std::uint8_t fds = 0;      // that came with the message
  std::uint16_t have = 0;    // bytes of the message
  std::uint16_t spare = 0;
};
static_assert(sizeof(Progress) == 8 && std::atomic_ref<Progress>::is_always_lock_free);

struct Reply {
  std::uint32_t size = 0;  // of the header and the payload; 0: no reply
  int fd = -1;             // sent along; one of the settings
  std::byte bytes[sizeof(Header) + sizeof(ConfigHead) + kVhostMaxConfig];
};

struct State {
  Progress progress;
  int socket = -1;  // the connection
  Settings both[2];

  // The message that is being received or handled.
  int fds[kVhostMaxRegions];
  std::byte message[sizeof(Header) + kVhostMaxPayload];
  Reply reply;

  // What the kernel fills in while it receives or sends: that it did, and how much. Lies here so that a death
  // right after the call loses nothing. Its pointers are good during the call only.
  mmsghdr call;
  alignas(cmsghdr) std::byte control[CMSG_SPACE(kVhostMaxRegions * sizeof(int))];

  // release: MO-28, what was written before is there for the process that goes on when this one is gone.
  void go(Progress to) noexcept { std::atomic_ref<Progress>(progress).store(to, std::memory_order_release); }
  Progress where() const noexcept { return progress; }

  const Settings& settings() const noexcept { return both[progress.second ? 1 : 0]; }
  // The other copy: being filled while Handling, what was replaced while Finishing.
  Settings& other() noexcept { return both[progress.second ? 0 : 1]; }
  const Settings& replaced() const noexcept { return both[progress.second ? 0 : 1]; }
  std::uint8_t fd_count() const noexcept {
    return progress.fds > kVhostMaxRegions ? std::uint8_t{kVhostMaxRegions} : progress.fds;
  }
};
static_assert(std::is_trivially_copyable_v<State>);

// Makes `state`, of any content, that of a new connection. The state owns the socket from now on.
void vhost_begin(State& state, int socket) noexcept;

// Calls with each descriptor of settings, as an int&. -1 where there is none.
template <class Settings, class F>
void for_each_descriptor_of(Settings& settings, F&& f) {
  f(settings.backend_req);
  f(settings.inflight.fd);
  for (auto& ring : settings.vrings) {
    f(ring.kick);
    f(ring.call);
    f(ring.err);
  }
  const std::size_t regions = settings.memory().size();
  for (std::size_t i = 0; i < regions; ++i) f(settings.regions[i].fd);
}

// Calls with each descriptor that the connection owns; -1 for some that there are not. First, where a process
// died while it received, what the kernel handed out must have been taken over: VhostConnection::recover().
template <class F>
void for_each_descriptor(const State& state, F&& f) {
  f(state.socket);
  for_each_descriptor_of(state.settings(), f);
  // What the last message replaced, and is about to be closed.
  if (state.where().phase == Phase::Finishing) for_each_descriptor_of(state.replaced(), f);
  for (std::uint8_t i = 0; i < state.fd_count(); ++i) f(state.fds[i]);
}

}  // namespace fallow::vhost
