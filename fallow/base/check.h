// FALLOW_CHECK guards conditions that only a bug in Fallow can break. FALLOW_REQUIRE guards rules that a
// caller breaks by a programming error to which no Status can be returned. Both stop the program, in release
// builds too. Input from a guest, a host or a file, and values that a caller computes, are answered with a
// Status.
#pragma once

/// @file

/// Reports the broken condition and its source location, and does not return. The port supplies the
/// definition at link time.
extern "C" [[noreturn]] void fallow_panic(const char* what, const char* file, int line) noexcept;

/// Calls fallow_panic() with the text of `condition` if the condition is false.
#define FALLOW_CHECK(condition)                                             \
  (__builtin_expect(static_cast<bool>(condition), 1) ? static_cast<void>(0) \
                                                     : ::fallow_panic(#condition, __FILE__, __LINE__))

/// Calls fallow_panic() with `instruction` if the caller broke `condition`. The instruction names the
/// function, says what it found and what to do about it: "~Reporter(): a device is registered; call
/// unregister_device() first".
#define FALLOW_REQUIRE(condition, instruction)                              \
  (__builtin_expect(static_cast<bool>(condition), 1) ? static_cast<void>(0) \
                                                     : ::fallow_panic(instruction, __FILE__, __LINE__))
