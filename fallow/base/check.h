// CHECK is for what only Fallow's own code can break: it stops, in release builds too. What a caller, a
// guest, a host or a file controls is answered with a Status instead.
#pragma once

// Supplied by the port (link time): says what is broken and where, and does not return.
extern "C" [[noreturn]] void fallow_panic(const char* what, const char* file, int line) noexcept;

#define FALLOW_CHECK(condition)                                             \
  (__builtin_expect(static_cast<bool>(condition), 1) ? static_cast<void>(0) \
                                                     : ::fallow_panic(#condition, __FILE__, __LINE__))
