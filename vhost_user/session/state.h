// The complete state of a vhost-user connection: plain numbers in one piece of memory. A supervising process
// may share the memory, so that another process can continue where a dead one stopped.
//
//   Receiving --complete--> Handling --committed--> Finishing --reply sent--> Receiving
//
// VH-1: a single store, to `progress`, leads from each phase to the next. Before that store, a process writes
// only what the next phase reads. A process that takes over after a death at any point therefore repeats the
// same work with the same result. Settings are never changed in slot: the inactive one of two copies is
// filled, and the committing store makes it active. Tests: VhostCrash.*
//
// VH-2: the state names every descriptor of a connection, either in the active settings or among those of the
// current message. The session removes a descriptor from the state before it closes the descriptor, never
// after. A death between the two leaves a descriptor open that no state names, but a state never names a
// number that has been reused. After a death, a process that shares the descriptor table closes every
// descriptor that for_each_descriptor() does not name. Tests: VhostDescriptors.*
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
  // User addresses; see Settings::guest_address(). Packed: the descriptor ring and the event suppression
  // structures of the driver and the device.
  std::uint64_t descriptors = 0, available = 0, used = 0;
  std::uint32_t size = 0;  // 0: not set
  // The position at which the ring starts, or at which it stopped. Split: the next available entry. Packed:
  // the next available position, and the next used one in the upper half, each with its wrap counter in the
  // highest bit.
  std::uint32_t base = 0;
  int kick = -1, call = -1, err = -1;
  bool addressed = false;  // the addresses are set
  bool enabled = false;    // by SET_VRING_ENABLE; see Settings::enabled()
  bool started = false;    // the back-end serves it
};

struct InflightSettings {
  InflightDescription area;
  int fd = -1;
};

struct Settings {
  std::uint64_t features = 0;  // acknowledged, including bit 30
  std::uint64_t protocol_features = 0;
  bool features_set = false;
  bool owned = false;
  std::uint8_t status = 0;  // as last set
  std::uint32_t region_count = 0;
  int backend_req = -1;
  InflightSettings inflight;
  Vring vrings[kVhostMaxVrings];
  MemoryRegion regions[kVhostMaxRegions];

  // A state left by another process may hold any count.
  std::span<const MemoryRegion> memory() const noexcept {
    return {regions, region_count < kVhostMaxRegions ? region_count : kVhostMaxRegions};
  }
  // If bit 30 was not negotiated, a ring is enabled from the start.
  bool enabled(std::uint32_t vring) const noexcept {
    return (features & kVhostFProtocolFeatures) == 0 || vrings[vring].enabled;
  }
  // Finds the guest physical address of `size` bytes at a user address. False: the bytes do not all lie in
  // one region.
  bool guest_address(std::uint64_t user, std::uint64_t size, std::uint64_t& guest) const noexcept;
};

enum class Phase : std::uint8_t { Receiving, Handling, Finishing, Closing };

struct alignas(8) Progress {  // aligned, so that every compiler uses a single store
  // Values of `fds` which say that there were more descriptors, or that the kernel dropped some.
  static constexpr std::uint8_t kTooManyFds = 0xfe, kFdsCutOff = 0xff;
  static_assert(kVhostMaxRegions < kTooManyFds);

  Phase phase = Phase::Receiving;
  // The flags are numbers rather than bools, because they are read from a state of another process before it
  // is checked.
  std::uint8_t second = 0;   // which of the two settings is active
  std::uint8_t in_call = 0;  // the kernel may have changed State::call since
  std::uint8_t fds = 0;      // descriptors that came with the message
  std::uint16_t have = 0;    // bytes of the message received
  std::uint16_t spare = 0;
};
static_assert(sizeof(Progress) == 8 && std::atomic_ref<Progress>::is_always_lock_free);

struct Reply {
  std::uint32_t size = 0;  // of the header and the payload; 0: no reply
  int fd = -1;             // sent with the reply; one of the settings
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

  // Filled in by the kernel while it receives or sends: that it did so, and the number of bytes. It lies in
  // the state so that a death right after the call loses nothing. Its pointers are valid during the call
  // only.
  mmsghdr call;
  alignas(cmsghdr) std::byte control[CMSG_SPACE(kVhostMaxRegions * sizeof(int))];

  // release: MO-28, every earlier write is visible to the process that takes over after this one dies.
  void go(Progress to) noexcept { std::atomic_ref<Progress>(progress).store(to, std::memory_order_release); }
  Progress where() const noexcept { return progress; }

  const Settings& settings() const noexcept { return both[progress.second ? 1 : 0]; }
  // The inactive copy: it is filled while Handling, and holds the replaced settings while Finishing.
  Settings& other() noexcept { return both[progress.second ? 0 : 1]; }
  const Settings& replaced() const noexcept { return both[progress.second ? 0 : 1]; }
  std::uint8_t fd_count() const noexcept {
    return progress.fds > kVhostMaxRegions ? std::uint8_t{kVhostMaxRegions} : progress.fds;
  }
};
static_assert(std::is_trivially_copyable_v<State>);

// Initialises `state`, whatever it contains, for a new connection. The state owns the socket from now on.
void begin_connection(State& state, int socket) noexcept;

// Calls `f` with each descriptor of the settings, as an int&; -1 stands for none.
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

// Calls `f` with each descriptor that the connection owns, and with -1 for some that are absent. If a process
// died while it received, call Connection::recover() first, to take over the descriptors that the kernel
// handed out.
template <class F>
void for_each_descriptor(const State& state, F&& f) {
  f(state.socket);
  for_each_descriptor_of(state.settings(), f);
  // The descriptors that the last message replaced are about to be closed.
  if (state.where().phase == Phase::Finishing) for_each_descriptor_of(state.replaced(), f);
  for (std::uint8_t i = 0; i < state.fd_count(); ++i) f(state.fds[i]);
}

}  // namespace fallow::vhost
