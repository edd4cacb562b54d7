// fallow_panic for hosted programs: a line on the standard error, then abort(). A program that defines its
// own fallow_panic gets that one instead.
#include <cstdio>
#include <cstdlib>

#include "fallow/base/check.h"

extern "C" void fallow_panic(const char* what, const char* file, int line) noexcept {
  std::fprintf(stderr, "fallow: %s:%d: this must hold and does not: %s\n", file, line, what);
  std::abort();
}
