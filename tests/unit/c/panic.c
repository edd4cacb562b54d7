/* What a C program supplies besides memset() and its like when it links only the core, without a C++ library.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fallow/c/port.h"

void fallow_panic(const char* what, const char* file, int line) {
  fprintf(stderr, "%s:%d: %s\n", file, line, what);
  abort();
}

/* The target of a call of a pure virtual function, of which there is none. */
void __cxa_pure_virtual(void);
void __cxa_pure_virtual(void) { fallow_panic("a pure virtual function was called", __FILE__, __LINE__); }
