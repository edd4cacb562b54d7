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

enum class [[nodiscard]] Verdict : std::uint8_t{
    Done,
    Refused,  // nothing changes; the front-end learns of the refusal if it asked for a reply
    Pending,  // the back-end is still working
    Broken,   // the refusal cannot be reported to the front-end
};

// Lives for one attempt at one message. Changes `next`, a copy of `now`, and fills `reply`.
class MessageHandler {
 public:
  MessageHandler(const Message& message, const Settings& now, Settings& next, Backend& backend, Reply& reply,
                 ErrorText& error_text) noexcept
      : message_(message),
        now_(now),
        next_(next),
        backend_(backend),
        reply_(reply),
        error_text_(error_text) {}

  Verdict run() noexcept;

  // After a refusal: resets `next` to `now`, except for the rings that were stopped before the refusal.
  void keep_stops() noexcept;

 private:
  // The handlers are in handle_*.cc, by subject.
  Verdict act() noexcept;
  Verdict get_features() noexcept;
  Verdict set_features() noexcept;
  Verdict set_protocol_features() noexcept;
  Verdict get_queue_num() noexcept;
  Verdict set_status() noexcept;
  Verdict reset_device() noexcept;
  Verdict set_backend_req_fd() noexcept;

  Verdict set_mem_table() noexcept;
  Verdict add_mem_reg() noexcept;
  Verdict rem_mem_reg() noexcept;
  Verdict check_region(std::uint32_t which) noexcept;

  Verdict set_vring_num() noexcept;
  Verdict set_vring_addr() noexcept;
  Verdict check_addresses(const VringAddr& addr) noexcept;
  Verdict check_area(std::uint32_t queue, const char* what, std::uint64_t address, std::uint64_t size,
                     std::uint64_t alignment) noexcept;
  Verdict set_vring_base() noexcept;
  Verdict get_vring_base() noexcept;
  Verdict set_vring_enable() noexcept;
  Verdict set_vring_descriptor(int Vring::*which) noexcept;
  Verdict check_index(std::uint64_t index) noexcept;
  Verdict start(std::uint32_t vring) noexcept;
  Verdict start_if_complete(std::uint32_t vring) noexcept;
  Verdict stop(std::uint32_t vring, RingEnd why) noexcept;
  Verdict begin_anew() noexcept;
  // The driver of the ring is gone: the ring must not start again with that driver's settings.
  static void forget(Vring& ring) noexcept;

  Verdict get_config() noexcept;
  Verdict set_config() noexcept;
  Verdict get_inflight_fd() noexcept;
  Verdict set_inflight_fd() noexcept;

  std::uint64_t offered_protocol_features() const noexcept {
    return backend_.protocol_features() & kServedProtocolFeatures;
  }
  std::uint32_t max_queues() const noexcept;
  std::uint32_t max_slots() const noexcept;
  bool packed() const noexcept { return (next_.features & kFeatureRingPacked) != 0; }
  bool wants_acknowledgement() const noexcept;

  // Check what a descriptor of the message is before it is used in any other way: see DescriptorKind. `owner`
  // names its purpose, such as " of region 1".
  Verdict expect_kind(int fd, std::initializer_list<DescriptorKind> good, const char* wanted,
                      const char* owner) noexcept;
  Verdict expect_memory_file(int fd, const char* owner = "") noexcept;
  Verdict expect_notifier(int fd, const char* owner) noexcept;
  Verdict expect_stream(int fd) noexcept;

  Verdict reply_refusal(RefusalReply refusal) noexcept;
  Verdict answer(std::uint64_t value) noexcept;
  // The request's name is put in front of the sentence.
  [[gnu::format(printf, 2, 3)]] Verdict refuse(const char* format, ...) noexcept;
  Verdict verdict_of(Status status, const char* what) noexcept;

  Verdict verdict_of_certain(Status status) noexcept;

  const Message& message_;
  const Settings& now_;
  Settings& next_;
  Backend& backend_;
  Reply& reply_;
  ErrorText& error_text_;
  bool stopped_[kVhostMaxVrings] = {};
  bool forgotten_[kVhostMaxVrings] = {};
};

}  // namespace fallow::vhost
