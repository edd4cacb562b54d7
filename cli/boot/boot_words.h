// Describes a guest's events in words. Pure functions; text from the guest is made printable.
#pragma once

#include <string>

#include "cli/boot/boot_event.h"
#include "cli/boot/boot_options.h"

namespace fallow::cli {

// "fill on pc: 2,048 MiB, 2 CPUs, packed ring, policy aged:100ms, order 9".
std::string boot_title(const BootRequest& request);

// Returns a sentence without its full stop: "the guest filled 1,200 MiB". Empty for figures.
std::string event_words(const GuestEvent& event);

// "resident 1,310 MiB; the guest uses 1,200 MiB, 800 MiB are free, of which 790 MiB are reported".
std::string sample_words(double resident_mib, const boot::GuestFigures& guest);

}  // namespace fallow::cli
