#include "tests/explore/world/oracle.h"

#include <algorithm>

namespace fallow::explore {
namespace {

[[noreturn]] void broken(const char* what, Pfn pfn) {
  engine().fail(std::string(what) + ", frame " + std::to_string(pfn.raw));
}

}  // namespace

Oracle::Oracle(Zone& zone)
    : zone_(zone), frames_(static_cast<Frame*>(arena().allocate(zone.size().raw * sizeof(Frame)))) {}

// MO-1: accesses the frame's content. For long runs the first frame of each word suffices.
void Oracle::touch(Pfn first, PfnCount count) {
  for (std::uint64_t i = 0; i<count.raw; i += count.raw> detail::kWordFrames ? detail::kWordFrames : 1)
    engine().plain(&at(first + PfnCount{i}).owned, 1, true, "two uses of one frame");
}

void Oracle::allocated(Pfn first, PfnCount count, bool content_known,
                       std::initializer_list<Content> promised) {
  if (!zone_.contains(first, count)) broken("an allocation outside the zone", first);
  touch(first, count);
  for (std::uint64_t i = 0; i < count.raw; ++i) {
    const Pfn pfn = first + PfnCount{i};
    Frame& f = at(pfn);
    if (f.allocated || f.withheld) broken("given out twice", pfn);
    if (f.in_flight) broken("R6: allocated while it is being reported", pfn);
    if (content_known && (f.content == Content::Unknown ||
                          std::find(promised.begin(), promised.end(), f.content) == promised.end()))
      broken("R12: said to hold what the device promised, and does not", pfn);
    (f.reported ? refaults_ : forgotten_refaults_) += f.reported || f.forgotten ? 1 : 0;
    f = Frame{};
    f.allocated = true;
  }
}

void Oracle::freeing(Pfn first, PfnCount count) {
  touch(first, count);
  for (std::uint64_t i = 0; i < count.raw; ++i) {
    Frame& f = at(first + PfnCount{i});
    if (!f.allocated) broken("the scenario frees what it does not own", first + PfnCount{i});
    f.allocated = false;
  }
}

void Oracle::reporting(Scatterlist list, std::uint32_t capacity, Order order) {
  if (list.empty() || list.size() > capacity) engine().fail("R5: a request of 1 to capacity entries");
  for (std::size_t e = 0; e < list.size(); ++e) {
    engine().plain(&list[e], sizeof(ScatterEntry), false, "the scatterlist");
    const Pfn first = list[e].first;
    const PfnCount count = list[e].count;
    if (list[e].end != (e + 1 == list.size()))
      broken("R5: the end mark on the last entry, and only there", first);
    if (!zone_.contains(first, count)) broken("R5: an entry outside the zone", first);
    if (!aligned(first, order) || count.raw == 0 || count.raw % frames(order).raw != 0)
      broken("R5: an entry that is not made of blocks of the reporting order", first);
    if (e > 0 && list[e - 1].first + list[e - 1].count > first)
      broken("R5: entries overlap or descend", first);
    touch(first, count);
    for (std::uint64_t i = 0; i < count.raw; ++i) {
      const Pfn pfn = first + PfnCount{i};
      Frame& f = at(pfn);
      if (f.allocated || f.withheld) broken("reported while it is allocated", pfn);
      if (f.in_flight) broken("R6: reported twice at once", pfn);
      if (f.reported) broken("R8: a frame is reported again although no thread used it", pfn);
      f.in_flight = true;
    }
  }
}

void Oracle::settled(Scatterlist list, bool reported, Content content) {
  for (const ScatterEntry& e : list) {
    touch(e.first, e.count);
    for (std::uint64_t i = 0; i < e.count.raw; ++i) {
      Frame& f = at(e.first + PfnCount{i});
      f.in_flight = false;
      f.reported = reported;
      f.forgotten = false;
      f.failed = !reported;
      // A device that fails may have processed part of the request.
      f.content = reported ? content : Content::Unknown;
    }
  }
}

void Oracle::withhold(Pfn first, PfnCount count) {
  for (std::uint64_t i = 0; i < count.raw; ++i) at(first + PfnCount{i}).withheld = true;
}

void Oracle::forgotten() {
  for (std::uint64_t i = 0; i < zone_.size().raw; ++i) {
    frames_[i].forgotten |= frames_[i].reported;
    frames_[i].reported = false;
  }
}

bool Oracle::all_allocated(Pfn first, Order order) const {
  if (!aligned(first, order) || !zone_.contains(first, frames(order))) return false;
  for (std::uint64_t i = 0; i < frames(order).raw; ++i) {
    if (!at(first + PfnCount{i}).allocated) return false;
  }
  return true;
}

std::uint64_t Oracle::count(bool Frame::*member) const {
  std::uint64_t n = 0;
  for (std::uint64_t i = 0; i < zone_.size().raw; ++i) n += frames_[i].*member ? 1 : 0;
  return n;
}

bool Oracle::can_be_reported(Pfn first, PfnCount run) const {
  if (!zone_.contains(first, run)) return false;
  for (std::uint64_t i = 0; i < run.raw; ++i) {
    const Frame& f = at(first + PfnCount{i});
    if (f.allocated || f.reported || withheld(first + PfnCount{i})) return false;
  }
  return true;
}

detail::UnreportedCounts Oracle::unreported(Order order) const {
  detail::UnreportedCounts counts;
  const std::uint64_t end = zone_.base().raw + zone_.size().raw;
  for (std::uint64_t at = zone_.base().raw & ~(frames(kMaxOrder).raw - 1); at < end;) {
    std::uint8_t o = kMaxOrder.raw;
    while (o > 0 && ((at & (frames(Order{o}).raw - 1)) != 0 || !can_be_reported(Pfn{at}, frames(Order{o}))))
      --o;
    if (can_be_reported(Pfn{at}, frames(Order{o})) && o >= order.raw) ++counts.of[o];
    at += frames(Order{o}).raw;
  }
  return counts;
}

bool Oracle::has_failed(Order order) const {
  const std::uint64_t run = frames(order).raw;
  for (Pfn first{zone_.base().raw & ~(run - 1)}; first < zone_.base() + zone_.size();
       first = first + PfnCount{run}) {
    if (!can_be_reported(first, {run})) continue;
    std::uint64_t failed = 0;
    while (failed < run && at(first + PfnCount{failed}).failed) ++failed;
    if (failed == run) return true;
  }
  return false;
}

}  // namespace fallow::explore
