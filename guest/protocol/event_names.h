// The names of the guest's events that `fallow boot` reads. The guest and the command line share them.
#pragma once

namespace fallow::guest::event_name {

inline constexpr const char* kBoot = "boot";
inline constexpr const char* kDevice = "device";
inline constexpr const char* kRegistered = "registered";
inline constexpr const char* kFirstReport = "first_report";
inline constexpr const char* kFilling = "filling";
inline constexpr const char* kFilled = "filled";
inline constexpr const char* kFreeing = "freeing";
inline constexpr const char* kFreed = "freed";
inline constexpr const char* kSample = "sample";
inline constexpr const char* kVerdict = "verdict";
inline constexpr const char* kPanic = "panic";

// A line of the serial console that starts with this is an event; the rest of the line is a JSON object.
inline constexpr const char* kPrefix = "fallow: ";

}  // namespace fallow::guest::event_name
