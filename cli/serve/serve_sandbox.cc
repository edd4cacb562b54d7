#include "cli/serve/serve_sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <span>

namespace fallow::cli {
namespace {

// Whatever the arguments are. Of a guest's worker:
constexpr int kGuestCalls[] = {
    // What serving is: holes in the memory files of guests; mincore() counts what is resident.
    SCMP_SYS(fallocate),
    SCMP_SYS(mincore),
    // A front-end's messages, with descriptors, over the socket that it connected to.
    SCMP_SYS(recvmmsg),
    SCMP_SYS(sendmmsg),
    // Kicks of rings, bells between threads.
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    // Descriptors that a worker that died left; how far a file reaches, and in pages of what size; the area
    // for inflight tracking.
    SCMP_SYS(close_range),
    SCMP_SYS(dup),
    SCMP_SYS(fstat),
    SCMP_SYS(fstatfs),
    SCMP_SYS(lseek),
    SCMP_SYS(memfd_create),
    SCMP_SYS(ftruncate),
};

// Of the process behind the control socket and the metrics: clients come and go.
constexpr int kControlCalls[] = {
    SCMP_SYS(accept4),
    SCMP_SYS(recvfrom),
    SCMP_SYS(geteuid),
    SCMP_SYS(pause),
};

// Of both.
constexpr int kCommonCalls[] = {
    // Calls of rings, bells, lines of the log; clients and the log are polled.
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(eventfd2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(getsockopt),
    SCMP_SYS(close),
    // A guest's memory, and the process's own; mapping anything executable is not among them, see below.
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    // Threads: what the C library does to begin, run and end them.
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(getrandom),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    // Signals: the end (SIGTERM), and memory files that became shorter (SIGBUS).
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    // Time, where the vDSO does not know it.
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(nanosleep),
};

using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;

bool allow(const Filter& filter, std::span<const int> calls) {
  for (const int call : calls) {
    // EEXIST and EDOM: another name for a call, or none, on this processor.
    const int result = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
    if (result != 0 && result != -EEXIST && result != -EDOM) return false;
  }
  return true;
}

// Conditions on an argument: some of its bits, or its lower half, which is all that an int has.
scmp_arg_cmp bits(unsigned argument, scmp_datum_t mask, scmp_datum_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}
scmp_arg_cmp equal(unsigned argument, int value) {
  constexpr scmp_datum_t kLowerHalf = 0xffffffff;
  return bits(argument, kLowerHalf, static_cast<std::uint32_t>(value));
}

// A call with a condition on one of its arguments.
bool allow_if(const Filter& filter, int call, scmp_arg_cmp condition) {
  return seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call, 1, &condition) == 0;
}

// To whom a socket is connected already: an address would make a connection that is not one of ours, and
// MSG_FASTOPEN makes one on the way.
bool allow_sending(const Filter& filter) {
  const scmp_arg_cmp conditions[] = {bits(3, MSG_FASTOPEN, 0), {4, SCMP_CMP_EQ, 0, 0}};
  return seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(sendto), 2, conditions) == 0;
}

bool allow_memory(const Filter& filter) {
  // Never executable.
  const scmp_arg_cmp no_code = bits(2, PROT_EXEC, 0);
  return allow_if(filter, SCMP_SYS(mmap), no_code) && allow_if(filter, SCMP_SYS(mprotect), no_code);
}

bool allow_threads(const Filter& filter) {
  // Threads only, no processes. The flags of clone3() are out of a filter's sight; told that there is no such
  // call, the C library takes clone().
  constexpr scmp_datum_t kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
  return allow_if(filter, SCMP_SYS(clone), bits(0, kThread, kThread)) &&
         seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
         allow_if(filter, SCMP_SYS(prctl), equal(0, PR_SET_NAME)) &&
         // abort(), so that a failed check is told from a forbidden call.
         allow_if(filter, SCMP_SYS(tgkill), equal(0, getpid()));
}

bool allow_files(const Filter& filter) {
  for (const int command : {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_ADD_SEALS, F_GET_SEALS})
    if (!allow_if(filter, SCMP_SYS(fcntl), equal(1, command))) return false;
  // fstat() of the C library, which is this call with an empty path; what a descriptor is.
  return allow_if(filter, SCMP_SYS(newfstatat), bits(3, AT_EMPTY_PATH, AT_EMPTY_PATH)) &&
         allow_if(filter, SCMP_SYS(statx), bits(2, AT_EMPTY_PATH, AT_EMPTY_PATH));
}

std::string enter(std::span<const int> own_calls) {
  // What makes times into words would read the time zone's file, again and again unless there is a variable.
  setenv("TZ", "UTC0", 1);
  tzset();
  // A heap for each thread would be shrunk with a look at a file of /proc.
  mallopt(M_ARENA_MAX, 1);
  const Filter filter(seccomp_init(SCMP_ACT_KILL_PROCESS), seccomp_release);
  if (filter == nullptr) return "the seccomp filter cannot be made";
  // All threads there are already. Includes no_new_privs.
  const bool made = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
                    allow(filter, own_calls) && allow(filter, kCommonCalls) && allow_sending(filter) &&
                    allow_memory(filter) && allow_threads(filter) && allow_files(filter);
  if (!made) return "the seccomp filter cannot be made for this processor";
  const int result = seccomp_load(filter.get());
  if (result != 0) return fmt::format("the seccomp filter was not accepted: {}", std::strerror(-result));
  return {};
}

}  // namespace

std::string enter_guest_sandbox() { return enter(kGuestCalls); }
std::string enter_control_sandbox() { return enter(kControlCalls); }

}  // namespace fallow::cli
