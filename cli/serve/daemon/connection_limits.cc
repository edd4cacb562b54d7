#include "cli/serve/daemon/connection_limits.h"

#include <fmt/format.h>

#include <algorithm>

namespace fallow::cli {
namespace {

// Checks the bound for the connections that `counts` selects. At the bound, evicts the oldest connection
// without a handshake, or refuses if all have completed it.
template <class Counts>
ConnectionLimits::Verdict room(std::span<const ConnectionState> connections, std::size_t bound, Counts counts,
                               const char* whose) {
  std::size_t present = 0, oldest = ConnectionLimits::kNone;
  for (std::size_t i = 0; i < connections.size(); ++i) {
    const ConnectionState& one = connections[i];
    if (one.leaving || !counts(one)) continue;
    ++present;
    const bool older = oldest == ConnectionLimits::kNone || one.since < connections[oldest].since;
    if (!one.negotiated && older) oldest = i;
  }
  if (present < bound) return {};
  if (oldest != ConnectionLimits::kNone) return {{}, oldest};
  return {fmt::format("{} has {} guests, which is its limit", whose, present), ConnectionLimits::kNone};
}

}  // namespace

ConnectionLimits::Verdict ConnectionLimits::admit(std::uint32_t socket, Peer peer,
                                                  std::span<const ConnectionState> connections,
                                                  Clock::time_point now) {
  std::erase_if(quarantined_, [now](const auto& one) { return one.second <= now; });
  if (const auto found = quarantined_.find({peer.process, peer.user}); found != quarantined_.end()) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(found->second - now).count();
    return {fmt::format("a guest of process {} crashed its workers; the process may connect again in {} s",
                        peer.process, left),
            kNone};
  }
  if (connects_too_often({peer.process, peer.user}, now))
    return {fmt::format("process {} connects more often than {:.0f} times a second", peer.process,
                        bounds_.per_second),
            kNone};
  const std::string process = fmt::format("process {}", peer.process);
  const std::string user = fmt::format("user {}", peer.user);
  // The narrowest bound first: a peer over its own bound loses its own connection, not that of another peer.
  Verdict verdict = room(
      connections, bounds_.process,
      [&](const ConnectionState& one) { return one.peer.process == peer.process; }, process.c_str());
  const auto decided = [&] { return !verdict.refusal.empty() || verdict.evict != kNone; };
  if (!decided())
    verdict = room(
        connections, bounds_.user, [&](const ConnectionState& one) { return one.peer.user == peer.user; },
        user.c_str());
  if (!decided())
    verdict = room(
        connections, bounds_.socket, [&](const ConnectionState& one) { return one.socket == socket; },
        "the socket");
  if (!decided())
    verdict = room(
        connections, bounds_.all, [](const ConnectionState&) { return true; }, "the daemon");
  return verdict;
}

bool ConnectionLimits::connects_too_often(const PeerName& peer, Clock::time_point now) {
  for (auto one = budgets_.begin(); one != budgets_.end();)
    one = one->second.full(now) ? budgets_.erase(one) : std::next(one);
  TokenBucket full(static_cast<double>(bounds_.process), bounds_.per_second, now);
  return !budgets_.emplace(peer, full).first->second.take(1, now);
}

ConnectionLimits::Clock::time_point ConnectionLimits::next_deadline(
    std::span<const ConnectionState> connections) const {
  Clock::time_point next = Clock::time_point::max();
  for (const ConnectionState& one : connections) {
    if (!one.negotiated && !one.leaving) next = std::min(next, one.since + bounds_.handshake);
  }
  return next;
}

void ConnectionLimits::quarantine(Peer peer, Clock::time_point now) {
  quarantined_[{peer.process, peer.user}] = now + bounds_.quarantine;
}

}  // namespace fallow::cli
