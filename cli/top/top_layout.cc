// Lays out a TopView in lines.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "cli/control/guest_table.h"
#include "cli/term/format.h"
#include "cli/top/top_view.h"

namespace fallow::cli {
namespace {

constexpr std::size_t kNumber = 5, kState = 8, kSize = 9, kBar = 10;
constexpr std::size_t kShortestName = 8, kLongestName = 40, kShortestHistory = 8;

std::string size(ByteCount bytes) { return format_mib(to_mib(bytes)); }

TopSpan ascii(std::string text, TopLook look = TopLook::Plain) {
  const std::size_t columns = text.size();
  return {std::move(text), columns, look};
}

// Keeps the end of a long path, which is more specific than its beginning.
std::string fit(const std::string& path, std::size_t width) {
  const std::string name = printable_columns(path);
  return name.size() <= width ? name : "~" + name.substr(name.size() - (width - 1));
}

// Cuts a line to the width of the terminal. A span that is not ASCII is replaced by blanks as a whole.
void cut(TopLine* line, std::size_t columns) {
  std::size_t used = 0;
  for (TopSpan& span : *line) {
    const std::size_t room = columns - used;
    if (span.columns > room) {
      span.text = span.text.size() == span.columns ? span.text.substr(0, room) : std::string(room, ' ');
      span.columns = room;
    }
    used += span.columns;
  }
  std::erase_if(*line, [](const TopSpan& span) { return span.columns == 0; });
}

TopLine bar(const GuestFigures& guest, bool unicode) {
  const auto part = [&guest](ByteCount amount) {
    const double whole = static_cast<double>(std::max<std::uint64_t>(guest.memory.raw, 1));
    const double columns = std::round(static_cast<double>(amount.raw) / whole * kBar);
    return static_cast<std::size_t>(std::clamp(columns, 0.0, static_cast<double>(kBar)));
  };
  const std::size_t resident = part(guest.resident);
  const std::size_t balloon = std::min(part(guest.actual), kBar - resident);
  const auto repeated = [unicode](std::size_t count, const char* fine, const char* plain, TopLook look) {
    TopSpan span{"", count, look};
    for (std::size_t i = 0; i < count; ++i) span.text += unicode ? fine : plain;
    return span;
  };
  // The balloon is on the right, where it reduces the memory available to the guest.
  return {repeated(resident, "█", "#", TopLook::Bar),
          repeated(kBar - resident - balloon, "·", ".", TopLook::Faint),
          repeated(balloon, "▒", "o", TopLook::Faint)};
}

void append(TopLine* line, TopLine more) { std::move(more.begin(), more.end(), std::back_inserter(*line)); }

}  // namespace

// The widths of the columns. The history takes the remaining width.
struct TopView::Columns {
  explicit Columns(std::size_t all, const std::vector<GuestFigures>& guests) {
    std::size_t longest = 0;
    for (const GuestFigures& guest : guests) longest = std::max(longest, guest.socket.size());
    const std::size_t fixed = kNumber + 1 + 1 + kState + 3 * (kSize + 1) + 1 + kBar + 1;
    const std::size_t rest = all > fixed ? all - fixed : 0;
    released = rest >= kShortestName + 2 * kShortestHistory + kSize + 1;
    const std::size_t left = rest - (released ? kSize + 1 : 0);
    name = std::clamp(std::min(longest, left / 2), kShortestName, kLongestName);
    history = left > name ? left - name : 0;
  }
  std::size_t name = 0, history = 0;
  bool released = false;
};

TopLine TopView::title() const {
  return {ascii("fallow top", TopLook::Head), ascii(" - " + printable_columns(where_))};
}

TopLine TopView::summary() const {
  ByteCount memory, resident, released;
  for (const GuestFigures& guest : guests_) {
    memory = memory + guest.memory;
    resident = resident + guest.resident;
    released = released + guest.released + guest.inflate_released;
  }
  return {
      ascii(fmt::format("{}: {} resident of {}, {} released so far", format_counted(guests_.size(), "guest"),
                        size(resident), size(memory), size(released)))};
}

TopLine TopView::headings(const Columns& columns) const {
  const auto heading = [this](const std::string& text, TopSort sort) {
    return ascii(text, sort == sort_ ? TopLook::Selected : TopLook::Head);
  };
  TopLine line = {
      heading(fmt::format("{:>{}}", "GUEST", kNumber), TopSort::Guest),
      ascii(fmt::format(" {:<{}} {:<{}} ", "SOCKET", columns.name, "STATE", kState), TopLook::Head),
      heading(fmt::format("{:>{}}", "MEMORY", kSize), TopSort::Memory),
      ascii(" ", TopLook::Head),
      heading(fmt::format("{:>{}}", "BALLOON", kSize), TopSort::Balloon),
      ascii(" ", TopLook::Head)};
  if (columns.released || sort_ == TopSort::Released) {
    line.push_back(heading(fmt::format("{:>{}}", "RELEASED", kSize), TopSort::Released));
    line.push_back(ascii(" ", TopLook::Head));
  }
  line.push_back(heading(fmt::format("{:>{}}", "RESIDENT", kSize), TopSort::Resident));
  line.push_back(ascii(fmt::format(" {:<{}}", "", kBar + columns.history + 1), TopLook::Head));
  return line;
}

TopLine TopView::guest_line(const GuestFigures& guest, const Columns& columns, bool unicode) const {
  const bool is_selected = &guest == selected();
  std::string left =
      fmt::format("{:>{}} {:<{}} ", guest.guest, kNumber, fit(guest.socket, columns.name), columns.name);
  std::string right = fmt::format("{:>{}} {:>{}} ", size(guest.memory), kSize, size(guest.actual), kSize);
  if (columns.released || sort_ == TopSort::Released)
    right += fmt::format("{:>{}} ", size(guest.released + guest.inflate_released), kSize);
  right += fmt::format("{:>{}} ", size(guest.resident), kSize);
  const TopLook look = is_selected ? TopLook::Selected : TopLook::Plain;
  const bool well = guest.connected && guest.ready && !guest.paused;
  TopLine line = {ascii(std::move(left), look),
                  ascii(fmt::format("{:<{}} ", guest.state(), kState), well ? look : TopLook::Alarm),
                  ascii(std::move(right), look)};
  append(&line, bar(guest, unicode));
  line.push_back(ascii(" "));
  line.push_back({history_.line(guest.guest, columns.history, unicode), columns.history, TopLook::Bar});
  return line;
}

std::vector<TopLine> TopView::details(const GuestFigures& guest) const {
  std::vector<TopLine> lines;
  lines.push_back(
      {ascii(fmt::format("Guest {}", guest.guest), TopLook::Head),
       ascii(fmt::format(": {} in {}, {} reported, {} released", format_counted(guest.entries, "run"),
                         format_counted(guest.requests, "request"), size(guest.reported),
                         size(guest.released)))});
  const double mean = guest.calls > 0 ? guest.call_seconds / static_cast<double>(guest.calls) : 0;
  lines.push_back({ascii(fmt::format("balloon: {}, target {}; {}, {} each; {} died", size(guest.actual),
                                     size(guest.target), format_counted(guest.calls, "host call"),
                                     format_seconds(mean), format_counted(guest.restarts, "worker")))});
  std::string said = "statistics:";
  for (const auto& [name, value] : guest.statistics)
    for (const char* shown : {"free_memory_bytes", "available_memory_bytes", "disk_caches_bytes"})
      if (name == shown) said += fmt::format(" {} {},", name.substr(0, name.find('_')), size({value}));
  if (said.back() == ',') {
    said.back() = '.';
    lines.push_back({ascii(said)});
  }
  std::string refused;
  for (const auto& [name, value] : guest.refusals)
    refused += fmt::format("{}{} {}", refused.empty() ? "refused: " : ", ", printable_columns(name),
                           format_count(value));
  if (!refused.empty()) lines.push_back({ascii(refused, TopLook::Alarm)});
  return lines;
}

TopLine TopView::last_line() const {
  if (!lost_.empty()) return {ascii(printable_columns(lost_), TopLook::Alarm)};
  if (!message_.empty()) return {ascii(printable_columns(message_))};
  return {ascii("q quit  up/down guest  left/right sort  p pause  r resume  +/- balloon", TopLook::Faint)};
}

std::vector<TopLine> TopView::draw(std::size_t columns, std::size_t rows, bool unicode) const {
  constexpr std::size_t kDetailed = 16;  // minimum number of rows to show a guest's details
  const Columns layout(columns, guests_);
  std::vector<TopLine> lines = {title(), summary(), headings(layout)};
  std::vector<TopLine> below;
  const GuestFigures* chosen = selected();
  if (chosen != nullptr && rows >= kDetailed) {
    below = details(*chosen);
    below.insert(below.begin(), TopLine{});
  }
  below.push_back(last_line());

  const auto order = sorted();
  const std::size_t taken = lines.size() + below.size();
  const std::size_t room = rows > taken ? rows - taken : 0;
  const auto at = static_cast<std::size_t>(std::find(order.begin(), order.end(), chosen) - order.begin());
  const std::size_t first = at >= room && room > 0 ? at - room + 1 : 0;
  for (std::size_t i = first; i < order.size() && i < first + room; ++i)
    lines.push_back(guest_line(*order[i], layout, unicode));
  if (order.empty() && room > 1) lines.push_back({ascii("No guests yet.", TopLook::Faint)});
  if (lines.size() + below.size() < rows) lines.resize(rows - below.size());
  // On a very small terminal the last line has priority, because it shows errors.
  if (lines.size() + below.size() > rows) lines.resize(rows - std::min(rows, below.size()));
  std::move(below.begin(), below.end(), std::back_inserter(lines));
  lines.resize(rows);
  for (TopLine& line : lines) cut(&line, columns);
  return lines;
}

}  // namespace fallow::cli
