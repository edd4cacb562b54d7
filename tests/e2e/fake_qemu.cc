// A fake QEMU for tests of `fallow boot`: a process that holds memory and writes the serial line to standard
// output, trace events to the file of -D, and errors to standard error. The variable FAKE_QEMU selects a
// failure.
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace {

constexpr std::size_t kMemory = std::size_t{64} << 20;
constexpr std::size_t kPieces = 16;

void say(const char* line) {
  std::printf("%s\r\n", line);
  std::fflush(stdout);
}

void wait(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

class Guest {
 public:
  Guest()
      : memory_(static_cast<std::byte*>(
            mmap(nullptr, kMemory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}

  void fill() { std::memset(memory_, 1, kMemory); }
  void free_piece(std::size_t i) {
    constexpr std::size_t kSize = kMemory / kPieces;
    madvise(memory_ + i * kSize, kSize, MADV_DONTNEED);
  }

 private:
  std::byte* memory_;
};

void boot() {
  say("SeaBIOS");
  say("fallow: "
      "{\"event\":\"boot\",\"loader\":\"pvh\",\"cpus\":1,\"memory_kib\":2096640,\"zones\":[{\"first_pfn\":"
      "256,"
      "\"frames\":3840}],\"workload\":\"fill\",\"policy\":\"aged:100ms\"}");
  say("fallow: "
      "{\"event\":\"device\",\"bus\":\"pci\",\"place\":\"00:03.0\",\"interrupts\":\"intx\",\"features\":"
      "\"0x130000025\",\"ring\":\"split\",\"event_idx\":true,\"indirect\":true,\"reporting\":true}");
  say("fallow: {\"event\":\"registered\"}");
  say("fallow: {\"event\":\"first_report\"}");
}

void fill_and_free() {
  Guest guest;
  say("fallow: {\"event\":\"filling\",\"mib\":64}");
  guest.fill();
  say("fallow: {\"event\":\"sample\",\"ms\":10,\"used_kib\":65536,\"free_kib\":1024,\"reported_kib\":512,"
      "\"requests\":1}");
  say("fallow: {\"event\":\"filled\",\"mib\":64}");
  wait(50);
  say("fallow: {\"event\":\"freeing\"}");
  wait(50);
  for (std::size_t i = 0; i < kPieces; ++i) {
    guest.free_piece(i);
    wait(10);
  }
  say("fallow: {\"event\":\"freed\"}");
}

void give_verdict(const char* verdict, int corrupted) {
  std::printf(
      "fallow: {\"event\":\"verdict\",\"verdict\":\"%s\",\"requests\":9,\"entries\":99,\"reported_mib\":64,"
      "\"failures\":0,\"corrupted_frames\":%d,\"failed_allocations\":0,\"refused\":0,\"rebinds\":0,"
      "\"zone_check\":\"ok\",\"allocations\":16384,\"frees\":16384}\r\n",
      verdict, corrupted);
  std::fflush(stdout);
}

[[noreturn]] void run_forever() {
  while (true) pause();
}

std::string option(int count, char** words, const char* name) {
  for (int i = 1; i + 1 < count; ++i)
    if (std::strcmp(words[i], name) == 0) return words[i + 1];
  return "";
}

void refuse(const std::string& log) {
  std::FILE* const file = std::fopen(log.c_str(), "a");
  if (file == nullptr) return;
  std::fputs("virtio_balloon_get_config num_pages: 0 actual: 0\n", file);
  for (int i = 0; i < 2; ++i) std::fputs("virtio_balloon_bad_addr 0xffff0000\n", file);
  std::fclose(file);
}

}  // namespace

int main(int count, char** words) {
  const char* const set = std::getenv("FAKE_QEMU");
  const std::string how = set != nullptr ? set : "well";
  if (how == "complains at once") {
    std::fputs("qemu-system-x86_64: -machine pc: no such thing\n", stderr);
    return 1;
  }
  if (how == "silent") run_forever();
  if (how == "words") {
    for (int i = 1; i < count; ++i) std::printf("%s\n", words[i]);
    std::fflush(stdout);
  }
  boot();
  if (how == "dies") {
    std::fputs("KVM internal error. Suberror: 1\n", stderr);
    raise(SIGKILL);
  }
  if (how == "panics") {
    say("fallow: {\"event\":\"panic\",\"what\":\"page fault\",\"rip\":\"0x101234\",\"address\":\"0x8\"}");
    say("rax 0000000000000000 rbx 0000000000000001");
    run_forever();
  }
  if (how == "hangs") run_forever();
  if (how == "nonsense") {
    say("fallow: {\"event\":\"sample\",\"used_kib\":\"many\"}");
    say("fallow: \x1b[31m\x80\xff not JSON");
    std::string huge(std::size_t{1} << 20, '[');
    say(("fallow: " + huge).c_str());
    say("fallow: {\"event\":\"of another time\",\"used_kib\":-1}");
  }
  fill_and_free();
  if (how == "refuses") refuse(option(count, words, "-D"));
  if (how == "warns") std::fputs("qemu-system-x86_64: warning: something\n", stderr);
  if (how == "corrupts")
    give_verdict("2 frames lost their content", 2);
  else
    give_verdict("ok", 0);
  run_forever();
}
