#include "cli/top/top_history.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fallow::cli {
namespace {

// From empty to full. Even the first character is visible.
constexpr std::array<const char*, 9> kBlocks = {"▁", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<const char*, 9> kMarks = {"_", "_", ".", ":", "-", "=", "+", "*", "#"};

}  // namespace

void TopHistory::add(std::span<const GuestFigures> guests) {
  std::map<std::uint64_t, std::deque<std::uint64_t>> kept;
  for (const GuestFigures& guest : guests) {
    std::deque<std::uint64_t>& samples = kept[guest.guest] = std::move(samples_[guest.guest]);
    samples.push_back(guest.resident.raw);
    if (samples.size() > kSamples) samples.pop_front();
  }
  samples_ = std::move(kept);
}

std::string TopHistory::line(std::uint64_t guest, std::size_t columns, bool unicode) const {
  const auto found = samples_.find(guest);
  if (found == samples_.end()) return std::string(columns, ' ');
  const std::deque<std::uint64_t>& samples = found->second;
  const std::size_t count = std::min(columns, samples.size());
  const auto first = samples.end() - static_cast<std::ptrdiff_t>(count);
  const std::uint64_t highest =
      count > 0 ? std::max<std::uint64_t>(*std::max_element(first, samples.end()), 1) : 1;

  std::string line(columns - count, ' ');
  for (auto sample = first; sample != samples.end(); ++sample) {
    const double part = static_cast<double>(*sample) / static_cast<double>(highest);
    const auto height = static_cast<std::size_t>(std::lround(part * (kBlocks.size() - 1)));
    line += unicode ? kBlocks.at(height) : kMarks.at(height);
  }
  return line;
}

}  // namespace fallow::cli
