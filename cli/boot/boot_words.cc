#include "cli/boot/boot_words.h"

#include <fmt/format.h>

#include "cli/term/format.h"

namespace fallow::cli {
namespace {

std::string amount(const std::optional<std::uint64_t>& mib, const char* otherwise) {
  return mib ? format_mib(static_cast<double>(*mib)) : otherwise;
}

std::string words_of(const GuestStarted& event) {
  std::string words = "the guest is running";
  if (!event.loader.empty()) words += ", loaded by " + printable(event.loader);
  if (event.cpus) words += ", " + format_counted(*event.cpus, "CPU");
  if (event.memory_kib) words += ", " + format_mib(mib_of_kib(*event.memory_kib));
  return words;
}

std::string words_of(const GuestDevice& event) {
  std::string words = "the guest found its balloon";
  if (!event.bus.empty()) words += " on " + printable(event.bus);
  if (!event.place.empty()) words += " at " + printable(event.place);
  if (!event.ring.empty()) words += fmt::format(", {} ring", printable(event.ring));
  if (event.event_index) words += *event.event_index ? ", event index" : ", no event index";
  if (event.indirect) words += *event.indirect ? ", indirect tables" : ", no indirect tables";
  if (event.reporting && !*event.reporting) words += ", but no page reporting";
  return words;
}

std::string words_of(const GuestMark& event) {
  switch (event.point) {
    case GuestMark::Point::Registered:
      return "the guest registered its balloon for page reporting";
    case GuestMark::Point::FirstReport:
      return "the guest sent its first report";
    case GuestMark::Point::Filling:
      return "the guest is filling " + amount(event.mib, "its memory");
    case GuestMark::Point::Filled:
      return "the guest filled " + amount(event.mib, "its memory");
    case GuestMark::Point::Freeing:
      return "the guest is freeing all of it";
    case GuestMark::Point::Freed:
      return "the guest has freed it";
  }
  return "";
}

std::string words_of(const boot::GuestFigures& /*event*/) { return ""; }

std::string words_of(const GuestVerdict& event) {
  return fmt::format("verdict: {}", printable(event.verdict));
}

std::string words_of(const GuestPanic& event) { return "the guest panicked: " + printable(event.what); }

}  // namespace

std::string boot_title(const BootRequest& request) {
  std::string title =
      fmt::format("{} on {}: {} of memory, {}", guest_name(request.guest), machine_name(request.machine),
                  format_mib(to_mib(request.memory)), format_counted(request.cpus, "CPU"));
  title += request.packed ? ", packed ring" : ", split ring";
  title += fmt::format(", workload {}, policy {}", workload_name(request.workload), policy_name(request));
  if (request.guest == BootGuest::Fallow) title += fmt::format(", order {}", request.order.raw);
  return title;
}

std::string event_words(const GuestEvent& event) {
  return std::visit([](const auto& known) { return words_of(known); }, event);
}

std::string sample_words(double resident_mib, const boot::GuestFigures& guest) {
  std::string words = fmt::format("resident {}", format_mib(resident_mib));
  if (guest.used_kib + guest.free_kib > 0)
    words += fmt::format("; the guest uses {}, {} are free, {} of them reported",
                         format_mib(mib_of_kib(guest.used_kib)), format_mib(mib_of_kib(guest.free_kib)),
                         format_mib(mib_of_kib(guest.reported_kib)));
  return words;
}

}  // namespace fallow::cli
