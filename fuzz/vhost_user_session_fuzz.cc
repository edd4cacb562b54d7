// Fuzzes a vhost-user session with any sequence of messages, most of them well formed. The device checks its
// input, and defers or refuses requests. The process may die in between.
//
// A message is: request, flags, number of descriptors, and the answer of the device; then one byte, or five,
// for each word of the payload.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "tests/support/vhost_device.h"
#include "tests/support/vhost_front_end.h"
#include "vhost_user/session/session.h"

namespace fallow {
namespace {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}
  bool empty() const { return at_ == end_; }
  std::uint8_t byte() { return empty() ? std::uint8_t{0} : *at_++; }
  std::uint32_t word() {
    static constexpr std::uint32_t kUsual[] = {
        0,      1,      2,   3,      4,      5,      8,      16,         64,      100,        256, 257,
        0x1000, 0x2000, 255, 0x3000, 0xffff, 0x8000, 0x4000, 0x40000000, 0x10000, 0x7fffffff, ~0U, 0x128};
    const std::uint8_t which = byte();
    if (which < 0xf0) return kUsual[which % std::size(kUsual)];
    std::uint32_t raw = 0;
    for (int i = 0; i < 4; ++i) raw = raw << 8 | byte();
    return raw;
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

class Machine {
 public:
  Machine() { vhost::begin_connection(*state_, front_.take_other()); }
  ~Machine() {
    device_->pending = 0;
    FALLOW_CHECK(session_->close() == Status::Ok);
  }

  // Returns false if the connection is broken.
  bool message(Input& input) {
    const std::uint32_t request = input.byte() % (vhost::kVhostRequests + 1);
    const std::uint8_t flags = input.byte(), fds = input.byte(), how = input.byte();
    const vhost::RequestRule* const rule = vhost::request_rule(request);
    const std::size_t natural = rule == nullptr || !rule->served ? 8 : rule->min_size;
    const std::size_t extra = (fds >> 4) == 0 ? 0 : std::size_t{fds} >> 4 << 3;
    Bytes payload;
    while (payload.size() < natural + extra) {
      const std::uint32_t word = input.word();
      append(payload, &word, sizeof word);
    }
    payload.resize(natural + extra);
    std::vector<int> descriptors;
    descriptors.reserve(3);
    for (int i = 0; i < (fds & 3); ++i) descriptors.push_back(dup(front_.socket()));

    device_->pending = how & 3;
    device_->answer = (how & 0x1c) == 0x1c ? Status::Failed : Status::Ok;
    front_.send(
        static_cast<vhost::Request>(request), payload, std::move(descriptors),
        (flags & 0x80) != 0 ? flags & 0x0fU : vhost::kVhostVersion | (flags & vhost::kVhostNeedReply));
    return step((how & 0x40) != 0, (how & 0x80) != 0);
  }

 private:
  bool step(bool die_pending, bool die_after) {
    vhost::SessionOutcome outcome = session_->step();
    while (outcome == vhost::SessionOutcome::Pending) {
      FALLOW_CHECK(front_.reply() == std::nullopt);
      if (die_pending) die();
      die_pending = false;
      outcome = session_->step();
    }
    FALLOW_CHECK(outcome != vhost::SessionOutcome::Idle && outcome != vhost::SessionOutcome::HungUp);
    if (outcome == vhost::SessionOutcome::Broken) {
      FALLOW_CHECK(!session_->error_text().empty());
      return false;
    }
    FALLOW_CHECK((outcome == vhost::SessionOutcome::Refused) == !session_->error_text().empty());
    drain();
    check();
    if (die_after) die();
    return true;
  }

  // A new process that knows only the saved state.
  void die() {
    auto copy = std::make_unique<vhost::State>(*state_);
    std::memset(static_cast<void*>(state_.get()), 0xee, sizeof *state_);
    state_ = std::move(copy);
    device_ = std::make_unique<VhostDevice>();
    session_ = std::make_unique<vhost::Session>(*state_, *device_);
    FALLOW_CHECK(session_->resume() == Status::Ok);
    check();
  }

  // The state matches what the device was told.
  void check() {
    device_->check_descriptors();
    const vhost::Settings& now = session_->settings();
    FALLOW_CHECK(device_->memory.size() == now.region_count);
    for (std::uint32_t i = 0; i < vhost::kVhostMaxVrings; ++i) {
      const auto& ring = device_->rings[i];
      FALLOW_CHECK(ring.started == now.vrings[i].started);
      if (!ring.started) continue;
      FALLOW_CHECK(ring.enabled == now.enabled(i) && ring.kick == now.vrings[i].kick);
      FALLOW_CHECK(ring.call == now.vrings[i].call && ring.err == now.vrings[i].err);
    }
    vhost::for_each_descriptor(*state_, [](int fd) { FALLOW_CHECK(fd == -1 || fcntl(fd, F_GETFD) >= 0); });
  }

  void drain() {
    while (const auto reply = front_.reply()) {
      FALLOW_CHECK(reply->header.flags == 5);
      if (reply->fd >= 0) close(reply->fd);
    }
  }

  VhostFrontEnd front_;
  std::unique_ptr<vhost::State> state_ = std::make_unique<vhost::State>();
  std::unique_ptr<VhostDevice> device_ = std::make_unique<VhostDevice>();
  std::unique_ptr<vhost::Session> session_ = std::make_unique<vhost::Session>(*state_, *device_);
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int probe = dup(0);
  {
    Input input(data, size);
    Machine machine;
    while (!input.empty() && machine.message(input)) {
    }
  }
  close(probe);
  const int again = dup(0);
  FALLOW_CHECK(again == probe);  // no descriptor was leaked
  close(again);
  return 0;
}

}  // namespace fallow
