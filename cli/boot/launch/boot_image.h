// Finds the programs and images that `fallow boot` starts.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace fallow::cli {

inline constexpr const char* kGuestImage = "fallow-guest.elf";

// Returns the candidate paths of the guest image for a program in `folder`: beside the program, where a build
// puts it and where an installation puts it. The first existing file is used.
std::vector<std::string> guest_image_places(const std::string& folder);

// Returns the guest image of this program, or nothing if none of the candidates exists.
std::optional<std::string> find_guest_image();

// Finds a program like a shell: a name with a slash is a path; any other name is searched in `path_variable`
// (PATH).
std::optional<std::string> find_program(const std::string& name, const std::string& path_variable);

}  // namespace fallow::cli
