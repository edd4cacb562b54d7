// FALLOW_CHECK guards conditions that only a bug in Fallow can break; it stops the program, in release
// builds too. Input from a caller, a guest, a host or a file is answered with a Status instead.
#pragma once

/// @file

/// Reports the broken condition and its source location, and does not return. The port supplies the
/// definition at link time.
extern "C" [[noreturn]] void fallow_panic(const char* what, const char* file, int line) noexcept;

/// Calls fallow_panic() with the text of `condition` if the condition is false.
#define FALLOW_CHECK(condition)                                             \
  (__builtin_expect(static_cast<bool>(condition), 1) ? static_cast<void>(0) \
                                                     : ::fallow_panic(#condition, __FILE__, __LINE__))
