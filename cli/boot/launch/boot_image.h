// Where programs and images are that `fallow boot` starts.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace fallow::cli {

inline constexpr const char* kGuestImage = "fallow-guest.elf";

// Where the guest's image may be, for a program in `folder`: beside it, where a build puts it, where an
// installation puts it. The first that is there counts.
std::vector<std::string> guest_image_places(const std::string& folder);

// The guest's image that belongs to this program; nothing: it is at none of its places.
std::optional<std::string> find_guest_image();

// A program as a shell finds it: with a slash a path, without one a name to be found by `path_variable`
// (PATH).
std::optional<std::string> find_program(const std::string& name, const std::string& path_variable);

}  // namespace fallow::cli
