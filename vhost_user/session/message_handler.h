// Applies one message to a copy of the settings.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "vhost_user/protocol/descriptor_kind.h"
#include "vhost_user/protocol/error_text.h"
#include "vhost_user/session/backend.h"
#include "vhost_user/session/message.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {

enum class [[nodiscard]] VhostVerdict : std::uint8_t{
    Done,
    Refused,  // nothing changes; the front-end learns of the refusal if it asked for a reply
    Pending,  // the back-end is still working
    Broken,   // the refusal cannot be reported to the front-end
};

// Lives for one attempt at one message. Changes `next`, a copy of `now`, and fills `reply`.
class MessageHandler {
 public:
  MessageHandler(const Message& message, const Settings& now, Settings& next, Backend& backend, Reply& reply,
                 ErrorText& complaint) noexcept
      : message_(message), now_(now), next_(next), backend_(backend), reply_(reply), complaint_(complaint) {}

  VhostVerdict run() noexcept;

  // After a refusal: resets `next` to `now`, except for the rings that were stopped before the refusal.
  void keep_stops() noexcept;

 private:
  // The handlers are in handle_*.cc, by subject.
  VhostVerdict act() noexcept;
  VhostVerdict get_features() noexcept;
  VhostVerdict set_features() noexcept;
  VhostVerdict set_protocol_features() noexcept;
  VhostVerdict get_queue_num() noexcept;
  VhostVerdict set_status() noexcept;
  VhostVerdict reset_device() noexcept;
  VhostVerdict set_backend_req_fd() noexcept;

  VhostVerdict set_mem_table() noexcept;
  VhostVerdict add_mem_reg() noexcept;
  VhostVerdict rem_mem_reg() noexcept;
  VhostVerdict check_region(std::uint32_t which) noexcept;

  VhostVerdict set_vring_num() noexcept;
  VhostVerdict set_vring_addr() noexcept;
  VhostVerdict check_addresses(const VringAddr& addr) noexcept;
  VhostVerdict check_area(const char* what, std::uint64_t address, std::uint64_t size,
                          std::uint64_t alignment) noexcept;
  VhostVerdict set_vring_base() noexcept;
  VhostVerdict get_vring_base() noexcept;
  VhostVerdict set_vring_enable() noexcept;
  VhostVerdict set_vring_descriptor(int Vring::*which) noexcept;
  VhostVerdict check_index(std::uint64_t index) noexcept;
  VhostVerdict start(std::uint32_t vring) noexcept;
  VhostVerdict start_if_complete(std::uint32_t vring) noexcept;
  VhostVerdict stop(std::uint32_t vring, RingEnd why) noexcept;
  VhostVerdict begin_anew() noexcept;
  // The driver of the ring is gone: the ring must not start again with that driver's settings.
  static void forget(Vring& ring) noexcept;

  VhostVerdict get_config() noexcept;
  VhostVerdict set_config() noexcept;
  VhostVerdict get_inflight_fd() noexcept;
  VhostVerdict set_inflight_fd() noexcept;

  std::uint64_t offered_protocol_features() const noexcept {
    return backend_.protocol_features() & kVhostServed;
  }
  std::uint32_t max_queues() const noexcept;
  std::uint32_t max_slots() const noexcept;
  bool packed() const noexcept { return (next_.features & kFeatureRingPacked) != 0; }
  bool wants_acknowledgement() const noexcept;

  // Check what a descriptor of the message is before it is used in any other way: see DescriptorKind. `owner`
  // names its purpose, such as " of region 1".
  VhostVerdict expect_kind(int fd, std::initializer_list<DescriptorKind> good, const char* wanted,
                           const char* owner) noexcept;
  VhostVerdict expect_memory_file(int fd, const char* owner = "") noexcept;
  VhostVerdict expect_notifier(int fd, const char* owner) noexcept;
  VhostVerdict expect_stream(int fd) noexcept;

  VhostVerdict reply_no(NotAllowed no) noexcept;
  VhostVerdict answer(std::uint64_t value) noexcept;
  // The request's name is put in front of the sentence.
  [[gnu::format(printf, 2, 3)]] VhostVerdict refuse(const char* format, ...) noexcept;
  VhostVerdict verdict_of(Status status, const char* what) noexcept;

  VhostVerdict verdict_of_certain(Status status) noexcept;

  const Message& message_;
  const Settings& now_;
  Settings& next_;
  Backend& backend_;
  Reply& reply_;
  ErrorText& complaint_;
  bool stopped_[kVhostMaxVrings] = {};
  bool forgotten_[kVhostMaxVrings] = {};
};

}  // namespace fallow::vhost
