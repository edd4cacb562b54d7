#include "apps/fallow/serve_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "apps/fallow/exit_status.h"
#include "apps/fallow/metrics_address.h"
#include "apps/fallow/output_file.h"
#include "apps/fallow/serve_sockets.h"
#include "apps/fallow/serve_supervisor.h"
#include "apps/fallow/serve_worker.h"

namespace fallow {
namespace {

void complain(const std::string& sentence) { write_all(STDERR_FILENO, "fallow serve: " + sentence + "\n"); }

// Where the log goes. A program that puts logs away renames the file and sends SIGHUP.
class LogFile {
 public:
  bool open(const std::optional<std::string>& path, std::string* error) {
    if (!path) return true;
    path_ = *path;
    file_ = open_file();
    if (file_ < 0) *error = fmt::format("--log {}: cannot write: {}", path_, std::strerror(errno));
    return file_ >= 0;
  }

  // The new file gets the old one's number, by which all processes write to it.
  static void reopen(void* context) noexcept {
    auto& log = *static_cast<LogFile*>(context);
    if (log.path_.empty()) return;
    const int file = log.open_file();
    if (file < 0) return;  // it stays with the old one
    dup3(file, log.file_, O_CLOEXEC);
    close(file);
  }

  int file() const { return file_; }

 private:
  int open_file() const {
    constexpr mode_t kMode = 0640;
    return ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, kMode);
  }

  std::string path_;
  int file_ = STDERR_FILENO;
};

// All that is opened before the first worker starts, and stays open.
class Door {
 public:
  // False: `error` says what is in the way.
  bool open(const ServeRequest& request, const std::vector<PassedSocket>& passed,
            const std::optional<UserIds>& user, std::string* error) {
    const auto owner =
        user ? std::optional<SocketOwner>({user->user, user->group}) : std::optional<SocketOwner>();
    for (const PassedSocket& socket : passed) {
      auto taken = ListeningSocket::take(socket.file, error);
      if (!taken) return false;
      (socket.name == kControlName ? control_ : guests_).push_back(std::move(*taken));
    }
    for (const std::string& path : request.sockets) {
      auto made = ListeningSocket::create(path, request.socket_mode, owner, error);
      if (!made) {
        *error = "--socket " + *error;
        return false;
      }
      guests_.push_back(std::move(*made));
    }
    if (request.metrics) {
      metrics_ = listen_for_metrics(*request.metrics, error);
      if (!metrics_) {
        *error = "--metrics " + *error;
        return false;
      }
    }
    if (!control_.empty() || !request.control) return true;
    auto made = ListeningSocket::create(*request.control, request.socket_mode, owner, error);
    if (made) {
      control_.push_back(std::move(*made));
    } else {
      *error = "--control " + *error;
    }
    return made.has_value();
  }

  void describe(WorkerPlan* plan) const {
    for (const ListeningSocket& socket : guests_) {
      plan->listeners.push_back(socket.file());
      plan->socket_paths.push_back(socket.path());
    }
    for (const ListeningSocket& socket : control_) plan->keep.push_back(socket.file());
    if (!control_.empty()) plan->control = control_.front().file();
    if (!metrics_) return;
    plan->keep.push_back(metrics_->get());
    plan->metrics = metrics_->get();
  }

  static constexpr const char* kControlName = "control";  // FileDescriptorName= of a socket unit

 private:
  std::vector<ListeningSocket> guests_, control_;
  std::optional<OwnedFile> metrics_;
};

// Zero-filled, and one and the same in the supervisor and all workers.
ServerRecords* shared_records() {
  void* const memory = mmap(nullptr, sizeof(ServerRecords), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<ServerRecords*>(memory);
}

// A guest has some 25 descriptors.
void allow_many_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int serve(const ServeRequest& request, const std::vector<PassedSocket>& passed) {
  std::string error;
  WorkerPlan plan;
  if (request.user) {
    plan.user = find_user(*request.user, &error);
    if (!plan.user) {
      complain("--user: " + error);
      return kExitFailed;
    }
  }
  LogFile log_file;
  Door door;
  if (!log_file.open(request.log, &error) || !door.open(request, passed, plan.user, &error)) {
    complain(error);
    return kExitFailed;
  }
  allow_many_descriptors();
  ServeLog log(log_file.file(), request.log_format, request.log_level);
  plan.request = &request;
  plan.log = &log;
  plan.records = shared_records();
  if (plan.records == nullptr) {
    complain("out of memory");
    return kExitFailed;
  }
  plan.keep.push_back(log_file.file());
  door.describe(&plan);
  for (const std::string& warning : request.warnings) log.write(LogLevel::Warning, "option", warning);
  for (const std::string& path : plan.socket_paths)
    log.write(LogLevel::Info, "listening", "guests may connect",
              {{"socket", path}, {"features", feature_names(request.guest.features)}});
  SupervisorOptions options;
  options.reopen = LogFile::reopen;
  options.context = &log_file;
  const int status = supervise({run_worker, &plan}, options, log);
  log.write(LogLevel::Info, "ended", "the daemon ends");
  return status;
}

std::vector<std::string> paths_of(const std::vector<PassedSocket>& passed) {
  std::vector<std::string> paths;
  for (const PassedSocket& socket : passed)
    if (socket.name != Door::kControlName) paths.push_back(path_of_socket(socket.file));
  return paths;
}

}  // namespace

int run_serve(const ServeWords& words) {
  std::string error;
  const auto passed = take_passed_sockets(&error);
  if (!passed) {
    complain(error);
    return kExitFailed;
  }
  const std::optional<ServeRequest> request = interpret(words, paths_of(*passed), &error);
  if (!request) {
    complain(error + "\nTry 'fallow serve --help'.");
    return kExitUsage;
  }
  return serve(*request, *passed);
}

}  // namespace fallow
