// cc -std=c99 pool.c -o pool $(pkg-config --cflags --libs fallow-core)
#include <stdio.h>
#include <stdlib.h>

#include "fallow/c/fallow.h"

static uint64_t now(void* time) { return *(uint64_t*)time += 1000; }  // any clock, in nanoseconds

void fallow_panic(const char* what, const char* file, int line) {
  exit(fprintf(stderr, "%s:%d: %s\n", file, line, what));
}

static fallow_status print_batch(struct fallow_page_reporting_dev_info* prdev,
                                 const struct fallow_scatterlist* sg, uint32_t nents, uint32_t token) {
  (void)prdev, (void)token;
  printf("a batch of %u:", (unsigned)nents);
  for (; sg != NULL; sg = fallow_sg_next(sg))
    printf(" [%#lx +%lu%s]", (unsigned long)sg->pfn, (unsigned long)sg->nr_pages, sg->end ? ", end" : "");
  return puts("") < 0 ? FALLOW_FAILED : FALLOW_OK;
}

int main(void) {  // a pool of 64 MiB is used up, then every second MiB is freed
  static uint64_t tables[1024], lists[1024], page[16384];  // fallow_zone_size(&pool) says how much is needed
  uint64_t time = 0;
  const struct fallow_port port = {.context = &time, .now = now};
  const struct fallow_zone_config pool = {.base = 0x1000, .frames = 16384};
  struct fallow_zone* zone;
  if (fallow_zone_create(&port, &pool, tables, sizeof tables, &zone) != FALLOW_OK) return 1;
  struct fallow_cache* cache = fallow_zone_cache(zone, 0);
  for (size_t i = fallow_allocate_bulk(cache, 0, FALLOW_MOVABLE, page, 16384); i-- > 0;)
    if (page[i] / 256 % 2 == 0 && fallow_free(cache, page[i], 0) != FALLOW_OK) return 1;
  fallow_cache_drain(cache);
  struct fallow_page_reporting_dev_info device = {print_batch, .capacity = 8, .order = 8};
  const struct fallow_reporter_config zones = {.zones = &zone, .zone_count = 1};
  struct fallow_reporter* reporter;
  if (fallow_reporter_create(&port, &zones, lists, sizeof lists, &reporter) != FALLOW_OK) return 1;
  if (fallow_page_reporting_register(reporter, &device, "hwm:1") != FALLOW_OK) return 1;
  while (fallow_reporter_run(reporter) != FALLOW_NEVER) continue;
  return fallow_page_reporting_unregister(reporter, &device) == FALLOW_OK ? 0 : 1;
}
