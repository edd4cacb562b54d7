// A thread of a scenario. It has its own stack, and runs until it suspends itself.
#pragma once

#include <boost/context/fiber.hpp>
#include <functional>
#include <memory>

namespace fallow::explore {

class Fiber {
 public:
  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber() { let_go(); }

  // Starts `body` on a fresh stack at the next resume(). A body that has not ended is abandoned where it is,
  // without unwinding: its frames are noexcept functions of the core, and own nothing.
  void start(const std::function<void()>* body);

  // Runs the body until it suspends or ends. Returns false once it has ended.
  bool resume();

  // Called inside the body: returns to resume().
  void suspend();

 private:
  void let_go();

  static constexpr std::size_t kStackSize = std::size_t{1} << 17;

  std::unique_ptr<std::byte[]> stack_;
  boost::context::fiber inside_, outside_;
  bool running_ = false;
};

}  // namespace fallow::explore
