#include "vhost_user/session/message_context.h"

#include <algorithm>
#include <cstdarg>

#include "fallow/base/check.h"

namespace fallow::vhost {
namespace {

// The driver of the ring is gone: the ring must not start again with that driver's settings.
void forget(Vring& ring) noexcept { ring = {.size = ring.size, .enabled = ring.enabled}; }

}  // namespace

std::uint32_t MessageContext::max_queues() const noexcept {
  return std::min(backend.max_queues(), kVhostMaxVrings);
}

std::uint32_t MessageContext::max_slots() const noexcept {
  return std::min(backend.max_memory_slots(), kVhostMaxRegions);
}

Verdict MessageContext::answer(std::uint64_t value) noexcept {
  fill_reply(reply, message.request(), value);
  return Verdict::Done;
}

Verdict MessageContext::refuse(const char* format, ...) noexcept {
  error_text.set("%s: ", message.name());
  std::va_list arguments;
  va_start(arguments, format);
  error_text.append_list(format, arguments);
  va_end(arguments);
  return Verdict::Refused;
}

Verdict verdict_of_certain(Status status) noexcept {
  FALLOW_CHECK(status == Status::Ok || status == Status::Pending);
  return status == Status::Ok ? Verdict::Done : Verdict::Pending;
}

Verdict MessageContext::verdict_of(Status status, const char* what) noexcept {
  if (status == Status::Ok) return Verdict::Done;
  if (status == Status::Pending) return Verdict::Pending;
  const char* const why = backend.why();
  return refuse("%s: %s", what, why != nullptr ? why : describe(status));
}

// The kinds of descriptor that a front-end may pass. With any other kind, its owner may block a process that
// closes it, or waits for it, for any length of time.
Verdict MessageContext::expect_kind(int fd, std::initializer_list<DescriptorKind> good, const char* wanted,
                                    const char* owner) noexcept {
  const DescriptorKind kind = descriptor_kind(fd);
  if (std::find(good.begin(), good.end(), kind) != good.end()) return Verdict::Done;
  return refuse("the descriptor%s is %s; %s is expected", owner, describe(kind), wanted);
}

Verdict MessageContext::expect_memory_file(int fd, const char* owner) noexcept {
  return expect_kind(fd, {DescriptorKind::MemfdFile}, "a memory file (memfd, tmpfs, hugetlbfs)", owner);
}

// UML passes one end of a socket pair as the call descriptor.
Verdict MessageContext::expect_notifier(int fd, const char* owner) noexcept {
  return expect_kind(fd, {DescriptorKind::Event, DescriptorKind::UnixStream, DescriptorKind::Pipe},
                     "an eventfd, a pipe or a Unix stream socket", owner);
}

Verdict MessageContext::expect_stream(int fd) noexcept {
  return expect_kind(fd, {DescriptorKind::UnixStream}, "a Unix stream socket", "");
}

Verdict MessageContext::stop(std::uint32_t vring, RingEnd why) noexcept {
  Vring& ring = next.vrings[vring];
  if (!ring.started) return Verdict::Done;
  const auto v = verdict_of_certain(backend.stop_ring(vring, why, ring.base));
  ring.started = false;
  stopped_[vring] = true;
  if (why != RingEnd::NewDriver) return v;
  forget(ring);
  forgotten_[vring] = true;
  return v;
}

Verdict MessageContext::begin_anew() noexcept {
  Verdict all = Verdict::Done;
  for (std::uint32_t i = 0; i < kVhostMaxVrings; ++i) {
    if (const auto v = stop(i, RingEnd::NewDriver); v != Verdict::Done) all = v;
  }
  return all;
}

void MessageContext::keep_stops() noexcept {
  std::uint32_t bases[kVhostMaxVrings];
  for (std::uint32_t i = 0; i < kVhostMaxVrings; ++i) bases[i] = next.vrings[i].base;
  next = now;
  for (std::uint32_t i = 0; i < kVhostMaxVrings; ++i) {
    if (!stopped_[i]) continue;
    next.vrings[i].started = false;
    next.vrings[i].base = bases[i];
    if (forgotten_[i]) forget(next.vrings[i]);
  }
}

}  // namespace fallow::vhost
