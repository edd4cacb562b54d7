# FALLOW_SANITIZE and FALLOW_FUZZ instrument every target, including the libraries: a sanitizer observes only
# code that was compiled with it.
if(FALLOW_SANITIZE)
  add_compile_options(-fsanitize=${FALLOW_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FALLOW_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # -Wtsan: ThreadSanitizer does not model fences. -Wmaybe-uninitialized: instrumented code misleads g++ 12.
    add_compile_options(-Wno-tsan -Wno-maybe-uninitialized)
  endif()
endif()
if(FALLOW_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "FALLOW_FUZZ needs clang, for libFuzzer; this compiler is ${CMAKE_CXX_COMPILER_ID}. "
                        "The preset `fuzz` chooses it.")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
