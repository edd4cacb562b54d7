// User Mode Linux as a guest: a Linux that is an ordinary program.
#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "tests/e2e/guest_process.h"

namespace fallow {

enum class UmlKernel : std::uint8_t {
  Packaged,  // 6.1, of the package user-mode-linux
  Newer,     // 7.2, which tools/fetch-guests fetched
};

inline void PrintTo(UmlKernel kernel, std::ostream* out) {
  *out << (kernel == UmlKernel::Packaged ? "6.1" : "newer");
}

class UmlGuest : public GuestProcess {
 public:
  // The kernel, and busybox for its file system, are there.
  static bool available(UmlKernel kernel = UmlKernel::Packaged);

  // Boots with `memory` ("512M") and the balloon device behind `socket`; empty: without one. Returns when its
  // shell is there; null, and the test has failed, if that does not come.
  static std::unique_ptr<UmlGuest> boot(const std::string& socket, const std::string& memory = "512M",
                                        UmlKernel kernel = UmlKernel::Packaged);
  // The same without waiting, so that several can boot at once: booted() is next.
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
