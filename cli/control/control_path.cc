#include "cli/control/control_path.h"

#include <cstdlib>

namespace fallow::cli {

std::string default_control_path() {
  const char* path = std::getenv("FALLOW_CONTROL");
  return path != nullptr && *path != '\0' ? path : "/run/fallow/control";
}

}  // namespace fallow::cli
