#include <fmt/format.h>

#include <string>

#include "cli/options/option_table.h"
#include "cli/serve/serve_command.h"
#include "fallow/balloon/features.h"

namespace fallow::cli {
namespace {

constexpr const char* kDescription =
    "Serve a virtio balloon over vhost-user and return the memory that guests free";

constexpr const char* kFooter =
    R"(Serves the memory balloon of virtual machines over vhost-user. A Linux guest reports
the memory that it does not use, and the daemon returns it to the host at once by
punching a hole in the file that backs the guest's memory. The daemon needs neither
privileges nor KVM.

Examples:
  fallow serve --socket /tmp/balloon.sock
      Wait for a virtual machine, for example User Mode Linux, which Debian packages:
        linux.uml mem=512M virtio_uml.device=/tmp/balloon.sock:5 ...
      Free memory returns to the host as soon as its driver virtio_balloon is loaded.
  fallow serve --socket a.sock --socket b.sock --log serve.log --log-format json
      Listen on two sockets and log JSON; each socket serves any number of guests.
  fallow serve --socket a.sock --target 1G
      Also inflate the balloon of each guest to 1 GiB.
  fallow serve --socket /run/fallow/a.sock --socket-mode 660 --user fallow
      Start as root and serve as another user; its group may connect.
  fallow serve --socket a.sock --metrics 127.0.0.1:9105
      Export metrics for Prometheus.
  fallow serve --config /etc/fallow/serve.toml
      Take the options from a file: socket = "/run/fallow/a.sock"

While the daemon runs, in another terminal:
  fallow top --control a.sock.ctl            show the guests live
  fallow ctl --control a.sock.ctl list       list the guests; --json for programs

Each guest has its own worker in a sandbox, and a supervisor that restarts the worker if
it dies, without any effect on the guest. A guest that crashes its workers repeatedly is
disconnected. docs/guests.md explains how to attach each kind of virtual machine.

Signals:
  SIGTERM, SIGINT  finish all requests of the guests, then exit; the guests keep running
  SIGHUP           reopen the log file, and read the file of --config again: limits, log
                   level, and for guests that connect from then on the device's options

Exit status:
  0    ended by a signal
  1    failure, for example a socket in use or a file that cannot be written
  2    invalid command line)";

void add_socket_options(CLI::App* serve, ServeWords* words) {
  const char* group = "Sockets";
  serve
      ->add_option("--socket", words->sockets,
                   "Socket to listen on for front-ends, the processes that run\n"
                   "guests. Repeatable. The service manager can pass sockets\n"
                   "instead (systemd: ListenStream=)")
      ->type_name("PATH")
      ->expected(1)
      ->take_all()
      ->group(group);
  add_options(serve, group,
              {
                  {"--socket-mode", &words->socket_mode, "MODE",
                   "Octal file mode of the sockets, such as 660, which sets who\n"
                   "may connect. Default: 600, only the user"},
              });
}

// One line for each feature, and the default.
std::string features_help() {
  std::string help = "Features to offer: default, all, none, or names from\n";
  const auto explain = [&](const char* name, const char* text) {
    help += fmt::format("{:<17}", name);
    for (; *text != 0; ++text) help += *text == '\n' ? fmt::format("\n{:17}", "") : std::string(1, *text);
    help += '\n';
  };
  for (const BalloonFeature& feature : kBalloonFeatures) explain(feature.name, feature.help);
  explain("indirect", "indirect descriptors");
  explain("event-index", "fewer notifications");
  // The default is wrapped where the names above end.
  constexpr std::size_t kWidth = 62;
  std::string line = "A leading - removes a name: --features=-stats. Default:";
  const auto list = [&](const std::string& word) {
    if (line.size() + 1 + word.size() > kWidth) {
      help += line + '\n';
      line = word;
    } else {
      line += ' ' + word;
    }
  };
  for (const BalloonFeature& feature : kBalloonFeatures) {
    if (feature.daemon) list(std::string(feature.name) + ',');
  }
  list("indirect,");
  list("event-index");
  return help + line;
}

void add_device_options(CLI::App* serve, ServeWords* words) {
  const char* group = "Balloon device";
  add_options(serve, group,
              {
                  {"--target", &words->target, "SIZE",
                   "Balloon size of a new guest, such as 512M. 'fallow ctl'\n"
                   "changes it for one guest. Default: 0"},
                  {"--features", &words->features, "LIST", features_help()},
              });
  serve->add_flag("--split", words->split, "Offer only split rings. This is the default")->group(group);
  serve
      ->add_flag("--packed", words->packed,
                 "Also offer packed rings. Not for User Mode Linux, which\n"
                 "sets them up incorrectly")
      ->group(group);
  add_options(serve, group,
              {
                  {"--queue-size", &words->queue_size, "N",
                   "Maximum number of descriptors in a ring, a power of two from\n1 to 1024; a front-end "
                   "with a larger "
                   "vq_size is refused.\nDefault: 1024"},
                  {"--stats-interval", &words->stats_interval, "TIME",
                   "Interval between requests for statistics, such as 1s; 0 for\nnone. Default: 5s"},
              });
}

void add_limit_options(CLI::App* serve, ServeWords* words) {
  const char* group = "Limits";
  add_options(serve, group,
              {
                  {"--max-guest-memory", &words->max_guest_memory, "SIZE",
                   "Maximum memory of a guest, such as 64G.\nDefault: the memory of the host"},
                  {"--guests-per-process", &words->guests_per_process, "N",
                   "Maximum connections of one front-end process. Default: 64"},
                  {"--guests-per-user", &words->guests_per_user, "N",
                   "Maximum connections of one user. Default: 192"},
                  {"--guests-per-socket", &words->guests_per_socket, "N",
                   "Maximum connections to one socket. Default: 256, or 128 with\nseveral sockets; the "
                   "daemon serves up "
                   "to "
                   "256 guests in all"},
              });
}

void add_monitoring_options(CLI::App* serve, ServeWords* words) {
  const char* group = "Control and monitoring";
  add_options(
      serve, group,
      {
          {"--control", &words->control, "PATH|none",
           "Socket for 'fallow ctl' and 'fallow top'.\nDefault: the path of the first --socket plus .ctl"},
          {"--control-mode", &words->control_mode, "MODE",
           "Octal file mode of the control socket, which sets who may\n"
           "read. Only root and the user may change anything.\n"
           "Default: 600"},
          {"--metrics", &words->metrics, "ADDRESS:PORT",
           "Export Prometheus metrics at http://ADDRESS:PORT/metrics"},
          {"--log", &words->log, "FILE", "Log file. Default: standard error"},
          {"--log-format", &words->log_format, "text|json",
           "Log format; json is one object per line. Default: text"},
          {"--log-level", &words->log_level, "LEVEL",
           "Lowest level to log: debug, info, warning or error.\nDefault: info"},
      });
}

void add_config_option(CLI::App* serve, ServeWords* words) {
  add_options(serve, "Configuration file",
              {
                  {"--config", &words->config, "FILE",
                   "TOML file of options, such as 'target = \"1G\"'. An option of\nthe command line takes "
                   "precedence over the file"},
              });
}

void add_privilege_options(CLI::App* serve, ServeWords* words) {
  const char* group = "Privileges";
  add_options(serve, group,
              {
                  {"--user", &words->user, "NAME", "User to serve as, who also owns the sockets; needs root"},
              });
  serve
      ->add_flag("--no-sandbox", words->no_sandbox,
                 "Disable the seccomp filter, which allows only the system\n"
                 "calls that serving needs; for debugging with tools that\n"
                 "need more")
      ->group(group);
}

}  // namespace

CLI::App* add_serve_command(CLI::App& app, ServeWords* words) {
  CLI::App* serve = app.add_subcommand("serve", kDescription);
  serve->footer(kFooter);
  add_socket_options(serve, words);
  add_device_options(serve, words);
  add_limit_options(serve, words);
  add_monitoring_options(serve, words);
  add_config_option(serve, words);
  add_privilege_options(serve, words);
  // Set again, so that the option is listed last.
  serve->set_help_flag();
  serve->set_help_flag("-h,--help", "Print this help")->group("Privileges");
  return serve;
}

}  // namespace fallow::cli
