#include "cli/control/guest_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/term/format.h"

namespace fallow::cli {
namespace {

using Command = ControlRequest::Command;

std::string size(ByteCount bytes) { return format_mib(to_mib(bytes)); }

void add_line(std::string* sheet, const std::string& name, const std::string& value) {
  *sheet += fmt::format("{:<24}{:>16}\n", name, value);
}

// Prints "free_memory_bytes" 4096 as "free memory" "4 KiB", and a name without the suffix as a count.
void add_named(std::string* sheet, const char* before, std::string name, std::uint64_t value) {
  constexpr std::string_view kUnit = "_bytes";
  const bool is_size = name.ends_with(kUnit);
  if (is_size) name.resize(name.size() - kUnit.size());
  std::replace(name.begin(), name.end(), '_', ' ');
  add_line(sheet, before + printable_columns(name), is_size ? size({value}) : format_count(value));
}

}  // namespace

std::string guest_table(std::span<const GuestFigures> guests) {
  if (guests.empty()) return "No guests.\n";
  std::size_t width = 6;
  for (const GuestFigures& guest : guests) width = std::max(width, guest.socket.size());
  std::string table =
      fmt::format("{:>5}  {:<{}}  {:<8}  {:>9}  {:>9}  {:>9}  {:>9}  {:>9}\n", "GUEST", "SOCKET", width,
                  "STATE", "MEMORY", "RESIDENT", "BALLOON", "TARGET", "RELEASED");
  for (const GuestFigures& guest : guests)
    table += fmt::format("{:>5}  {:<{}}  {:<8}  {:>9}  {:>9}  {:>9}  {:>9}  {:>9}\n", guest.guest,
                         printable_columns(guest.socket), width, guest.state(), size(guest.memory),
                         size(guest.resident), size(guest.actual), size(guest.target),
                         size(guest.released + guest.inflate_released));
  return table;
}

std::string guest_sheet(const GuestFigures& guest) {
  std::string sheet =
      fmt::format("Guest {}, {}, on {}\n", guest.guest, guest.state(), printable_columns(guest.socket));
  add_line(&sheet, "memory", size(guest.memory));
  add_line(&sheet, "resident", size(guest.resident));
  add_line(&sheet, "in the balloon", size(guest.actual));
  add_line(&sheet, "balloon target", size(guest.target));
  add_line(&sheet, "reported", size(guest.reported));
  add_line(&sheet, "released by reports", size(guest.released));
  add_line(&sheet, "released by the balloon", size(guest.inflate_released));
  add_line(&sheet, "requests", format_count(guest.requests));
  add_line(&sheet, "entries in requests", format_count(guest.entries));
  add_line(&sheet, "requests while paused", format_count(guest.paused_requests));
  add_line(&sheet, "host calls", format_count(guest.calls));
  add_line(&sheet, "time in host calls", format_seconds(guest.call_seconds));
  add_line(&sheet, "workers that died", format_count(guest.restarts));
  add_line(&sheet, "refused", format_count(guest.refused));
  for (const auto& [name, value] : guest.refusals) add_named(&sheet, "  ", name, value);
  if (!guest.mistakes.empty()) sheet += "errors of the driver\n";
  for (const auto& [name, value] : guest.mistakes) add_named(&sheet, "  ", name, value);
  sheet += guest.statistics.empty() ? "The guest sent no statistics.\n" : "statistics from the guest\n";
  for (const auto& [name, value] : guest.statistics) add_named(&sheet, "  ", name, value);
  return sheet;
}

std::string confirmation(const ControlRequest& request) {
  const bool all = request.guest == ControlRequest::kAllGuests;
  const std::string who = all ? "All guests" : fmt::format("Guest {}", request.guest);
  switch (request.command) {
    case Command::Target:
      if (request.percent)
        return fmt::format("{}: the balloon's target is {} % of the memory.\n", who, *request.percent);
      return fmt::format("{}: the balloon's target is {}.\n", who, size(request.size));
    case Command::Pause:
      return fmt::format("{}: paused; reported memory is not released.\n", who);
    case Command::Resume:
      return fmt::format("{}: resumed.\n", who);
    case Command::List:
    case Command::Statistics:
      break;
  }
  return {};
}

}  // namespace fallow::cli
