#include "cli/control/control_answer.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "cli/control/control_names.h"
#include "cli/control/control_request.h"

namespace fallow::cli {
namespace {

using Command = ControlRequest::Command;
using nlohmann::json;

constexpr const char* kNoAnswer =
    "a guest did not answer in time and may still do so; 'list' shows whether it is stuck";

// Paths and sentences may hold arbitrary bytes; JSON must be UTF-8.
std::string line_of(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

json refusals_of(const BalloonDeviceStats& stats) {
  json object = json::object();
  for (std::size_t i = 0; i < kRefusals; ++i) object[kRefusalNames.at(i)] = stats.refused.at(i);
  return object;
}

json mistakes_of(const DriverMistakes& mistakes) {
  json object = json::object();
  const auto counts = mistake_counts(mistakes);
  for (std::size_t i = 0; i < counts.size(); ++i) object[kMistakeNames.at(i)] = counts.at(i);
  return object;
}

// Only the statistics that the guest sent.
json statistics_of(const GuestStatistics& statistics) {
  json object = {{"updates", statistics.updates}, {"unknown_tags", statistics.unknown_tags}};
  for (std::size_t i = 0; i < kStatTags; ++i)
    if ((statistics.present >> i & 1) != 0)
      object[std::string(kStatisticNames.at(i).name) + (kStatisticNames.at(i).bytes ? "_bytes" : "")] =
          statistics.value.at(i);
  return object;
}

json calls_of(const vhost::CallTimes& calls) {
  std::uint64_t count = 0;
  for (const std::uint64_t n : calls.counts) count += n;
  return {{"count", count}, {"seconds", calls.sum}};
}

json guest_object(const vhost::GuestSnapshot& guest, std::span<const std::string> sockets) {
  const BalloonDeviceStats& device = guest.device;
  return {{"guest", guest.number},
          {"socket", socket_name(guest, sockets)},
          {"connected", guest.connected},
          {"ready", guest.ready},
          {"paused", guest.paused},
          {"stuck", guest.stuck},
          {"memory_bytes", guest.memory.raw},
          {"resident_bytes", guest.resident.raw},
          {"target_bytes", bytes(guest.target).raw},
          {"actual_bytes", bytes(guest.actual).raw},
          {"restarts", guest.restarts},
          {"worker", guest.worker},
          {"features", guest.features},
          {"requests", device.reports},
          {"entries", device.entries},
          {"reported_bytes", device.reported.raw},
          {"released_bytes", device.released.raw},
          {"paused_requests", device.paused},
          {"inflated_bytes", bytes(device.inflated).raw},
          {"inflated_twice", device.inflated_twice},
          {"inflate_released_bytes", device.inflate_released.raw},
          {"hinted_bytes", device.hinted},
          {"discards", device.discards},
          {"refused_total", device.refused_all()},
          {"refused", refusals_of(device)},
          {"driver_mistakes", mistakes_of(guest.mistakes)},
          {"host_calls", calls_of(guest.calls)},
          {"statistics", statistics_of(guest.statistics)}};
}

std::string no_guest(std::uint64_t guest) {
  return "there is no guest " + std::to_string(guest) + "; 'list' shows the guests";
}

std::string describe_guests(const ControlRequest& request, GuestControl& desk,
                            std::span<const std::string> sockets) {
  const auto guests = desk.guests();
  if (!guests) return refuse_request(kNoAnswer);
  json objects = json::array();
  for (const vhost::GuestSnapshot& guest : *guests)
    if (request.command == Command::List || guest.number == request.guest)
      objects.push_back(guest_object(guest, sockets));
  if (request.command == Command::Statistics && objects.empty())
    return refuse_request(no_guest(request.guest));
  return line_of({{"ok", true}, {"guests", std::move(objects)}});
}

std::string steer(const ControlRequest& request, GuestControl& desk) {
  const auto status = request.command == Command::Target
                          ? desk.set_target(request.guest, whole_frames(request.size))
                          : desk.pause(request.guest, request.command == Command::Pause);
  if (!status) return refuse_request(kNoAnswer);
  if (*status == Status::Ok) return line_of({{"ok", true}});
  if (*status != Status::NotFound) return refuse_request(describe(*status));
  return refuse_request(no_guest(request.guest));
}

}  // namespace

std::string socket_name(const vhost::GuestSnapshot& guest, std::span<const std::string> sockets) {
  return guest.socket < sockets.size() ? sockets[guest.socket] : std::to_string(guest.socket);
}

std::string refuse_request(const std::string& error) { return line_of({{"ok", false}, {"error", error}}); }

std::string answer_request(std::string_view line, GuestControl& desk, std::span<const std::string> sockets,
                           bool may_steer) {
  std::string error;
  const auto request = read_request(line, &error);
  if (!request) return refuse_request(error);
  const bool question = request->command == Command::List || request->command == Command::Statistics;
  if (!question && !may_steer) return refuse_request("only root and the daemon's user may control guests");
  return question ? describe_guests(*request, desk, sockets) : steer(*request, desk);
}

}  // namespace fallow::cli
