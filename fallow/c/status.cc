#include "fallow/c/status.h"

#include "fallow/c/detail/status_values.h"

namespace fallow::detail {

extern "C" {

uint32_t fallow_c_abi_version(void) { return FALLOW_C_ABI_VERSION; }

const char* fallow_status_text(fallow_status status) {
  if (status > FALLOW_MISALIGNED) return "unknown status";
  return describe(from_c(status));
}

}  // extern "C"

}  // namespace fallow::detail
