// A User Mode Linux guest: a Linux kernel that runs as an ordinary program.
#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "tests/e2e/guest_process.h"

namespace fallow {

enum class UmlKernel : std::uint8_t {
  Packaged,  // 6.1, of the package user-mode-linux
  Newer,     // 7.2, fetched by tools/fetch-guests
};

inline void PrintTo(UmlKernel kernel, std::ostream* out) {
  *out << (kernel == UmlKernel::Packaged ? "6.1" : "newer");
}

class UmlGuest : public GuestProcess {
 public:
  // True if the kernel, and busybox for its file system, are installed.
  static bool available(UmlKernel kernel = UmlKernel::Packaged);

  // Boots with `memory` ("512M") and the balloon device at `socket`, or without one if it is empty. Waits for
  // the shell. On a timeout fails the test and returns null.
  static std::unique_ptr<UmlGuest> boot(const std::string& socket, const std::string& memory = "512M",
                                        UmlKernel kernel = UmlKernel::Packaged);
  // Like boot(), without waiting, so that several guests can boot at once. Call booted() next.
  static std::unique_ptr<UmlGuest> launch(const std::string& socket, const std::string& memory,
                                          UmlKernel kernel = UmlKernel::Packaged);

  // Loads the balloon driver, which reports runs of 2^`order` pages and larger.
  GuestAnswer load_balloon(unsigned order = 9) {
    return run("insmod /lib/virtio_balloon.ko && echo " + std::to_string(order) +
               " >/sys/module/page_reporting/parameters/page_reporting_order");
  }

 private:
  UmlGuest() = default;
};

}  // namespace fallow
