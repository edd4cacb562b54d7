// Events of a guest for a log.
#pragma once

#include <cstdint>
#include <string>

namespace fallow::vhost {

// Called by the guest's thread or the daemon's thread.
class BalloonGuestEvents {
 public:
  enum class Kind : std::uint8_t {
    Poison,       // the poison value is unknown or not 0: reported pages cannot be released
    NotReleased,  // the host does not release memory; `why` names the cause and the remedy
    Queues,       // how the driver numbers its queues
    RingFault,    // the driver broke a rule of the ring; the queue stands still until the driver starts anew
    MemoryLost,   // the memory file became shorter than the memory
  };
  virtual void guest_event(std::uint64_t guest, Kind kind, const std::string& why) noexcept = 0;

 protected:
  ~BalloonGuestEvents() = default;
};

}  // namespace fallow::vhost
