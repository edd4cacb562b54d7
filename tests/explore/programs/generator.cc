#include "tests/explore/programs/generator.h"

#include <algorithm>

namespace fallow::explore {
namespace {

std::uint64_t frames_of(unsigned order) { return std::uint64_t{1} << order; }

// Returns the holes that withhold everything else. `free` is sorted by first frame.
std::vector<Hole> holes_between(std::vector<Hole> free, std::uint64_t size) {
  std::sort(free.begin(), free.end(), [](const Hole& a, const Hole& b) { return a.first < b.first; });
  std::vector<Hole> holes;
  std::uint64_t at = 0;
  for (const Hole& f : free) {
    if (f.first > at) holes.push_back({at, f.first - at});
    at = std::max(at, f.first + f.count);
  }
  if (at < size) holes.push_back({at, size - at});
  return holes;
}

}  // namespace

Program Generator::program() {
  Program p;
  choose_zone(p);
  choose_free_frames(p);
  choose_orders();
  choose_reporting(p);
  misuse_ = one_in(5);
  passes_caches_ = one_in(4);
  p.threads.resize(one_in(3) ? 3 : 2);
  for (unsigned c = 0; c < p.zone.caches; ++c) {
    const std::uint64_t threads = p.threads.size();
    p.owners.push_back(static_cast<unsigned>(one_in(4) ? below(threads) : c % threads));
  }
  choose_before(p);
  for (unsigned t = 0; t < p.threads.size(); ++t) choose_thread(p, t);
  return p;
}

void Generator::choose_zone(Program& p) {
  p.zone.caches = pick({1U, 2U, 2U, 2U, 2U, 3U});
  std::uint64_t frames = 1024, base = 0;
  switch (below(8)) {
    case 0:
      frames = 512;
      base = pick<std::uint64_t>({0, 0, 512, 1024});
      break;
    case 1:  // tiny, with unaligned ends
      frames = 1 + below(130);
      base = below(2000);
      break;
    case 2:
      frames = 2048;
      break;
    case 3:
      frames = 1 + below(one_in(3) ? 4096 : 1600);
      base = below(3000);
      break;
    default:
      break;
  }
  p.zone.base = {base};
  p.zone.frames = {frames};
}

// Chooses aligned runs of the zone, at random places.
void Generator::choose_free_frames(Program& p) {
  const std::uint64_t size = p.zone.frames.raw, base = p.zone.base.raw;
  if (size < 140 ? !one_in(3) : one_in(8)) {
    free_ = size;
    return;
  }
  std::vector<Hole> free;
  const unsigned order = pick({0U, 1U, 3U, 4U, 5U, 5U, 6U, 6U, 7U, 8U, 9U, 9U, 9U, 10U});
  for (std::uint64_t runs = pick<std::uint64_t>({1, 1, 2, 2, 3}); runs > 0; --runs) {
    const unsigned o = one_in(3) ? static_cast<unsigned>(below(order + 1)) : order;
    const std::uint64_t step = frames_of(o);
    const std::uint64_t first = (base + below(size)) / step * step;
    // Often adjacent to the previous run, where neighbours share a word or a block.
    const std::uint64_t near =
        free.empty() || one_in(2) ? first : (base + free[0].first + free[0].count) / step * step;
    const std::uint64_t begin = std::max(near, base), end = std::min(near + step, base + size);
    if (begin < end) free.push_back({begin - base, end - begin});
  }
  p.withheld = holes_between(free, size);
  free_ = size;
  for (const Hole& h : p.withheld) free_ -= h.count;
}

unsigned Generator::largest_order() const {
  unsigned largest = 0;
  while (largest < kMaxOrder.raw && frames_of(largest + 1) <= free_) ++largest;
  return largest;
}

// Chooses orders that fit into the free frames, and slightly larger ones.
void Generator::choose_orders() {
  const unsigned largest = largest_order();
  for (unsigned& order : orders_) {
    switch (below(4)) {
      case 0:
        order = 0;
        break;
      case 1:
        order = std::min<unsigned>(largest + static_cast<unsigned>(below(2)), kMaxOrder.raw);
        break;
      default:
        order = static_cast<unsigned>(below(largest + 1));
        break;
    }
  }
  one_mobility_ = !one_in(4);
}

void Generator::choose_reporting(Program& p) {
  const unsigned largest = largest_order();
  const auto some_order_reported = [&] {
    return one_in(6) ? static_cast<unsigned>(below(11))
                     : static_cast<unsigned>(below(2) == 0 ? largest : below(largest + 1));
  };
  p.order = some_order_reported();
  if (one_in(2)) return;
  for (std::uint64_t n = one_in(5) ? 2 : 1; n > 0; --n) {
    const unsigned order = some_order_reported();
    switch (below(6)) {
      case 0:
        p.policies.push_back(like_linux(order));
        break;
      case 1:
        p.policies.push_back(aged(order, pick({4U, 100U})));
        break;
      default:
        p.policies.push_back(hwm(order, pick({1U, 1U, 1U, 2U, 3U, 32U})));
        break;
    }
  }
  p.device.capacity = pick({1U, 1U, 2U, 3U, 4U});
  p.device.depth = pick({1U, 1U, 2U, 3U});
  p.device.promise = pick({Content::Unknown, Content::Zero, Content::Poison});
  const bool pends = p.device.depth > 1 || one_in(3);
  for (std::uint64_t n = one_in(3) ? 0 : below(6); n > 0; --n) {
    p.device.answers.push_back(pends
                                   ? pick({Status::Pending, Status::Pending, Status::Ok, Status::Failed})
                                   : pick({Status::Ok, Status::Ok, Status::Failed, Status::ContentUnknown}));
  }
  for (std::uint64_t n = pends ? below(3) : 0; n > 0; --n)
    p.device.completions.push_back(pick({Status::Ok, Status::Failed, Status::ContentUnknown}));
}

// Allocates something, reports something, and often leaves a device at work.
void Generator::choose_before(Program& p) {
  for (unsigned t = 0; t < p.threads.size(); ++t) {
    for (std::uint64_t n = below(4); n > 0; --n) p.before.push_back({t, some_allocation(p, t)});
  }
  const unsigned who = static_cast<unsigned>(below(p.threads.size()));
  if (p.policies.empty()) {
    if (!one_in(3)) p.before.push_back({who, some_report()});
  } else if (!one_in(4)) {
    p.before.push_back({who, some_registering()});
    for (std::uint64_t n = below(3); n > 0; --n) p.before.push_back({who, some_work()});
    if (one_in(8)) p.before.push_back({who, unregister_device()});
  }
  for (std::uint64_t n = below(4); n > 0; --n) {
    const unsigned t = static_cast<unsigned>(below(p.threads.size()));
    const unsigned cache = some_cache(p, t), which = static_cast<unsigned>(below(3));
    p.before.push_back({t, pick({free(cache, which), drain(cache), retire(cache), some_allocation(p, t)})});
  }
}

}  // namespace fallow::explore
