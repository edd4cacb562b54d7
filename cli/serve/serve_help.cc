#include <fmt/format.h>

#include <string>

#include "cli/serve/serve_command.h"
#include "fallow/balloon/features.h"

namespace fallow::cli {
namespace {

constexpr const char* kDescription =
    "Is the balloon device of virtual machines, and gives back what their guests free";

constexpr const char* kFooter =
    R"(Is the memory balloon of virtual machines, over vhost-user: a guest's Linux reports
the memory that it does not use, and the host has it back at once, by a hole in the
file that is the guest's memory. It runs without privileges and without KVM.

Examples:
  fallow serve --socket /tmp/balloon.sock
      waits for a virtual machine. User Mode Linux, which Debian packages, is one:
        linux.uml mem=512M virtio_uml.device=/tmp/balloon.sock:5 ...
      As soon as its driver virtio_balloon is loaded, free memory comes back
  fallow serve --socket a.sock --socket b.sock --log serve.log --log-format json
      several sockets, and a log for programs; each socket serves any number of guests
  fallow serve --socket a.sock --target 1G
      and each guest's balloon grows until it holds 1 GiB of the guest's memory
  fallow serve --socket /run/fallow/a.sock --socket-mode 660 --user fallow
      started by root, serves as somebody else; front-ends are the group's
  fallow serve --socket a.sock --metrics 127.0.0.1:9105
      figures for Prometheus

While it runs, in another terminal:
  fallow top --control a.sock.ctl            shows the guests
  fallow ctl --control a.sock.ctl list       the same as a table; with --json for programs

Each guest has a worker of its own, in a sandbox, and a supervisor that starts it again,
should it die; the guest does not notice. A guest whose workers die is disconnected. docs/guests.md tells how to attach which virtual machine.

Signals:
  SIGTERM, SIGINT  end: what guests have asked for is finished first, and guests live on
  SIGHUP           opens the log file anew

Exit status:
  0    it was ended by a signal
  1    it failed: somebody listens on a socket already, a file cannot be written
  2    the command line made no sense)";

CLI::Option* add(CLI::App* serve, const char* name, std::optional<std::string>* word, const char* type,
                 const char* description, const char* group) {
  return serve->add_option(name, *word, description)
      ->type_name(type)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->group(group);
}

void add_socket_options(CLI::App* serve, ServeWords* words) {
  const char* group = "Where guests come from";
  serve
      ->add_option("--socket", words->sockets,
                   "Listens here for front-ends: for the process that runs a\n"
                   "guest. May be there several times. The service manager can\n"
                   "pass sockets instead (systemd: ListenStream=)")
      ->type_name("PATH")
      ->expected(1)
      ->take_all()
      ->group(group);
  add(serve, "--socket-mode", &words->socket_mode, "MODE",
      "Who may connect, as an octal file mode such as 660.\n"
      "Default: 600, the user alone",
      group);
}

// One line for each feature, and the default.
std::string features_help() {
  std::string help = "What is offered to the driver: default, all, none or names of\n";
  const auto explain = [&](const char* name, const char* text) {
    help += fmt::format("{:<17}", name);
    for (; *text != 0; ++text) help += *text == '\n' ? fmt::format("\n{:17}", "") : std::string(1, *text);
    help += '\n';
  };
  for (const BalloonFeature& feature : kBalloonFeatures) explain(feature.name, feature.help);
  explain("indirect", "descriptors in a table of their own");
  explain("event-index", "fewer notifications");
  // The default is wrapped where the names above end.
  constexpr std::size_t kWidth = 62;
  std::string line = "A - leaves out: --features=-stats. Default:";
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
  const char* group = "The balloon that guests see";
  add(serve, "--target", &words->target, "SIZE",
      "What the balloon of a new guest takes from it, such as 512M.\n"
      "'fallow ctl' changes it for one guest. Default: 0",
      group);
  add(serve, "--features", &words->features, "LIST", features_help().c_str(), group);
  serve->add_flag("--split", words->split, "Split rings only. This is the default")->group(group);
  serve
      ->add_flag("--packed", words->packed,
                 "Packed rings too, for drivers that take them; not for User\n"
                 "Mode Linux, which sets them up wrongly")
      ->group(group);
  add(serve, "--queue-size", &words->queue_size, "N",
      "Most descriptors in a ring, a power of two from 1 to 1024; a\nfront-end's vq_size above it is "
      "refused. Default: 1024",
      group);
  add(serve, "--stats-interval", &words->stats_interval, "TIME",
      "How often guests are asked for statistics, such as 1s; 0:\nnever. Default: 5s", group);
}

void add_limit_options(CLI::App* serve, ServeWords* words) {
  const char* group = "Limits, so that no guest is in the way of others";
  add(serve, "--max-guest-memory", &words->max_guest_memory, "SIZE",
      "The largest memory that a guest may have, such as 64G.\nDefault: what the host has", group);
  add(serve, "--guests-per-process", &words->guests_per_process, "N",
      "Most connections of one front-end. Default: 64", group);
  add(serve, "--guests-per-user", &words->guests_per_user, "N",
      "Most connections of one user's front-ends. Default: 192", group);
  add(serve, "--guests-per-socket", &words->guests_per_socket, "N",
      "Most connections to one socket. Default: 256, or 128 where\nthere are several; there are 256 guests "
      "in all",
      group);
}

void add_seeing_options(CLI::App* serve, ServeWords* words) {
  const char* group = "Seeing and steering it";
  add(serve, "--control", &words->control, "PATH|none",
      "The socket for 'fallow ctl' and 'fallow top'.\nDefault: that of the first --socket, and .ctl", group);
  add(serve, "--control-mode", &words->control_mode, "MODE",
      "Who may look through it, as an octal file mode. Only root and\n"
      "the user may change anything. Default: 600",
      group);
  add(serve, "--metrics", &words->metrics, "ADDRESS:PORT",
      "Figures for Prometheus, at http://ADDRESS:PORT/metrics", group);
  add(serve, "--log", &words->log, "FILE", "The log goes there. Default: standard error", group);
  add(serve, "--log-format", &words->log_format, "text|json", "json: an object a line. Default: text", group);
  add(serve, "--log-level", &words->log_level, "LEVEL",
      "The least that is logged: debug, info, warning or error.\nDefault: info", group);
}

void add_safety_options(CLI::App* serve, ServeWords* words) {
  const char* group = "Rights";
  add(serve, "--user", &words->user, "NAME", "Serves as this user, who owns the sockets; for root", group);
  serve
      ->add_flag("--no-sandbox", words->no_sandbox,
                 "Without the filter that allows only the system calls that\n"
                 "serving needs; for looking at what happens with tools that\n"
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
  add_seeing_options(serve, words);
  add_safety_options(serve, words);
  // Named again, so that it comes last.
  serve->set_help_flag();
  serve->set_help_flag("-h,--help", "This text")->group("Rights");
  return serve;
}

}  // namespace fallow::cli
