// One attempt at one message: what its handler reads and changes.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "vhost_user/protocol/descriptor_kind.h"
#include "vhost_user/protocol/error_text.h"
#include "vhost_user/session/backend.h"
#include "vhost_user/session/message.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {

enum class [[nodiscard]] Verdict : std::uint8_t{
    Done,
    Refused,  // nothing changes; the front-end learns of the refusal if it asked for a reply
    Pending,  // the back-end is still working
    Broken,   // the refusal cannot be reported to the front-end
};

// A handler changes `next`, a copy of `now`, and fills `reply`.
struct MessageContext {
  MessageContext(const Message& the_message, const Settings& current, Settings& changed, Backend& the_backend,
                 Reply& the_reply, ErrorText& text) noexcept
      : message(the_message),
        now(current),
        next(changed),
        backend(the_backend),
        reply(the_reply),
        error_text(text) {}

  std::uint64_t offered_protocol_features() const noexcept {
    return backend.protocol_features() & kServedProtocolFeatures;
  }
  std::uint32_t max_queues() const noexcept;
  std::uint32_t max_slots() const noexcept;
  bool packed() const noexcept { return (next.features & kFeatureRingPacked) != 0; }

  // Check what a descriptor of the message is before it is used in any other way: see DescriptorKind. `owner`
  // names its purpose, such as " of region 1".
  Verdict expect_memory_file(int fd, const char* owner = "") noexcept;
  Verdict expect_notifier(int fd, const char* owner) noexcept;
  Verdict expect_stream(int fd) noexcept;

  Verdict answer(std::uint64_t value) noexcept;
  // The request's name is put in front of the sentence.
  [[gnu::format(printf, 2, 3)]] Verdict refuse(const char* format, ...) noexcept;
  Verdict verdict_of(Status status, const char* what) noexcept;

  // Stops a ring, if it runs.
  Verdict stop(std::uint32_t vring, RingEnd why) noexcept;
  // Drops each ring at once, even if the back-end is still working in one, because the driver of all rings is
  // gone.
  Verdict begin_anew() noexcept;
  // After a refusal: resets `next` to `now`, except for the rings that were stopped before the refusal.
  void keep_stops() noexcept;

  const Message& message;
  const Settings& now;
  Settings& next;
  Backend& backend;
  Reply& reply;
  ErrorText& error_text;

 private:
  Verdict expect_kind(int fd, std::initializer_list<DescriptorKind> good, const char* wanted,
                      const char* owner) noexcept;

  bool stopped_[kVhostMaxVrings] = {};
  bool forgotten_[kVhostMaxVrings] = {};
};

// For calls that a back-end must not refuse.
Verdict verdict_of_certain(Status status) noexcept;

}  // namespace fallow::vhost
