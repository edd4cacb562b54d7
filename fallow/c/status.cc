#include "fallow/c/status.h"

#include "fallow/c/detail/status_values.h"

extern "C" {

uint32_t fallow_c_abi_version(void) { return FALLOW_C_ABI_VERSION; }

const char* fallow_status_text(fallow_status status) {
  if (status > FALLOW_MISALIGNED) return "unknown status";
  return fallow::describe(fallow::detail::from_c(status));
}

}  // extern "C"
