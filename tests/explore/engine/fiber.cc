#include "tests/explore/engine/fiber.h"

namespace fallow::explore {
namespace {

// The Fiber owns the stack, and reuses it.
struct KeepStack {
  void deallocate(boost::context::stack_context&) noexcept {}
};

}  // namespace

void Fiber::start(const std::function<void()>* body) {
  if (!stack_) stack_ = std::make_unique<std::byte[]>(kStackSize);
  let_go();
  boost::context::stack_context context;
  context.size = kStackSize;
  context.sp = stack_.get() + kStackSize;
  inside_ = boost::context::fiber(std::allocator_arg,
                                  boost::context::preallocated(context.sp, context.size, context),
                                  KeepStack{}, [this, body](boost::context::fiber&& outside) {
                                    outside_ = std::move(outside);
                                    (*body)();
                                    running_ = false;
                                    return std::move(outside_);
                                  });
  running_ = true;
}

// A boost fiber unwinds its stack when it is destroyed. An abandoned fiber must not unwind, so its handle
// leaks.
void Fiber::let_go() {
  if (running_) new boost::context::fiber(std::move(inside_));
  running_ = false;
}

bool Fiber::resume() {
  inside_ = std::move(inside_).resume();
  return running_;
}

void Fiber::suspend() { outside_ = std::move(outside_).resume(); }

}  // namespace fallow::explore
