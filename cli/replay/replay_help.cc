#include "cli/options/option_table.h"
#include "cli/replay/replay_command.h"

namespace fallow::cli {
namespace {

constexpr const char* kDescription =
    "Replay recorded page allocations, and measure how much memory is returned to the host";

constexpr const char* kFooter =
    R"(Replays the page allocations and frees of a real Linux machine on a zone with page
reporting, backed by real host memory. Shows how much memory was returned to the host,
at what cost, and what Linux's own page reporting would have achieved.

Examples:
  fallow replay data/workday.txt.zst
      the defaults: reports runs of 2 MiB or more that were free for 100 ms
  fallow replay --order 0 --verify trace.txt.zst
      reports single frames too, and checks that no byte in use is lost
  fallow replay --policy linux --backing none trace.txt
      models Linux's policy without touching memory, which is fast
  fallow replay --speed 1 --policy aged:1s --backing memfd trace.txt.gz
      in real time, on a memfd such as virtual machines use for their memory
  fallow replay --transport virtio-packed --verify --speed 4 trace.txt.zst
      through the driver and device of a virtio balloon, as in a virtual machine
  fallow replay --json - --csv series.csv trace.txt | jq .mean_resident_mib
      figures for a program, and a time series for a plot
  trace-cmd report trace.dat | fallow replay --memory 2G -
      a trace from a pipe

A trace is the text output of trace-cmd report, perf script or trace_pipe for the events
kmem:mm_page_alloc and kmem:mm_page_free. data/README.md describes how to record a trace;
docs/replay.md explains the results.

Exit status:
  0    the replay completed without errors
  1    failure: a file could not be read or written, the trace is damaged, a frame lost
       its content, or the zone is inconsistent; with --verify also a failed allocation
  2    invalid command line
  130  stopped by Ctrl-C; the summary covers the time until then)";

void add_policy_options(CLI::App* replay, ReplayWords* words) {
  const char* group = "Reporting policy";
  add_options(replay, group,
              {
                  {"--policy", &words->policy, "hwm[:N]|linux|aged[:TIME]",
                   "When to report free memory:\n"
                   "aged:TIME  report memory that has been free for TIME, from\n"
                   "           1ms to 24h\n"
                   "hwm:N      report as soon as a free area holds N\n"
                   "           unreported blocks; hwm without N takes --hwm\n"
                   "linux      report as Linux does: 2 s after a free, a few\n"
                   "           blocks at a time\n"
                   "Default: aged:100ms"},
                  {"--order", &words->order, "N",
                   "Smallest run to report: 2^N frames of 4 KiB, N from 0 to 10.\n"
                   "A lower order returns more memory in more requests.\n"
                   "Default: 9 (2 MiB)"},
                  {"--hwm", &words->hwm, "N", "High-water mark of --policy hwm, in blocks. Default: 32"},
                  {"--capacity", &words->capacity, "N",
                   "Maximum number of runs in a request, from 1 to 65536.\nDefault: 32"},
              });
}

void add_memory_options(CLI::App* replay, ReplayWords* words) {
  const char* group = "Memory";
  add_options(
      replay, group,
      {
          {"--backing", &words->backing, "none|anon|thp|memfd",
           "Memory that backs the zone:\n"
           "anon   anonymous memory, released with MADV_DONTNEED\n"
           "thp    the same with transparent huge pages of 2 MiB\n"
           "memfd  a shared memory file, released by punching holes\n"
           "none   no memory; resident memory is modelled\n"
           "Default: anon"},
          {"--memory", &words->memory, "SIZE",
           "Size of the zone, such as 512M, 2G or 1.5GiB.\nDefault: twice the trace's peak, rounded up"},
      });
  replay
      ->add_flag("--lazy-free", words->lazy_free,
                 "Release with MADV_FREE, which is cheaper; the host takes the\n"
                 "memory only under memory pressure (anon and thp only)")
      ->group(group);
  replay
      ->add_flag("--verify", words->verify,
                 "Write a stamp into every allocated frame, and check the stamp\n"
                 "when the frame is freed (not with --backing none)")
      ->group(group);
}

void add_time_options(CLI::App* replay, ReplayWords* words) {
  const char* group = "Time";
  add_options(replay, group,
              {
                  {"--speed", &words->speed, "max|N",
                   "Speed of the replay:\n"
                   "max  as fast as possible, on the trace's own clock: the same\n"
                   "     trace and options always give the same figures\n"
                   "N    in real time, N times faster than recorded\n"
                   "Default: max"},
                  {"--settle", &words->settle, "TIME",
                   "Time to continue after the last event, such as 500ms or 1m.\nDefault: 5s"},
              });
}

void add_wire_options(CLI::App* replay, ReplayWords* words) {
  const char* group = "Transport";
  add_options(replay, group,
              {
                  {"--transport", &words->transport, "direct|virtio-split|virtio-packed",
                   "Path of the reports to the host:\n"
                   "direct         call the host directly: reported memory is\n"
                   "               released at once\n"
                   "virtio-split   the driver and device of a virtio balloon on a\n"
                   "               split ring; with --speed N, a thread for each\n"
                   "virtio-packed  the same on a packed ring\n"
                   "Default: direct"},
                  {"--event-index", &words->event_index, "on|off",
                   "Whether driver and device state the buffer at which they want\n"
                   "the next notification, which saves notifications.\n"
                   "Default: on"},
                  {"--indirect", &words->indirect, "on|off",
                   "Whether a request uses an indirect descriptor table, and so\n"
                   "occupies a single ring entry. Default: on"},
                  {"--queue-size", &words->queue_size, "N",
                   "Ring entries, from 1 to 32768; a power of two for\n"
                   "virtio-split. Default: 256"},
                  {"--in-flight", &words->in_flight, "N", "Maximum number of requests in flight. Default: 1"},
              });
  replay
      ->add_flag("--init-reported", words->init_reported,
                 "Let the device state which memory it zeroed, so that the\n"
                 "guest need not zero it again (draft feature bit 6);\n"
                 "--verify checks the statement")
      ->group(group);
  add_options(replay, group,
              {
                  {"--disturb", &words->disturb, "TIME",
                   "Inject a fault every TIME of the trace, to show that nothing is\n"
                   "lost: in turn the device fails a request, is unregistered and\n"
                   "registered again, breaks, and is reset (direct: the first two)"},
              });
}

void add_output_options(CLI::App* replay, ReplayWords* words) {
  const char* group = "Input and output";
  add_options(replay, group,
              {
                  {"--json", &words->json, "FILE|-",
                   "Write the figures as JSON. With -, standard output contains\n"
                   "only JSON, and the summary goes to standard error"},
                  {"--csv", &words->csv, "FILE|-", "Write a time series with one row for each sample"},
                  {"--page-size", &words->page_size, "SIZE",
                   "Page size of the recorded machine, from 4K to 64K: the unit of\n"
                   "the orders and page frame numbers in the trace. The replay\n"
                   "always uses frames of 4 KiB. Default: 4K"},
              });
  replay
      ->add_flag("--skip-bad-lines", words->skip_bad_lines,
                 "Count damaged lines of the trace and continue, instead of\nfailing at the first")
      ->group(group);
  replay->add_flag("--no-compare", words->no_compare, "Do not model Linux's policy for comparison")
      ->group(group);
  replay->add_flag("-q,--quiet", words->quiet, "Print only errors: no progress, no summary")->group(group);
}

}  // namespace

CLI::App* add_replay_command(CLI::App& app, ReplayWords* words) {
  CLI::App* replay = app.add_subcommand("replay", kDescription);
  replay->footer(kFooter);
  replay
      ->add_option("TRACE", words->trace,
                   "The recorded trace: plain text, gzip or zstd; - reads standard\ninput")
      ->required()
      ->type_name("FILE|-")  // for completions; option_text() replaces it in --help
      ->option_text(" ");
  add_policy_options(replay, words);
  add_memory_options(replay, words);
  add_time_options(replay, words);
  add_wire_options(replay, words);
  add_output_options(replay, words);
  // Added again, so that --help comes last.
  replay->set_help_flag();
  replay->set_help_flag("-h,--help", "Print this help")->group("Input and output");
  return replay;
}

}  // namespace fallow::cli
