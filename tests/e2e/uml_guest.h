// A real Linux as a guest: User Mode Linux of Debian's package, with a shell on its console.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>

#include "tests/e2e/cli_process.h"

namespace fallow {

// What a command in the guest said.
struct GuestAnswer {
  int status = -1;  // -1: none came in time, or the guest is gone
  std::string out;
  bool ok() const { return status == 0; }
};

class UmlGuest {
 public:
  using Time = std::chrono::milliseconds;

  // The kernel and busybox are installed.
  static bool available();

  // Boots with `memory` ("512M") and the balloon device behind `socket`; empty: without one. Returns when its
  // shell is there; null, and the test has failed, if that does not come.
  static std::unique_ptr<UmlGuest> boot(const std::string& socket, const std::string& memory = "512M");
  // The same in two steps, so that several can boot at once. The guest dies with the thread that launched it.
  static std::unique_ptr<UmlGuest> launch(const std::string& socket, const std::string& memory);
  bool booted();
  // Kills it.
  ~UmlGuest();
  UmlGuest(const UmlGuest&) = delete;
  UmlGuest& operator=(const UmlGuest&) = delete;

  GuestAnswer run(const std::string& command, Time limit = std::chrono::seconds(30));
  // Sends a command without waiting for its end.
  void start(const std::string& command);
  // The end of the last command that was started.
  GuestAnswer finish(Time limit = std::chrono::seconds(30));
  // Loads the balloon driver, which reports runs of 2^`order` pages and larger.
  GuestAnswer load_balloon(unsigned order = 9) {
    return run("insmod /lib/virtio_balloon.ko && echo " + std::to_string(order) +
               " >/sys/module/page_reporting/parameters/page_reporting_order");
  }

  void kill();
  bool running();

  // Bytes of its memory file that are on the host.
  std::uint64_t resident_bytes() const;

  // All that came from its console.
  const std::string& console() const { return console_; }

 private:
  UmlGuest() = default;
  bool start_process(const std::string& socket, const std::string& memory);
  // Reads until `text` stands in the console from `from` on: where; npos if not in time.
  std::size_t wait_for(const std::string& text, std::size_t from, Time limit);

  ScratchFolder folder_;
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1;
  std::string console_;
  std::size_t read_to_ = 0;
};

}  // namespace fallow
