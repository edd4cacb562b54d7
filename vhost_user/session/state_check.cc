#include "vhost_user/session/state_check.h"

#include <cstring>
#include <initializer_list>

#include "vhost_user/protocol/descriptor_kind.h"
#include "vhost_user/session/message.h"

namespace fallow::vhost {
namespace {

constexpr std::uint32_t kMaxEntries = 32768;  // of a ring (virtio 1.2, 2.7)

// Memory that another process wrote must not be read as a bool unchecked.
bool is_bool(const bool& value) noexcept {
  unsigned char byte = 0;
  std::memcpy(&byte, &value, sizeof byte);
  return byte <= 1;
}

class Check {
 public:
  explicit Check(ErrorText& error_text) noexcept : error_text_(error_text) {}

  bool state(const State& state) noexcept {
    const Progress at = state.where();
    if (at.phase > Phase::Closing)
      return no("phase %u is not within 0 to %u", static_cast<unsigned>(at.phase),
                static_cast<unsigned>(Phase::Closing));
    if (at.have > sizeof state.message)
      return no("%u message bytes exceed the buffer of %zu", at.have, sizeof state.message);
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
    if (at.have < sizeof(Header))
      return !whole || no("a message of %u bytes is too short to handle", at.have);
    const Message message(state);
    ErrorText why;
    if (whole && (!message.sound(why) || message.size() != at.have))
      return no("%u bytes of %s are to be handled, but the message has %zu", at.have, message.name(),
                message.size());
    if (!whole && at.have > message.size() && message.sound(why))
      return no("%u bytes of %s were received, but the message has %zu", at.have, message.name(),
                message.size());
    return true;
  }

  bool reply(const State& state) noexcept {
    const Reply& reply = state.reply;
    if (state.where().phase != Phase::Finishing || reply.size == 0) return true;
    if (reply.size > sizeof reply.bytes)
      return no("a reply of %u bytes exceeds the buffer of %zu", reply.size, sizeof reply.bytes);
    if (reply.fd >= 0 && reply.fd != state.settings().inflight.fd)
      return no("reply descriptor %d is not that of the in-flight area", reply.fd);
    return true;
  }

  // `closed`: the settings may name descriptors that are already closed.
  bool settings(const Settings& settings, bool closed) noexcept {
    if (!is_bool(settings.features_set) || !is_bool(settings.owned))
      return no("a flag of the settings is neither 0 nor 1");
    if (settings.region_count > kVhostMaxRegions)
      return no("%u memory regions exceed the limit of %u", settings.region_count, kVhostMaxRegions);
    using enum DescriptorKind;
    if (!is(settings.backend_req, {UnixStream}, "the back-end channel", closed)) return false;
    if (!is(settings.inflight.fd, {MemfdFile}, "the in-flight area", closed)) return false;
    for (const MemoryRegion& region : settings.memory()) {
      if (region.fd < 0 && !closed) return no("a memory region has no descriptor");
      if (!is(region.fd, {MemfdFile}, "the memory", closed)) return false;
    }
    for (const Vring& ring : settings.vrings) {
      if (!is_bool(ring.addressed) || !is_bool(ring.enabled) || !is_bool(ring.started))
        return no("a flag of a queue is neither 0 nor 1");
      if (ring.size > kMaxEntries)
        return no("a queue of %u entries exceeds the limit of %u", ring.size, kMaxEntries);
      if (ring.started && !closed && (ring.size == 0 || !ring.addressed || ring.kick < 0))
        return no("a queue runs without having been set up");
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
    error_text_.set("the connection state that the previous process left is invalid: ");
    std::va_list arguments;
    va_start(arguments, format);
    error_text_.append_list(format, arguments);
    va_end(arguments);
    return false;
  }

  ErrorText& error_text_;
};

}  // namespace

bool is_sound(const State& state, ErrorText& error_text) noexcept { return Check(error_text).state(state); }

}  // namespace fallow::vhost
