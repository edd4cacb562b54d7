#include "cli/replay/replay_command.h"

namespace fallow::cli {
namespace {

constexpr const char* kDescription =
    "Replays recorded page allocations and frees, and tells what was given back";

constexpr const char* kFooter =
    R"(Replays the page allocations and frees that a real Linux machine recorded, on a
zone with page reporting over real host memory, and tells what was given back to
the host, what that cost, and what Linux's own page reporting would have done.

Examples:
  fallow replay data/workday.txt.zst
      with the defaults: what is free for 100 ms goes back, 2 MiB and larger
  fallow replay --order 0 --verify trace.txt.zst
      gives back single frames too, and checks that no byte in use is lost
  fallow replay --policy linux --backing none trace.txt
      what Linux would do, calculated only: fast, and touches no memory
  fallow replay --speed 1 --policy aged:1s --backing memfd trace.txt.gz
      in real time, over a memfd such as virtual machines have for memory
  fallow replay --transport virtio-packed --verify --speed 4 trace.txt.zst
      as in a virtual machine: a balloon's driver and device, and a ring between them
  fallow replay --json - --csv series.csv trace.txt | jq .mean_resident_mib
      figures for a program, and a time series for a plot
  trace-cmd report trace.dat | fallow replay --memory 2G -
      a trace from a pipe

A trace is the text that trace-cmd report, perf script or trace_pipe print for the
events kmem:mm_page_alloc and kmem:mm_page_free; data/README.md tells how to record
one. docs/replay.md tells how to read the results.

Exit status:
  0    the replay came to its end and nothing was wrong
  1    it failed: a file could not be read or written, the trace is damaged, a
       frame lost its content, the zone broke a rule of its own; with --verify
       also: an allocation failed
  2    the command line made no sense
  130  stopped with Ctrl-C, after telling what happened so far)";

CLI::Option* add(CLI::App* replay, const char* name, std::optional<std::string>* word, const char* type,
                 const char* description, const char* group) {
  return replay->add_option(name, *word, description)
      ->type_name(type)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->group(group);
}

void add_policy_options(CLI::App* replay, ReplayWords* words) {
  const char* group = "What is given back, and when";
  add(replay, "--policy", &words->policy, "hwm|linux|aged[:TIME]",
      "aged:TIME  what has been free for TIME (1ms to 24h)\n"
      "hwm        as soon as a free area holds --hwm unreported blocks\n"
      "linux      as Linux does: 2 s after a free, a part at a time\n"
      "Default: aged:100ms",
      group);
  add(replay, "--order", &words->order, "N",
      "The smallest run given back is 2^N frames of 4 KiB; 0 to 10.\n"
      "Lower gives back more, in more requests. Default: 9 (2 MiB)",
      group);
  add(replay, "--hwm", &words->hwm, "N", "High-water mark of --policy hwm, in blocks. Default: 32", group);
  add(replay, "--capacity", &words->capacity, "N",
      "Most runs of frames in one request; 1 to 65536. Default: 32", group);
}

void add_memory_options(CLI::App* replay, ReplayWords* words) {
  const char* group = "The memory";
  add(replay, "--backing", &words->backing, "none|anon|thp|memfd",
      "anon   anonymous memory, released with MADV_DONTNEED\n"
      "thp    the same in transparent huge pages of 2 MiB\n"
      "memfd  a shared memory file, released by punching holes\n"
      "none   no memory: what would be resident is calculated\n"
      "Default: anon",
      group);
  add(replay, "--memory", &words->memory, "SIZE",
      "Size of the zone, such as 512M, 2G or 1.5GiB.\nDefault: twice the trace's peak, rounded up", group);
  replay
      ->add_flag("--lazy-free", words->lazy_free,
                 "Release with MADV_FREE: cheaper, and the host takes the\n"
                 "memory only when it runs short (anon, thp)")
      ->group(group);
  replay
      ->add_flag("--verify", words->verify,
                 "Write a stamp into every allocated frame and check it when\n"
                 "the frame is freed (not with --backing none)")
      ->group(group);
}

void add_time_options(CLI::App* replay, ReplayWords* words) {
  const char* group = "Time";
  add(replay, "--speed", &words->speed, "max|N",
      "max  as fast as it goes, on the trace's own clock: the same\n"
      "     trace and options give the same figures each time\n"
      "N    in real time, N times faster than recorded\n"
      "Default: max",
      group);
  add(replay, "--settle", &words->settle, "TIME",
      "Time that passes after the last event, such as 500ms or 1m.\nDefault: 5s", group);
}

void add_wire_options(CLI::App* replay, ReplayWords* words) {
  const char* group = "The way to the host";
  add(replay, "--transport", &words->transport, "direct|virtio-split|virtio-packed",
      "direct         a call: what is reported is released at once\n"
      "virtio-split   a virtio balloon, driver and device, over a\n"
      "               split ring; with --speed N a thread for each\n"
      "virtio-packed  the same over a packed ring\n"
      "Default: direct",
      group);
  add(replay, "--event-index", &words->event_index, "on|off",
      "Whether driver and device say from which buffer on they want\n"
      "to be notified, which saves notifications. Default: on",
      group);
  add(replay, "--indirect", &words->indirect, "on|off",
      "Whether a request's descriptors are in a table of their own,\n"
      "and take up one place of the ring. Default: on",
      group);
  add(replay, "--queue-size", &words->queue_size, "N",
      "Descriptors in the ring; 1 to 32768, for virtio-split a power\n"
      "of two. Default: 256",
      group);
  add(replay, "--in-flight", &words->in_flight, "N", "Most requests on their way at once. Default: 1", group);
  replay
      ->add_flag("--init-reported", words->init_reported,
                 "The device states what it zeroed, so that nobody need zero\n"
                 "it again (draft feature bit 6); with --verify it is checked")
      ->group(group);
  add(replay, "--disturb", &words->disturb, "TIME",
      "A trouble each TIME of the trace, to see that nothing is lost:\n"
      "in turn the device fails, is unregistered and registered\n"
      "again, breaks down, and is reset (direct: the first two)",
      group);
}

void add_output_options(CLI::App* replay, ReplayWords* words) {
  const char* group = "Input and output";
  add(replay, "--json", &words->json, "FILE|-",
      "Write the figures as JSON. With -, standard output has\n"
      "nothing but JSON, and the words go to standard error",
      group);
  add(replay, "--csv", &words->csv, "FILE|-", "Write a time series, a row for each sample", group);
  add(replay, "--page-size", &words->page_size, "SIZE",
      "The pages that the recorded machine had, 4K to 64K: its orders\n"
      "and frame numbers count these. The replay has frames of 4 KiB.\n"
      "Default: 4K",
      group);
  replay
      ->add_flag("--skip-bad-lines", words->skip_bad_lines,
                 "Count damaged lines of the trace and go on; otherwise the\nfirst is an error")
      ->group(group);
  replay
      ->add_flag("--no-compare", words->no_compare, "Leave out the calculation of what linux would have done")
      ->group(group);
  replay->add_flag("-q,--quiet", words->quiet, "No progress and no summary; only what is wrong")
      ->group(group);
}

}  // namespace

CLI::App* add_replay_command(CLI::App& app, ReplayWords* words) {
  CLI::App* replay = app.add_subcommand("replay", kDescription);
  replay->footer(kFooter);
  replay
      ->add_option("TRACE", words->trace,
                   "The recorded trace: plain text, gzip or zstd; - for\nstandard input")
      ->required()
      ->option_text(" ");
  add_policy_options(replay, words);
  add_memory_options(replay, words);
  add_time_options(replay, words);
  add_wire_options(replay, words);
  add_output_options(replay, words);
  // Named again, so that it comes last.
  replay->set_help_flag();
  replay->set_help_flag("-h,--help", "This text")->group("Input and output");
  return replay;
}

}  // namespace fallow::cli
