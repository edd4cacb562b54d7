// What `fallow ctl` prints for people.
#pragma once

#include <span>
#include <string>

#include "cli/control/control_figures.h"
#include "cli/control/control_request.h"

namespace fallow::cli {

// A line for each guest below a line of headings; "No guests." without any.
std::string guest_table(std::span<const GuestFigures> guests);

// All that is known of one guest, a line for each.
std::string guest_sheet(const GuestFigures& guest);

// A sentence that confirms what was done.
std::string confirmation(const ControlRequest& request);

// Bytes above 0x7e and below 0x20 as '?': a path may hold what would steer a terminal.
std::string printable(const std::string& text);

}  // namespace fallow::cli
