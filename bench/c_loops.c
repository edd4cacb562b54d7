#include "bench/c_loops.h"

int c_pairs(struct fallow_cache* cache, uint64_t rounds) {
  for (uint64_t i = 0; i < rounds; ++i) {
    const struct fallow_allocation got = fallow_allocate(cache, 0, FALLOW_MOVABLE);
    if (got.status != FALLOW_OK || fallow_free(cache, got.pfn, 0) != FALLOW_OK) return 0;
  }
  return 1;
}

int c_take(struct fallow_cache* cache, uint64_t* pfns, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    const struct fallow_allocation got = fallow_allocate(cache, 0, FALLOW_MOVABLE);
    if (got.status != FALLOW_OK) return 0;
    pfns[i] = got.pfn;
  }
  return 1;
}

int c_give(struct fallow_cache* cache, const uint64_t* pfns, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    if (fallow_free(cache, pfns[i], 0) != FALLOW_OK) return 0;
  }
  return 1;
}

int c_take_bulk(struct fallow_cache* cache, uint64_t* pfns, uint64_t count) {
  return fallow_allocate_bulk(cache, 0, FALLOW_MOVABLE, pfns, count) == count;
}

int c_give_bulk(struct fallow_cache* cache, const uint64_t* pfns, uint64_t count) {
  return fallow_free_bulk(cache, 0, pfns, count, NULL) == count;
}
