#include "tests/explore/engine/chooser.h"

#include <algorithm>
#include <sstream>

namespace fallow::explore {
namespace {

constexpr char kLetters[] = "psr";  // by Point::Kind

}  // namespace

std::string to_text(const Choices& choices) {
  std::string text;
  for (const Choice& c : choices) {
    if (!text.empty()) text += ' ';
    text += kLetters[static_cast<unsigned>(c.kind)];
    text += std::to_string(c.step) + ':' + std::to_string(c.way);
  }
  return text;
}

Choices parse_choices(const std::string& text) {
  Choices choices;
  std::istringstream in(text);
  char letter = 0, colon = 0;
  unsigned step = 0, way = 0;
  while (in >> letter >> step >> colon >> way) {
    const auto kind = static_cast<Point::Kind>(std::string(kLetters).find(letter) % 3);
    choices.push_back({step, kind, static_cast<std::uint8_t>(way)});
  }
  return choices;
}

unsigned DepthFirst::choose(const Point& point) {
  if (at_ == taken_.size()) {
    taken_.push_back(0);
    counts_.push_back(static_cast<std::uint8_t>(point.count));
  }
  return taken_[at_++];
}

bool DepthFirst::next() {
  // Points after the end of the last schedule belong to an earlier, longer schedule.
  taken_.resize(at_);
  counts_.resize(at_);
  at_ = 0;
  while (!taken_.empty() && taken_.back() + 1U >= counts_.back()) {
    taken_.pop_back();
    counts_.pop_back();
  }
  if (taken_.empty()) return false;
  ++taken_.back();
  return true;
}

void DepthFirst::restart() {
  taken_.clear();
  counts_.clear();
  at_ = 0;
}

unsigned RandomWalk::choose(const Point& point) {
  unsigned way = 0;
  if (point.kind == Point::Kind::Switch) {
    way = static_cast<unsigned>(random_() % point.count);
  } else if (random_() % rarely_ == 0) {
    way = static_cast<unsigned>(1 + random_() % (point.count - 1));
  }
  return way;
}

void Pct::begin(unsigned length) {
  at_ = 0;
  priority_.resize(8);
  for (std::size_t i = 0; i < priority_.size(); ++i) priority_[i] = static_cast<int>(depth_ + i);
  std::shuffle(priority_.begin(), priority_.end(), random_);
  changes_.clear();
  for (unsigned i = 1; i < depth_; ++i) changes_.push_back(static_cast<unsigned>(random_() % (length + 1)));
}

unsigned Pct::choose(const Point& point) {
  unsigned way = 0;
  if (point.kind == Point::Kind::Read) {
    if (random_() % 8 == 0) way = static_cast<unsigned>(random_() % point.count);
  } else {
    for (unsigned i = 0; i < changes_.size(); ++i) {
      if (changes_[i] == at_) priority_[point.threads[0]] = -static_cast<int>(i) - 1;
    }
    for (unsigned i = 1; i < point.count; ++i) {
      if (priority_[point.threads[i]] > priority_[point.threads[way]]) way = i;
    }
    ++at_;
  }
  return way;
}

unsigned Replay::choose(const Point& point) {
  if (at_ == choices_.size() || choices_[at_].step != point.step || choices_[at_].kind != point.kind)
    return 0;
  const unsigned way = choices_[at_++].way;
  return way < point.count ? way : 0;
}

}  // namespace fallow::explore
