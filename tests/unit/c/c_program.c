/* A program in C99 that uses every part of the C interface that needs no other file, and checks what it gets.
 * Returns 0, or prints the first line that is wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fallow/c/fallow.h"

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

enum { FRAMES = 16384, BASE = 0x1000 };

/* A device that answers later, once the program asks for it. */
struct later {
  struct fallow_page_reporting_dev_info info;
  uint32_t token[4];
  unsigned waiting;
  uint64_t frames;
};

static uint64_t now(void* context) { return *(uint64_t*)context += 1000; }

static fallow_status report(struct fallow_page_reporting_dev_info* prdev, const struct fallow_scatterlist* sg,
                            uint32_t nents, uint32_t token) {
  struct later* device = (struct later*)prdev;
  uint32_t entries = 0;
  CHECK(prdev->context == device && device->waiting < 4);
  for (; sg != NULL; sg = fallow_sg_next(sg), ++entries) {
    CHECK(sg->pfn >= BASE && sg->nr_pages >= 512 && sg->pfn + sg->nr_pages <= BASE + FRAMES);
    device->frames += sg->nr_pages;
  }
  CHECK(entries == nents && nents <= prdev->capacity);
  device->token[device->waiting++] = token;
  return FALLOW_PENDING;
}

static void* memory_for(uint64_t size) {
  void* memory = malloc(size);
  CHECK(size != 0 && memory != NULL);
  return memset(memory, 0x5a, size);
}

int main(void) {
  uint64_t time = 0, page[FRAMES], size;
  struct fallow_port port;
  struct fallow_zone_config config = {BASE, FRAMES, 2, 0};
  struct fallow_zone* zone;
  struct fallow_zone_stats stats;
  struct fallow_allocation got;
  struct fallow_cache* cache;
  struct fallow_reporter* reporter;
  struct fallow_reporter_config zones;
  struct later device;
  void *zone_memory, *reporter_memory;

  CHECK(fallow_c_abi_version() == FALLOW_C_ABI_VERSION);
  memset(&port, 0, sizeof port);
  port.context = &time;
  port.now = now;
  size = fallow_zone_size(&config);
  zone_memory = memory_for(size);
  CHECK(fallow_zone_create(&port, &config, zone_memory, size, &zone) == FALLOW_OK);
  cache = fallow_zone_cache(zone, 1);
  CHECK(cache != NULL && fallow_zone_cache(zone, 2) == NULL);
  CHECK(fallow_zone_reserve(zone, BASE, 100) == FALLOW_OK);

  CHECK(fallow_allocate_bulk(cache, 0, FALLOW_MOVABLE, page, FRAMES) == FRAMES - 100);
  got = fallow_allocate(cache, 0, FALLOW_MOVABLE);
  CHECK(got.status == FALLOW_NO_MEMORY && got.pfn == 0);
  CHECK(fallow_free_bulk(cache, 0, page, FRAMES - 100, NULL) == FRAMES - 100);
  got = fallow_allocate(cache, 9, FALLOW_UNMOVABLE);
  CHECK(got.status == FALLOW_OK && got.pfn % 512 == 0);
  CHECK(fallow_free(cache, got.pfn, 9) == FALLOW_OK);
  CHECK(fallow_cache_retire(cache) == FALLOW_OK);

  memset(&zones, 0, sizeof zones);
  zones.zones = &zone;
  zones.zone_count = 1;
  zones.capacity = 8;
  zones.in_flight = 4;
  size = fallow_reporter_size(&zones);
  reporter_memory = memory_for(size);
  CHECK(fallow_reporter_create(&port, &zones, reporter_memory, size, &reporter) == FALLOW_OK);
  CHECK(fallow_zone_destroy(zone) == FALLOW_BUSY);
  memset(&device, 0, sizeof device);
  device.info.report = report;
  device.info.capacity = 8;
  device.info.in_flight = 4;
  device.info.content_after = FALLOW_CONTENT_IS_ZERO;
  device.info.context = &device;
  CHECK(fallow_page_reporting_register(reporter, &device.info, "hwm:1") == FALLOW_OK);
  for (;;) {
    const uint64_t next = fallow_reporter_run(reporter);
    CHECK(fallow_reporter_next_deadline(reporter) == next);
    if (device.waiting == 0 && next == FALLOW_NEVER) break;
    while (device.waiting != 0)
      CHECK(fallow_page_reporting_complete(reporter, device.token[--device.waiting], FALLOW_OK) == FALLOW_OK);
  }
  CHECK(fallow_zone_get_stats(zone, &stats) == FALLOW_OK);
  CHECK(stats.reported == device.frames && stats.reported == FRAMES - 512 && stats.reserved == 100);
  CHECK(fallow_allocate(cache, 9, FALLOW_MOVABLE).content_known == 1);
  CHECK(fallow_zone_check(zone, NULL) == NULL);
  CHECK(strcmp(fallow_status_text(fallow_reporter_destroy(reporter)), "busy") == 0);
  CHECK(fallow_page_reporting_unregister(reporter, &device.info) == FALLOW_OK);
  CHECK(fallow_reporter_destroy(reporter) == FALLOW_OK);
  CHECK(fallow_zone_destroy(zone) == FALLOW_OK);
  free(reporter_memory);
  free(zone_memory);
  return 0;
}
