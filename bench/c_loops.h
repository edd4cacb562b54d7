/* Loops of a C program over the C interface, compiled as C99. */
#pragma once

#include "fallow/c/zone.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Each returns 1 if every call was answered with FALLOW_OK, otherwise 0. */
int c_pairs(struct fallow_cache* cache, uint64_t rounds);
int c_take(struct fallow_cache* cache, uint64_t* pfns, uint64_t count);
int c_give(struct fallow_cache* cache, const uint64_t* pfns, uint64_t count);
int c_take_bulk(struct fallow_cache* cache, uint64_t* pfns, uint64_t count);
int c_give_bulk(struct fallow_cache* cache, const uint64_t* pfns, uint64_t count);

#ifdef __cplusplus
}
#endif
