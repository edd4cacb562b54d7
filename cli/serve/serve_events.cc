#include "cli/serve/serve_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fallow::cli {

void ServeEvents::connected(std::uint64_t guest, std::uint32_t socket) noexcept {
  write(LogLevel::Info, "connected", "a guest connected", {{"guest", guest}, {"socket", path(socket)}});
}

void ServeEvents::resumed(std::uint64_t guest, std::uint32_t socket) noexcept {
  write(LogLevel::Info, "resumed",
        "a guest goes on with this worker; what the last one owed it is handed back",
        {{"guest", guest}, {"socket", path(socket)}});
}

void ServeEvents::disconnected(std::uint64_t guest, const std::string& why) noexcept {
  write(LogLevel::Info, "disconnected", "a guest is gone: " + why, {{"guest", guest}});
}

void ServeEvents::refused(std::uint64_t guest, const std::string& complaint) noexcept {
  write(LogLevel::Warning, "refused", "a message was refused: " + complaint, {{"guest", guest}});
}

void ServeEvents::turned_away(std::uint32_t socket, const std::string& why) noexcept {
  write(LogLevel::Warning, "turned_away", "a connection was turned away: " + why, {{"socket", path(socket)}});
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
  // The host is the same for all that the guest reports: once is enough.
  constexpr std::size_t kMostSayings = 64;
  const auto said = [&](bool now) {
    const std::lock_guard held(lock_);
    if (now) not_released_.insert(why);
    return not_released_.size() >= kMostSayings || not_released_.contains(why);
  };
  if (said(false)) return;
  said(write(LogLevel::Error, "not_released", why + "; this is said once", {{"guest", guest}}));
}

bool ServeEvents::write(LogLevel level, const char* event, const std::string& sentence,
                        const std::vector<LogField>& fields) noexcept {
  unsigned left_out = 0;
  if (!room(&left_out)) return false;
  if (left_out != 0)
    log_.write(LogLevel::Warning, "left_out", fmt::format("{} lines about guests were left out", left_out));
  return log_.write(level, event, sentence, fields);
}

bool ServeEvents::room(unsigned* left_out) {
  const std::lock_guard held(lock_);
  if (!budget_.take(1)) {
    ++left_out_;
    return false;
  }
  *left_out = std::exchange(left_out_, 0);
  return true;
}

}  // namespace fallow::cli
