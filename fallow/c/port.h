// A port in C: the services that Fallow needs from its environment, as a structure of functions. Part of
// fallow/c/fallow.h.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The functions of the environment. A function that creates an object copies the structure, so the structure
/// itself may be temporary; `context` and the functions must outlive the object. Only `now` is required.
/// Functions must not throw.
struct fallow_port {
  /// Passed to every function.
  void* context;

  /// Required. Returns monotonic time in nanoseconds since any fixed point. Any thread.
  uint64_t (*now)(void* context);

  /// Asks the environment to run the worker once `deadline` (nanoseconds of now()) has passed; the earliest
  /// of several requests counts. Any thread, also from inside a free. Must not block and must not call
  /// Fallow. Null: the program asks fallow_reporter_next_deadline() instead.
  void (*wake_at)(void* context, uint64_t deadline);

  /// Yields or pauses the processor; called repeatedly while this thread waits for another one. On a machine
  /// with one processor it lets the awaited side run. Null: the thread spins.
  void (*relax)(void* context);

  /// Identifies the calling thread, or the calling processor if the worker runs in an idle loop. Never 0.
  /// Null: the program has only one thread.
  uintptr_t (*current)(void* context);

  /// Returns `size` bytes for a registration, zero-filled and aligned for any type; null if no memory is
  /// left. Called by the thread that registers. Null: the memory of the reporter is used.
  void* (*allocate)(void* context, uint64_t size);
  /// Gives back memory that came from allocate(size), with the same size. Set together with `allocate`.
  void (*release)(void* context, void* memory, uint64_t size);
};

/// Called when an internal check of Fallow fails, with the broken condition and its place in the source. Must
/// not return. The program supplies the definition, unless it links the host library (fallow-host), which
/// prints the text and aborts.
#ifdef __cplusplus
[[noreturn]] void fallow_panic(const char* what, const char* file, int line) noexcept;
#else
void fallow_panic(const char* what, const char* file, int line) __attribute__((__noreturn__));
#endif

#ifdef __cplusplus
}
#endif
