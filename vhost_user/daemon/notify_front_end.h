// Notifications through a front-end's descriptors.
#pragma once

namespace fallow::vhost {

// Adds one to an eventfd.
void add_one(int event_fd) noexcept;

// Notifies through a front-end's descriptor: an eventfd or a pipe, or a stream socket, which takes the same
// eight bytes. A full descriptor is skipped. The front-end may still fill it between the poll and the write,
// and then the write blocks: O_NONBLOCK is a property that the front-end can change too. kInterruptSignal
// ends such a write.
void notify_front_end(int fd) noexcept;

// The signal that interrupts a blocked write and has no other effect, after handle_interrupt_signal().
extern const int kInterruptSignal;
// Returns false if the handler could not be installed.
bool handle_interrupt_signal() noexcept;

}  // namespace fallow::vhost
