#include "vhost_user/session/session.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "vhost_user/session/connection.h"
#include "vhost_user/session/handle_message.h"
#include "vhost_user/session/state_check.h"

namespace fallow::vhost {
namespace {

// VH-2: the descriptor leaves the state before it is closed. The system call orders the two; the release
// (MO-28) orders this store after all earlier stores to the state.
void close_descriptor(int& slot) noexcept {
  const int fd = slot;
  if (fd < 0) return;
  std::atomic_ref<int>(slot).store(-1, std::memory_order_release);
  ::close(fd);
}

bool names(const Settings& settings, int fd) noexcept {
  bool found = false;
  for_each_descriptor_of(settings, [&](int known) { found = found || known == fd; });
  return found;
}

}  // namespace

SessionOutcome Session::step() noexcept {
  error_text_.clear();
  switch (state_.where().phase) {
    case Phase::Closing:
      return SessionOutcome::HungUp;
    case Phase::Finishing:  // left by a process that died
      return finish(SessionOutcome::Done);
    case Phase::Handling:
      return handle();
    case Phase::Receiving:
      break;
  }
  switch (Connection(state_).receive(error_text_)) {
    case Connection::Received::Partial:
      return SessionOutcome::Idle;
    case Connection::Received::HungUp:
      return SessionOutcome::HungUp;
    case Connection::Received::Broken:
      return SessionOutcome::Broken;
    case Connection::Received::Message:
      break;
  }
  return handle();
}

SessionOutcome Session::handle() noexcept {
  Progress to = state_.where();
  const Message message(state_);
  request_ = message.request();
  state_.other() = state_.settings();
  state_.reply.size = 0;
  MessageContext context(message, state_.settings(), state_.other(), backend_, state_.reply, error_text_);
  const Verdict verdict = handle_message(context);
  if (verdict == Verdict::Pending) return SessionOutcome::Pending;
  if (verdict == Verdict::Broken) return SessionOutcome::Broken;
  if (verdict == Verdict::Refused) context.keep_stops();
  to.phase = Phase::Finishing;
  to.second = !to.second;
  state_.go(to);  // VH-1: the committing store
  return finish(verdict == Verdict::Done ? SessionOutcome::Done : SessionOutcome::Refused);
}

SessionOutcome Session::finish(SessionOutcome outcome) noexcept {
  close_replaced();
  return Connection(state_).send_reply(error_text_) ? outcome : SessionOutcome::Broken;
}

// Closes every descriptor of the replaced settings and of the message that the new settings do not name.
void Session::close_replaced() noexcept {
  const Settings& now = state_.settings();
  const auto close_unnamed = [&now](int& fd) {
    if (fd >= 0 && !names(now, fd)) close_descriptor(fd);
  };
  for_each_descriptor_of(state_.other(), close_unnamed);
  for (std::uint8_t i = 0; i < state_.fd_count(); ++i) close_unnamed(state_.fds[i]);
}

Status Session::resume() noexcept {
  error_text_.clear();
  Connection(state_).recover();
  if (!is_sound(state_, error_text_)) {
    disown();
    return Status::InvalidArgument;
  }
  if (state_.where().phase == Phase::Closing) return Status::Ok;
  const Settings& now = state_.settings();
  Status status = Status::Ok;
  if (now.features_set) status = backend_.set_features(now.features & ~kVhostFProtocolFeatures);
  if (status == Status::Ok && now.region_count != 0) status = backend_.set_memory(now.memory());
  if (status == Status::Ok && now.inflight.fd >= 0) status = backend_.set_inflight(now.inflight);
  if (status == Status::Ok && now.status != 0) status = backend_.set_status(now.status);
  if (status == Status::Ok) status = resume_rings();
  if (status == Status::Ok || status == Status::Pending) return status;
  const char* const why = backend_.why();
  error_text_.set("resuming the connection failed: %s", why != nullptr ? why : describe(status));
  return status;
}

// The descriptors in an impossible state may belong to anything, so only the connection is kept, for close().
void Session::disown() noexcept {
  const bool connected = descriptor_kind(state_.socket) == DescriptorKind::UnixStream;
  begin_connection(state_, connected ? state_.socket : -1);
  Progress to;
  to.phase = Phase::Closing;
  state_.go(to);
}

Status Session::resume_rings() noexcept {
  for (std::uint32_t i = 0; i < kVhostMaxVrings; ++i) {
    if (!settings().vrings[i].started) continue;
    if (const Status status = backend_.start_ring(i, settings()); status != Status::Ok) return status;
  }
  return Status::Ok;
}

Status Session::close() noexcept {
  Connection(state_).recover();
  Progress to = state_.where();
  if (to.phase == Phase::Finishing) close_replaced();
  to.phase = Phase::Closing;
  state_.go(to);
  for (std::uint32_t i = 0; i < kVhostMaxVrings; ++i) {
    std::uint32_t base = 0;
    if (settings().vrings[i].started && backend_.stop_ring(i, RingEnd::HangUp, base) == Status::Pending)
      return Status::Pending;
  }
  if (settings().region_count != 0 && backend_.set_memory({}) == Status::Pending) return Status::Pending;
  close_all();
  return Status::Ok;
}

void Session::close_all() noexcept {
  Settings& now = state_.both[state_.where().second ? 1 : 0];
  for (Vring& ring : now.vrings) ring.started = false;
  for_each_descriptor_of(now, close_descriptor);
  for (std::uint8_t i = 0; i < state_.fd_count(); ++i) close_descriptor(state_.fds[i]);
  close_descriptor(state_.socket);
  now.region_count = 0;
}

Status Session::notify_config_change() noexcept {
  const Settings& now = settings();
  if (now.backend_req < 0 || (now.protocol_features & kVhostPfConfig) == 0) return Status::NotFound;
  const Header header{static_cast<std::uint32_t>(BackendRequest::ConfigChangeMsg), kVhostVersion, 0};
  ssize_t sent = 0;
  while ((sent = send(now.backend_req, &header, sizeof header, MSG_DONTWAIT | MSG_NOSIGNAL)) < 0 &&
         errno == EINTR) {
  }
  if (sent == sizeof header) return Status::Ok;
  return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? Status::Busy : Status::Failed;
}

}  // namespace fallow::vhost
