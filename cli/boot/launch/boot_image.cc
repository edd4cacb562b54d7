#include "cli/boot/launch/boot_image.h"

#include <unistd.h>

#include <filesystem>
#include <string_view>
#include <system_error>

namespace fallow::cli {
namespace {

bool is_program(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::vector<std::string> guest_image_places(const std::string& folder) {
  const std::string image = std::string("/") + kGuestImage;
  return {folder + image, folder + "/../guest/x86" + image,
          folder + "/../" FALLOW_LIBRARY_FOLDER "/fallow" + image, folder + "/../lib/fallow" + image,
          folder + "/../libexec/fallow" + image};
}

std::optional<std::string> find_guest_image() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return {};
  for (const std::string& place : guest_image_places(program.parent_path().string())) {
    if (!std::filesystem::is_regular_file(place, error)) continue;
    const auto plain = std::filesystem::canonical(place, error);
    return error ? place : plain.string();
  }
  return {};
}

std::optional<std::string> find_program(const std::string& name, const std::string& path_variable) {
  if (name.find('/') != std::string::npos) {
    if (is_program(name)) return name;
    return {};
  }
  std::string_view rest = path_variable;
  while (true) {
    const std::size_t colon = rest.find(':');
    const std::string folder(rest.substr(0, colon));
    // An empty entry in PATH means the current folder.
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    if (is_program(candidate)) return candidate;
    if (colon == std::string_view::npos) return {};
    rest.remove_prefix(colon + 1);
  }
}

}  // namespace fallow::cli
