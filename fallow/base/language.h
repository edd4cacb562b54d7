// Ends the compilation with one message where the language is older than C++20. The front headers include
// this file first.
#pragma once

#if !defined(__cplusplus)
#error "This header of Fallow is C++20. A C program includes fallow/c/fallow.h instead."
#include "fallow/base/needs_cxx20.h"  // No such file: the compiler stops here, not after thirty more errors.
#elif __cplusplus < 202002L
#error "Fallow needs C++20: compile with -std=c++20. C and older C++ include fallow/c/fallow.h instead."
#include "fallow/base/needs_cxx20.h"  // No such file: the compiler stops here, not after thirty more errors.
#endif
