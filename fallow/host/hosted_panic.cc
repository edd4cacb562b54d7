// fallow_panic for hosted programs: prints a line to standard error, then calls abort(). A program that
// defines its own fallow_panic gets its own definition instead.
#include <cstdio>
#include <cstdlib>

#include "fallow/base/check.h"

extern "C" void fallow_panic(const char* what, const char* file, int line) noexcept {
  std::fprintf(stderr, "fallow: %s:%d: check failed: %s\n", file, line, what);
  std::abort();
}
