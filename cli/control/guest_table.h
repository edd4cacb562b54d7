// The output of `fallow ctl` for people.
#pragma once

#include <span>
#include <string>

#include "cli/control/control_figures.h"
#include "cli/control/control_request.h"

namespace fallow::cli {

// Returns a line of headings and a line for each guest, or "No guests."
std::string guest_table(std::span<const GuestFigures> guests);

// Returns all figures of one guest, one a line.
std::string guest_sheet(const GuestFigures& guest);

// A sentence that confirms what was done.
std::string confirmation(const ControlRequest& request);

}  // namespace fallow::cli
