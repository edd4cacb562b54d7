// The journals of a guest's rings: the record, and the in-flight area if the front-end gave one.
#pragma once

#include <memory>

#include "vhost_user/daemon/guest_journal.h"
#include "vhost_user/daemon/guest_record.h"
#include "vhost_user/daemon/inflight_area.h"

namespace fallow::vhost {

// Forwards each step of a ring to both. Called like GuestJournal.
class RingJournals final : public RingJournal {
 public:
  explicit RingJournals(GuestRecord& record) noexcept : record_(record), own_(record) {}

  GuestJournal& own() noexcept { return own_; }
  const GuestJournal& own() const noexcept { return own_; }

  InflightArea* area() const noexcept { return area_.get(); }  // null: none
  void set_area(std::unique_ptr<InflightArea> area) noexcept { area_ = std::move(area); }
  // From here on the area describes the ring at `at`.
  void track(std::uint16_t queue, const detail::QueueAddresses& at, bool packed) noexcept;
  // Removes the queue from the area: none of its chains is in flight any more.
  void forget(std::uint16_t queue) noexcept;

  // RingJournal.
  void taken(std::uint16_t queue, const Chain& chain, QueuePosition position) noexcept override;
  void kept(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept override;
  void returning(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept override;
  void returned(std::uint16_t queue, std::uint16_t id, QueuePosition position) noexcept override;

 private:
  GuestRecord& record_;
  GuestJournal own_;
  std::unique_ptr<InflightArea> area_;
};

}  // namespace fallow::vhost
