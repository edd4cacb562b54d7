// Whether the tests run under a sanitizer that makes its own system calls and uses memory.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FALLOW_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FALLOW_SANITIZED 1
#endif
#endif

namespace fallow {

#ifdef FALLOW_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// Whether a runtime checks virtual calls and needs a pipe for the check: when no descriptors are left, it
// considers every object broken.
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
#define FALLOW_TYPES_CHECKED 1
#endif
#endif
#ifdef FALLOW_TYPES_CHECKED
inline constexpr bool kTypesChecked = true;
#else
inline constexpr bool kTypesChecked = false;
#endif

}  // namespace fallow
