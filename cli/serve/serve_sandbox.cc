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

// Calls that are allowed with any arguments. For a guest's worker:
constexpr int kGuestCalls[] = {
    // Punching holes in the memory files of guests; mincore() counts resident pages.
    SCMP_SYS(fallocate),
    SCMP_SYS(mincore),
    // Messages with descriptors on the front-end's socket.
    SCMP_SYS(recvmmsg),
    SCMP_SYS(sendmmsg),
    // Kicks of rings, and events between threads.
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    // Closing descriptors of a dead worker; the size and page size of memory files; the inflight tracking
    // area.
    SCMP_SYS(close_range),
    SCMP_SYS(dup),
    SCMP_SYS(fstat),
    SCMP_SYS(fstatfs),
    SCMP_SYS(lseek),
    SCMP_SYS(memfd_create),
    SCMP_SYS(ftruncate),
};

// For the control process, which accepts clients.
constexpr int kControlCalls[] = {
    SCMP_SYS(accept4), SCMP_SYS(pread64), SCMP_SYS(recvfrom), SCMP_SYS(geteuid), SCMP_SYS(pause),
};

// For both.
constexpr int kCommonCalls[] = {
    // Kicks and calls of rings, events, log lines; clients and the log are polled.
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(eventfd2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(getsockopt),
    SCMP_SYS(close),
    // Memory of the guest and of the process. Executable mappings are excluded, see allow_memory().
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    // Threads: the calls of the C library that start, run and end them.
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
    // Signals: SIGTERM, and SIGBUS for memory files that were truncated.
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    // Time, where the vDSO does not provide it.
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(nanosleep),
};

using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;

bool allow(const Filter& filter, std::span<const int> calls) {
  for (const int call : calls) {
    // EEXIST and EDOM: on this processor the call is an alias or does not exist.
    const int result = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
    if (result != 0 && result != -EEXIST && result != -EDOM) return false;
  }
  return true;
}

// Conditions on an argument: on some bits, or on the lower half, which holds an int.
scmp_arg_cmp bits(unsigned argument, scmp_datum_t mask, scmp_datum_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}
scmp_arg_cmp equal(unsigned argument, int value) {
  constexpr scmp_datum_t kLowerHalf = 0xffffffff;
  return bits(argument, kLowerHalf, static_cast<std::uint32_t>(value));
}

// Allows a call with a condition on one of its arguments.
bool allow_if(const Filter& filter, int call, scmp_arg_cmp condition) {
  return seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call, 1, &condition) == 0;
}

// Allows sendto() only on a connected socket: an address could reach another peer, and MSG_FASTOPEN connects
// implicitly.
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
  // Threads only, no processes. A filter cannot read the flags of clone3(); with ENOSYS the C library falls
  // back to clone().
  constexpr scmp_datum_t kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
  return allow_if(filter, SCMP_SYS(clone), bits(0, kThread, kThread)) &&
         seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
         allow_if(filter, SCMP_SYS(prctl), equal(0, PR_SET_NAME)) &&
         // For abort(), so that a failed check differs from a forbidden call.
         allow_if(filter, SCMP_SYS(tgkill), equal(0, getpid()));
}

bool allow_files(const Filter& filter) {
  for (const int command : {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_ADD_SEALS, F_GET_SEALS})
    if (!allow_if(filter, SCMP_SYS(fcntl), equal(1, command))) return false;
  // The C library implements fstat() as this call with an empty path; statx() likewise.
  return allow_if(filter, SCMP_SYS(newfstatat), bits(3, AT_EMPTY_PATH, AT_EMPTY_PATH)) &&
         allow_if(filter, SCMP_SYS(statx), bits(2, AT_EMPTY_PATH, AT_EMPTY_PATH));
}

std::string enter(std::span<const int> own_calls) {
  // Formatting times would repeatedly read the time zone file if TZ were unset.
  setenv("TZ", "UTC0", 1);
  tzset();
  // Shrinking the heap of a further arena would read a file in /proc.
  mallopt(M_ARENA_MAX, 1);
  const Filter filter(seccomp_init(SCMP_ACT_KILL_PROCESS), seccomp_release);
  if (filter == nullptr) return "cannot create the seccomp filter";
  // TSYNC applies the filter to all existing threads. libseccomp also sets no_new_privs.
  const bool made = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
                    allow(filter, own_calls) && allow(filter, kCommonCalls) && allow_sending(filter) &&
                    allow_memory(filter) && allow_threads(filter) && allow_files(filter);
  if (!made) return "cannot build the seccomp filter for this processor";
  const int result = seccomp_load(filter.get());
  if (result != 0) return fmt::format("the kernel rejected the seccomp filter: {}", std::strerror(-result));
  return {};
}

}  // namespace

std::string enter_guest_sandbox() { return enter(kGuestCalls); }
std::string enter_control_sandbox() { return enter(kControlCalls); }

}  // namespace fallow::cli
