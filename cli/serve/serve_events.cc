#include "cli/serve/serve_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fallow::cli {

void ServeEvents::connected(std::uint64_t guest, std::uint32_t socket) noexcept {
  write(LogLevel::Info, "connected", "guest connected", {{"guest", guest}, {"socket", path(socket)}});
}

void ServeEvents::resumed(std::uint64_t guest, std::uint32_t socket) noexcept {
  write(LogLevel::Info, "resumed",
        "a new worker serves the guest and returns the outstanding requests of the last worker",
        {{"guest", guest}, {"socket", path(socket)}});
}

void ServeEvents::disconnected(std::uint64_t guest, const std::string& why) noexcept {
  write(LogLevel::Info, "disconnected", "guest disconnected: " + why, {{"guest", guest}});
}

void ServeEvents::refused(std::uint64_t guest, const std::string& error_text) noexcept {
  write(LogLevel::Warning, "refused", "message refused: " + error_text, {{"guest", guest}});
}

void ServeEvents::turned_away(std::uint32_t socket, const std::string& why) noexcept {
  write(LogLevel::Warning, "turned_away", "connection refused: " + why, {{"socket", path(socket)}});
}

void ServeEvents::guest_event(std::uint64_t guest, Kind kind, const std::string& why) noexcept {
  switch (kind) {
    case Kind::Poison:
      return static_cast<void>(write(LogLevel::Warning, "poison", why, {{"guest", guest}}));
    case Kind::Queues:
      return static_cast<void>(write(LogLevel::Info, "queues", why, {{"guest", guest}}));
    case Kind::RingFault:
      return static_cast<void>(write(LogLevel::Warning, "ring_fault", why, {{"guest", guest}}));
    case Kind::MemoryLost:
      return static_cast<void>(write(LogLevel::Warning, "memory_lost", why, {{"guest", guest}}));
    case Kind::NotReleased:
      break;
  }
  // The cause is the host, so the message is the same for every report; log it once.
  constexpr std::size_t kMostMessages = 64;
  const auto logged = [&](bool now) {
    const std::lock_guard held(lock_);
    if (now) not_released_.insert(why);
    return not_released_.size() >= kMostMessages || not_released_.contains(why);
  };
  if (logged(false)) return;
  logged(write(LogLevel::Error, "not_released", why + "; this message is logged once", {{"guest", guest}}));
}

bool ServeEvents::write(LogLevel level, const char* event, const std::string& sentence,
                        const std::vector<LogField>& fields) noexcept {
  unsigned dropped = 0;
  if (!room(&dropped)) return false;
  if (dropped != 0)
    log_.write(LogLevel::Warning, "left_out", fmt::format("{} log lines about guests were dropped", dropped));
  return log_.write(level, event, sentence, fields);
}

bool ServeEvents::room(unsigned* dropped) {
  const std::lock_guard held(lock_);
  if (!budget_.take(1)) {
    ++dropped_;
    return false;
  }
  *dropped = std::exchange(dropped_, 0);
  return true;
}

}  // namespace fallow::cli
