// cc -std=c99 monitor.c -o monitor $(pkg-config --cflags --libs fallow-core)
//
// A toy monitor in C99: the memory of a guest, and a balloon device. A zone with a balloon driver stands in
// for the guest's kernel, in the same program and on the same thread.
#include <stdio.h>
#include <stdlib.h>

#include "fallow/c/fallow.h"

#define GUEST_FRAMES 16384u  // 64 MiB from guest address 0 on; the last frames hold
#define RING_FRAMES 64u      // what driver and device share, and the others are the zone's
#define ZONE_FRAMES (GUEST_FRAMES - RING_FRAMES)
#define CHECK(call) check((call), #call)

static struct fallow_balloon_driver* driver;
static uint64_t frames_released;

void fallow_panic(const char* what, const char* file, int line) {
  exit(fprintf(stderr, "%s:%d: %s\n", file, line, what));
}
static void check(fallow_status status, const char* call) {
  if (status != FALLOW_OK) exit(fprintf(stderr, "%s: %s\n", call, fallow_status_text(status)));
}

// ---- The host. ----

static fallow_status release(void* memory, uint64_t first, uint64_t count) {
  frames_released += count;  // a monitor calls madvise() here
  return memory != NULL && first + count <= ZONE_FRAMES ? FALLOW_OK : FALLOW_FAILED;
}
static void queue_used(void* host, uint32_t queue) {
  (void)host, CHECK(fallow_balloon_driver_queue_used(driver, queue));
}
static void config_changed(void* host) { (void)host, CHECK(fallow_balloon_driver_config_changed(driver)); }

// ---- The guest. ----

static uint64_t now(void* time) { return *(uint64_t*)time += 1000; }

static void run_guest(struct fallow_reporter* reporter, uint64_t* time) {
  for (int i = 0; i < 100; ++i, *time += 10000000) {  // one second
    fallow_reporter_run(reporter);
    fallow_balloon_driver_work(driver);
  }
}

int main(void) {
  static uint64_t ram[(GUEST_FRAMES + 1) * 512], memory[4][32768], time;  // enough; see fallow_..._size()
  char* const guest = (char*)ram + (4096 - (uintptr_t)ram % 4096);
  const struct fallow_port port = {.context = &time, .now = now};
  struct fallow_balloon_driver_config wants = {.shared = guest + ZONE_FRAMES * 4096,
                                               .shared_address = ZONE_FRAMES * 4096,
                                               .shared_size = RING_FRAMES * 4096};
  const struct fallow_backing backing = {
      .context = guest, .discard = release, .content_after = FALLOW_CONTENT_IS_ZERO};
  const struct fallow_mapped_region region = {0, GUEST_FRAMES * 4096, guest, &backing, 0};
  const struct fallow_balloon_device_config offers = {
      .regions = &region, .region_count = 1, .queue_used = queue_used, .config_changed = config_changed};
  struct fallow_balloon_device* device;
  CHECK(fallow_balloon_device_create(&offers, memory[0], sizeof memory[0], &device));
  CHECK(fallow_balloon_device_transport(device, &wants.transport));

  const struct fallow_zone_config pages = {.frames = ZONE_FRAMES, .caches = 2};
  CHECK(fallow_zone_create(&port, &pages, memory[1], sizeof memory[1], &wants.zone));
  const struct fallow_reporter_config zones = {.zones = &wants.zone, .zone_count = 1};
  CHECK(fallow_reporter_create(&port, &zones, memory[2], sizeof memory[2], &wants.reporter));
  wants.cache = fallow_zone_cache(wants.zone, 1);
  CHECK(fallow_balloon_driver_create(&wants, memory[3], sizeof memory[3], &driver));
  CHECK(fallow_balloon_driver_probe(driver));
  CHECK(fallow_balloon_device_set_target(device, 4096));
  run_guest(wants.reporter, &time);
  printf("the balloon holds %u MiB\n", (unsigned)(fallow_balloon_device_actual(device) / 256));
  CHECK(fallow_balloon_driver_register(driver, "aged:100ms", 0));
  run_guest(wants.reporter, &time);
  printf("the guest also reported what is free: %u MiB released\n", (unsigned)(frames_released / 256));
  CHECK(fallow_balloon_driver_unregister(driver));
  CHECK(fallow_balloon_driver_destroy(driver));
  return 0;
}
