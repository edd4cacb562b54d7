// A kernel's skeleton in C99: a port, memory at boot, pages, and the idle loop (docs/porting.md).
// cc -std=c99 port_skeleton.c -o port_skeleton $(pkg-config --cflags --libs fallow-core)
#include "fallow/c/fallow.h"

// ---- The machine. A kernel has its own; these stand in for it, so that the skeleton runs as a program too.
// ----

#define CPUS 2
#define FRAMES 32768u                          // 128 MiB from address 0
#define IMAGE_FRAMES 1024u                     // of these, where the loader put the kernel
static unsigned char early_memory[256 << 10];  // set aside by the loader, filled with zeros
static uint64_t clock_reading, given_back;

static uint64_t read_clock(void) { return clock_reading += 1000; }
static uintptr_t cpu_number(void) { return 0; }
static void pause_cpu(void) {}
static void sleep_until(uint64_t deadline) {
  if (deadline != FALLOW_NEVER && deadline > clock_reading) clock_reading = deadline;
}
static void hypercall_release(uint64_t pfn, uint64_t frames) { given_back += pfn < FRAMES ? frames : 0; }

// ---- The port. ----

void fallow_panic(const char* what, const char* file, int line) {
  (void)what, (void)file, (void)line;  // to the serial line
  for (;;) pause_cpu();
}
static uint64_t port_now(void* context) { return (void)context, read_clock(); }
static void port_relax(void* context) { (void)context, pause_cpu(); }  // with one CPU: deliver interrupts
static uintptr_t port_current(void* context) { return (void)context, cpu_number() + 1; }

// ---- Memory at boot, and pages. ----
static struct fallow_zone* zone;
static struct fallow_reporter* reporter;

static fallow_status start_memory(const struct fallow_port* port) {
  const struct fallow_zone_config all = {0, FRAMES, CPUS, FALLOW_ZONE_MEMORY_IS_ZERO};
  const uint64_t size = fallow_zone_size(&all);
  if (size > sizeof early_memory) return FALLOW_NO_MEMORY;
  fallow_status status = fallow_zone_create(port, &all, early_memory, size, &zone);
  if (status == FALLOW_OK) status = fallow_zone_reserve(zone, 0, IMAGE_FRAMES);
  if (status != FALLOW_OK) return status;
  const struct fallow_reporter_config zones = {.zones = &zone, .zone_count = 1};
  return fallow_reporter_create(port, &zones, early_memory + size, sizeof early_memory - size, &reporter);
}

// Interrupts are off around these calls, unless no interrupt handler allocates.
static uint64_t alloc_pages(uint32_t order) {  // returns 0 if no block is free; frame 0 is the image's
  return fallow_allocate(fallow_zone_cache(zone, (uint32_t)cpu_number()), order, FALLOW_MOVABLE).pfn;
}
static fallow_status free_pages(uint64_t pfn, uint32_t order) {
  return fallow_free(fallow_zone_cache(zone, (uint32_t)cpu_number()), pfn, order);
}

// ---- The device that takes unused pages. With a virtio balloon, this is a fallow_balloon_driver. ----

static fallow_status report(struct fallow_page_reporting_dev_info* prdev, const struct fallow_scatterlist* sg,
                            uint32_t nents, uint32_t token) {
  (void)prdev, (void)nents, (void)token;
  for (; sg != NULL; sg = fallow_sg_next(sg)) hypercall_release(sg->pfn, sg->nr_pages);
  return FALLOW_OK;
}
static struct fallow_page_reporting_dev_info device = {.report = report, .capacity = 32};

static void idle_once(void) {
  (void)fallow_cache_drain(fallow_zone_cache(zone, (uint32_t)cpu_number()));
  if (fallow_reporter_next_deadline(reporter) <= read_clock()) (void)fallow_reporter_run(reporter);
  sleep_until(fallow_reporter_next_deadline(reporter));
}

int main(void) {
  const struct fallow_port port = {.now = port_now, .relax = port_relax, .current = port_current};
  if (start_memory(&port) != FALLOW_OK) return 1;
  const uint64_t block = alloc_pages(10);
  if (fallow_page_reporting_register(reporter, &device, "aged:100ms") != FALLOW_OK) return 2;
  if (block == 0 || free_pages(block, 10) != FALLOW_OK) return 3;
  for (int i = 0; i < 100; ++i) idle_once();
  return given_back == FRAMES - IMAGE_FRAMES ? 0 : 4;
}
