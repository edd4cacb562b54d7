#include "vhost_user/session/state_check.h"

#include <cstring>
#include <initializer_list>

#include "vhost_user/protocol/descriptor_kind.h"
#include "vhost_user/session/message.h"

namespace fallow::vhost {
namespace {

constexpr std::uint32_t kMostEntries = 32768;  // of a ring (virtio 1.2, 2.7)

// Memory that another process wrote must not be read as a bool unchecked.
bool is_bool(const bool& value) noexcept {
  unsigned char byte = 0;
  std::memcpy(&byte, &value, sizeof byte);
  return byte <= 1;
}

class Check {
 public:
  explicit Check(ErrorText& complaint) noexcept : complaint_(complaint) {}

  bool state(const State& state) noexcept {
    const Progress at = state.where();
    if (at.phase > Phase::Closing)
      return no("its phase is %u, where 0 to %u are known", static_cast<unsigned>(at.phase),
                static_cast<unsigned>(Phase::Closing));
    if (at.have > sizeof state.message)
      return no("%u bytes of a message, of which %zu fit", at.have, sizeof state.message);
    // A closing state names fewer and fewer descriptors.
    if (at.phase == Phase::Closing) return settings(state.settings(), true);
    return message(state) && settings(state.settings(), false) && reply(state) &&
           (at.phase != Phase::Finishing || settings(state.replaced(), true));
  }

 private:
  bool message(const State& state) noexcept {
    const Progress at = state.where();
    const bool whole = at.phase == Phase::Handling;
    if (at.phase == Phase::Finishing) return true;
    if (at.have < sizeof(Header)) return !whole || no("a message of %u bytes to handle", at.have);
    const Message message(state);
    ErrorText why;
    if (whole && (!message.sound(why) || message.size() != at.have))
      return no("%u bytes of %s to handle, of %zu", at.have, message.name(), message.size());
    if (!whole && at.have > message.size() && message.sound(why))
      return no("%u bytes of %s, of %zu", at.have, message.name(), message.size());
    return true;
  }

  bool reply(const State& state) noexcept {
    const Reply& reply = state.reply;
    if (state.where().phase != Phase::Finishing || reply.size == 0) return true;
    if (reply.size > sizeof reply.bytes)
      return no("a reply of %u bytes, of which %zu fit", reply.size, sizeof reply.bytes);
    if (reply.fd >= 0 && reply.fd != state.settings().inflight.fd)
      return no("a reply with descriptor %d, which is not that of its in-flight area", reply.fd);
    return true;
  }

  // `closed`: the settings may name descriptors that are already closed.
  bool settings(const Settings& settings, bool closed) noexcept {
    if (!is_bool(settings.features_set) || !is_bool(settings.owned))
      return no("a flag of its settings is neither 0 nor 1");
    if (settings.region_count > kVhostMaxRegions)
      return no("%u regions of memory, of which %u fit", settings.region_count, kVhostMaxRegions);
    using enum DescriptorKind;
    if (!is(settings.backend_req, {UnixStream}, "its channel", closed)) return false;
    if (!is(settings.inflight.fd, {MemfdFile}, "its in-flight area", closed)) return false;
    for (const MemoryRegion& region : settings.memory()) {
      if (region.fd < 0 && !closed) return no("a region of memory without a descriptor");
      if (!is(region.fd, {MemfdFile}, "its memory", closed)) return false;
    }
    for (const Vring& ring : settings.vrings) {
      if (!is_bool(ring.addressed) || !is_bool(ring.enabled) || !is_bool(ring.started))
        return no("a flag of a queue is neither 0 nor 1");
      if (ring.size > kMostEntries)
        return no("a queue of %u entries, where at most %u are possible", ring.size, kMostEntries);
      if (ring.started && !closed && (ring.size == 0 || !ring.addressed || ring.kick < 0))
        return no("a queue that runs without having been set up");
      for (const int fd : {ring.kick, ring.call, ring.err}) {
        if (!is(fd, {Event, UnixStream, Pipe}, "a queue", closed)) return false;
      }
    }
    return true;
  }

  bool is(int fd, std::initializer_list<DescriptorKind> kinds, const char* what, bool closed) noexcept {
    if (fd < 0) return true;
    const DescriptorKind found = descriptor_kind(fd);
    for (const DescriptorKind kind : kinds) {
      if (kind == found) return true;
    }
    if (closed && found == DescriptorKind::Unknown) return true;
    return no("descriptor %d of %s is %s", fd, what, describe(found));
  }

  [[gnu::format(printf, 2, 3)]] bool no(const char* format, ...) noexcept {
    complaint_.say("what the process before left of the connection cannot be: ");
    std::va_list arguments;
    va_start(arguments, format);
    complaint_.add_list(format, arguments);
    va_end(arguments);
    return false;
  }

  ErrorText& complaint_;
};

}  // namespace

bool vhost_sound(const State& state, ErrorText& complaint) noexcept { return Check(complaint).state(state); }

}  // namespace fallow::vhost
