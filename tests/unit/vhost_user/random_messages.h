// A front-end whose messages have valid headers and arbitrary payloads, descriptors and order. Half of these
// front-ends begin like a well-behaved guest.
#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <random>

#include "tests/support/vhost_server.h"
#include "vhost_user/protocol/request_table.h"

namespace fallow::vhost {

class RandomMessages {
 public:
  RandomMessages(VhostServerBox& box, std::uint32_t seed)
      : box_(box), random_(seed), guest_(box.path, {.features = features_of(seed), .queue_size = 16}) {}

  // Returns an empty string, or what went wrong.
  std::string run(unsigned messages) {
    if (one_of(2) == 0 && !guest_.bind()) return "a good guest was not served: " + box_.events.all();
    for (unsigned i = 0; i < messages && !guest_.hung_up(0); ++i) {
      send();
      if (one_of(3) == 0) disturb();
      if (one_of(16) == 0) static_cast<void>(box_.ask([](Server& s) { return s.request_statistics(0); }));
      if (one_of(40) == 0) {
        made_ += "the worker dies\n";
        box_.die();
        box_.start();
      }
      take_replies(one_of(4) == 0 ? 1 : 0);
    }
    take_replies(1);
    return {};
  }
  const std::string& made() const { return made_; }

 private:
  static Features features_of(std::uint32_t seed) {
    const Features features = VhostGuestOptions{}.features;
    return seed % 3 == 0 ? features | kFeatureRingPacked : features;
  }
  std::uint32_t one_of(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }

  // Numbers that are meaningful, or nearly so.
  std::uint64_t number() {
    const std::uint64_t near[] = {0,
                                  1,
                                  2,
                                  3,
                                  4,
                                  5,
                                  16,
                                  64,
                                  255,
                                  256,
                                  1024,
                                  4096,
                                  0x8000,
                                  0xffff,
                                  0x10000,
                                  VhostGuest::kBase,
                                  VhostGuest::kBase + VhostGuest::kLists,
                                  VhostGuest::kUser,
                                  VhostGuest::kUser + VhostGuest::kRingRoom * one_of(5),
                                  VhostGuest::kInFile,
                                  guest_.options.memory,
                                  guest_.accepted,
                                  guest_.accepted & ~kVhostFProtocolFeatures,
                                  kServedProtocolFeatures,
                                  std::uint64_t{1} << 40,
                                  ~std::uint64_t{0},
                                  random_()};
    const std::uint64_t value = near[one_of(std::size(near))];
    return one_of(8) == 0 ? value + one_of(3) - 1 : value;
  }

  int descriptor() {
    int ends[2] = {-1, -1};
    switch (one_of(14)) {
      case 0:
        return epoll_create1(EPOLL_CLOEXEC);
      case 1:
        return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      case 2:
        return open("/dev/null", O_RDWR | O_CLOEXEC);
      case 3:
        return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      case 4:
        return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
      case 5:
      case 6:
        FALLOW_CHECK(one_of(2) == 0 ? pipe2(ends, O_CLOEXEC) == 0
                                    : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        close(ends[0]);
        return ends[1];
      case 7: {
        const int file = VhostFrontEnd::memory();
        FALLOW_CHECK(ftruncate(file, static_cast<off_t>(number() & 0xff'ffff'ffff)) == 0);
        return file;
      }
      case 8:
      case 9:
      case 10:
        return dup(guest_.file());
      default:
        return VhostFrontEnd::event();
    }
  }

  void send() {
    constexpr Request kOften[] = {
        Request::SetFeatures,   Request::SetMemTable,   Request::AddMemReg,       Request::RemMemReg,
        Request::SetVringNum,   Request::SetVringAddr,  Request::SetVringBase,    Request::GetVringBase,
        Request::SetVringKick,  Request::SetVringCall,  Request::SetVringErr,     Request::SetVringEnable,
        Request::SetInflightFd, Request::GetInflightFd, Request::SetStatus,       Request::SetConfig,
        Request::GetConfig,     Request::ResetDevice,   Request::SetBackendReqFd, Request::GetFeatures};
    std::uint32_t request = static_cast<std::uint32_t>(kOften[one_of(std::size(kOften))]);
    if (one_of(12) == 0) request = one_of(kVhostRequests + 2);
    const RequestRule* const rule = request_rule(request);
    std::uint32_t size = rule == nullptr ? one_of(64) : rule->min_size;
    std::uint32_t fds = rule == nullptr ? 0 : rule->min_fds + one_of(2u + rule->max_fds - rule->min_fds) / 2;
    if (request == static_cast<std::uint32_t>(Request::SetMemTable)) {
      const std::uint32_t regions = one_of(4);
      size += regions * static_cast<std::uint32_t>(sizeof(Region));
      if (one_of(4) != 0) fds = regions;
    } else if (rule != nullptr && rule->max_size > rule->min_size) {
      size += one_of(std::min(rule->max_size - rule->min_size + 1U, 40U));
    }
    if (rule != nullptr && one_of(16) != 0) fds = std::min<std::uint32_t>(fds, rule->max_fds);
    fds = std::min(fds, 8U);
    Bytes payload = content(request, size);
    std::vector<int> sent;
    for (std::uint32_t i = 0; i < fds; ++i) sent.push_back(descriptor());
    made_ += std::to_string(request) + " " + std::to_string(size) + " bytes, " + std::to_string(fds) +
             " descriptors:";
    for (const std::byte b : payload) made_ += " " + std::to_string(static_cast<unsigned>(b));
    made_ += "\n";
    static_cast<void>(guest_.front.send_bytes(
        VhostFrontEnd::message(request, payload, one_of(2) == 0 ? kVhostVersion : VhostGuest::kAck),
        std::move(sent)));
  }
  Bytes content(std::uint32_t request, std::uint32_t size) {
    Bytes payload;
    while (payload.size() < size) {
      // Puts words where the messages have words.
      const bool small = request != static_cast<std::uint32_t>(Request::SetMemTable) && one_of(2) == 0;
      const std::uint64_t value = number();
      append(payload, &value, small ? 4 : 8);
    }
    payload.resize(size);
    const auto set = [&](std::size_t at, auto value) {
      if (at + sizeof value <= payload.size() && one_of(8) != 0)
        std::memcpy(&payload[at], &value, sizeof value);
    };
    switch (static_cast<Request>(request)) {
      case Request::SetMemTable:
        set(0, std::uint64_t{(size - sizeof(MemTable)) / sizeof(Region)});
        set(8, guest_.region());
        break;
      case Request::SetVringNum:
      case Request::SetVringBase:
      case Request::GetVringBase:
      case Request::SetVringEnable:
      case Request::SetVringAddr:
        set(0, one_of(5));
        break;
      case Request::SetVringKick:
      case Request::SetVringCall:
      case Request::SetVringErr:
        set(0, std::uint64_t{one_of(5)} | std::uint64_t{one_of(6) == 0 ? 0x100U : 0U});
        break;
      case Request::SetConfig:
      case Request::GetConfig:
        set(4, size - static_cast<std::uint32_t>(sizeof(ConfigHead)));
        break;
      default:
        break;
    }
    return payload;
  }

  // Overwrites its rings and other memory, and sends kicks.
  void disturb() {
    for (std::uint32_t i = 0; i < 8; ++i) {
      const std::uint64_t at = one_of(5) * VhostGuest::kRingRoom + one_of(0x400);
      guest_.memory()[at] = static_cast<std::byte>(one_of(3) == 0 ? random_() : one_of(4));
    }
    for (const VhostGuest::Ring& ring : guest_.rings) {
      const std::uint64_t one = 1;
      if (ring.kick >= 0) static_cast<void>(!write(ring.kick, &one, sizeof one));
    }
  }
  void take_replies(int wait_ms) {
    for (int i = 0; i < 64; ++i) {
      pollfd readable{guest_.front.socket(), POLLIN, 0};
      if (poll(&readable, 1, wait_ms) != 1) return;
      const auto reply = guest_.front.reply();
      if (!reply) return;
      if (reply->fd >= 0) close(reply->fd);
    }
  }

  VhostServerBox& box_;
  std::mt19937 random_;
  VhostGuest guest_;
  std::string made_;
};

}  // namespace fallow::vhost
