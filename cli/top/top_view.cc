#include "cli/top/top_view.h"

#include <algorithm>
#include <array>

namespace fallow::cli {
namespace {

using Command = ControlRequest::Command;

constexpr std::size_t kSorts = 5;

std::uint64_t measure(const GuestFigures& guest, TopSort sort) {
  switch (sort) {
    case TopSort::Guest:
      break;
    case TopSort::Resident:
      return guest.resident.raw;
    case TopSort::Memory:
      return guest.memory.raw;
    case TopSort::Balloon:
      return guest.actual.raw;
    case TopSort::Released:
      return guest.released.raw + guest.inflate_released.raw;
  }
  return guest.guest;
}

TopSort rotated(TopSort sort, std::size_t step) {
  return static_cast<TopSort>((static_cast<std::size_t>(sort) + step) % kSorts);
}

// Returns the step for + and -: a sixteenth of the guest's memory, in whole MiB and at least 1 MiB.
ByteCount step_of(const GuestFigures& guest) {
  constexpr std::uint64_t kMiB = 1 << 20;
  return {std::max(guest.memory.raw / 16 / kMiB, std::uint64_t{1}) * kMiB};
}

}  // namespace

void TopView::update(std::vector<GuestFigures> guests) {
  guests_ = std::move(guests);
  history_.add(guests_);
  lost_.clear();
}

std::optional<ControlRequest> TopView::press(TopKey key) {
  message_.clear();
  const GuestFigures* guest = selected();
  switch (key) {
    case TopKey::Up:
      select(-1);
      break;
    case TopKey::Down:
      select(1);
      break;
    case TopKey::SortBefore:
      sort_ = rotated(sort_, kSorts - 1);
      break;
    case TopKey::SortNext:
      sort_ = rotated(sort_, 1);
      break;
    case TopKey::Pause:
    case TopKey::Resume:
      if (guest == nullptr) break;
      return ControlRequest{.command = key == TopKey::Pause ? Command::Pause : Command::Resume,
                            .guest = guest->guest,
                            .size = {}};
    case TopKey::More:
    case TopKey::Less:
      return inflate(key == TopKey::More);
    case TopKey::Other:
      break;
  }
  return {};
}

// Limits the target to three quarters of the guest's memory, so that holding down a key cannot exhaust the
// guest. The lower limit is 0.
std::optional<ControlRequest> TopView::inflate(bool more) const {
  const GuestFigures* guest = selected();
  if (guest == nullptr) return {};
  const std::uint64_t step = step_of(*guest).raw, now = guest->target.raw;
  const std::uint64_t most = std::max(guest->memory.raw / 4 * 3, now);
  const std::uint64_t target = more ? std::min(now + step, most) : now - std::min(step, now);
  if (target == now) return {};
  return ControlRequest{.command = Command::Target, .guest = guest->guest, .size = {target}};
}

std::vector<const GuestFigures*> TopView::sorted() const {
  std::vector<const GuestFigures*> order;
  for (const GuestFigures& guest : guests_) order.push_back(&guest);
  std::sort(order.begin(), order.end(), [this](const GuestFigures* a, const GuestFigures* b) {
    const std::uint64_t of_a = measure(*a, sort_), of_b = measure(*b, sort_);
    if (sort_ == TopSort::Guest || of_a == of_b) return a->guest < b->guest;
    return of_a > of_b;
  });
  return order;
}

const GuestFigures* TopView::selected() const {
  const auto order = sorted();
  const auto found = std::find_if(order.begin(), order.end(),
                                  [this](const GuestFigures* guest) { return guest->guest == selected_; });
  if (found != order.end()) return *found;
  return order.empty() ? nullptr : order.front();
}

void TopView::select(int step) {
  const auto order = sorted();
  if (order.empty()) return;
  const auto at = std::find(order.begin(), order.end(), selected()) - order.begin();
  const auto last = static_cast<std::ptrdiff_t>(order.size()) - 1;
  selected_ = order.at(static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(at + step, 0, last)))->guest;
}

}  // namespace fallow::cli
