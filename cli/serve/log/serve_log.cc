#include "cli/serve/log/serve_log.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <array>
#include <climits>
#include <mutex>
#include <nlohmann/json.hpp>

#include "cli/term/output_file.h"

namespace fallow::cli {
namespace {

constexpr std::array kLevels = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                spdlog::level::err};

const char* pattern(LogFormat format) {
  return format == LogFormat::Json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v)"
                                   : "%Y-%m-%dT%H:%M:%S.%eZ %-8l %v";
}

// Escapes control characters and keeps UTF-8, because paths and error texts may contain them and a record
// must stay one line.
std::string escape_controls(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

std::string text_line(const std::string& sentence, const std::vector<LogField>& fields) {
  std::string line = escape_controls(sentence);
  const char* before = " (";
  for (const LogField& field : fields) {
    line += fmt::format("{}{} ", before, field.name);
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      line += escape_controls(*text);
    } else {
      line += fmt::format("{}", std::get<std::uint64_t>(field.value));
    }
    before = ", ";
  }
  if (!fields.empty()) line += ')';
  return line;
}

// Returns the object without its opening brace, which is part of the pattern.
std::string json_line(const char* event, const std::string& sentence, const std::vector<LogField>& fields) {
  nlohmann::ordered_json line = {{"event", event}, {"message", sentence}};
  for (const LogField& field : fields) {
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      line[field.name] = *text;
    } else {
      line[field.name] = std::get<std::uint64_t>(field.value);
    }
  }
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).substr(1);
}

}  // namespace

// A line is one write() of at most PIPE_BUF bytes, which does not block after poll() has reported space.
class ServeLog::Sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit Sink(int file) : file_(file) {}

  // True if the last line that this thread logged was written.
  static bool wrote() { return wrote_; }

  void pass_on(std::string_view line) {
    const std::lock_guard held(mutex_);
    if (room()) static_cast<void>(write_all(file_, line));
  }

 private:
  bool room() {
    pollfd ready{file_, POLLOUT, 0};
    if (poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0) return true;
    ++dropped_;
    return false;
  }

  void sink_it_(const spdlog::details::log_msg& message) override {
    wrote_ = room();
    if (!wrote_) return;
    if (dropped_ != 0) {
      const std::string words = fmt::format("{} log lines were dropped: the log was not read", dropped_);
      dropped_ = 0;
      spdlog::details::log_msg note = message;
      note.payload = words;
      note.level = spdlog::level::warn;
      // In JSON the payload also contains the fields that follow the pattern.
      const std::string json = fmt::format(R"("event":"left_out","message":"{}"}})", words);
      if (message.payload.size() != 0 && message.payload[0] == '"') note.payload = json;
      write_line(note);
      sink_it_(message);
      return;
    }
    write_line(message);
  }

  void write_line(const spdlog::details::log_msg& message) {
    constexpr std::size_t kLongest = PIPE_BUF;
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (line.size() > kLongest) {
      line.resize(kLongest);
      line.data()[kLongest - 1] = '\n';
    }
    static_cast<void>(write_all(file_, {line.data(), line.size()}));
  }

  void flush_() override {}

  static thread_local bool wrote_;
  int file_;
  std::uint64_t dropped_ = 0;
};

thread_local bool ServeLog::Sink::wrote_ = false;

ServeLog::ServeLog(int file, LogFormat format, LogLevel least)
    : format_(format),
      sink_(std::make_shared<Sink>(file)),
      logger_(std::make_unique<spdlog::logger>("fallow", sink_)) {
  logger_->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern(format), spdlog::pattern_time_type::utc));
  logger_->set_level(kLevels.at(static_cast<std::size_t>(least)));
  // Ignore errors: a log that cannot be written must neither stop the daemon nor write to standard error.
  logger_->set_error_handler([](const std::string&) {});
}

ServeLog::~ServeLog() = default;

void ServeLog::set_level(LogLevel least) noexcept {
  logger_->set_level(kLevels.at(static_cast<std::size_t>(least)));
}

bool ServeLog::write(LogLevel level, const char* event, const std::string& sentence,
                     const std::vector<LogField>& fields) noexcept {
  try {
    const auto at = kLevels.at(static_cast<std::size_t>(level));
    if (!logger_->should_log(at)) return true;  // filtered
    logger_->log(
        at, format_ == LogFormat::Json ? json_line(event, sentence, fields) : text_line(sentence, fields));
    return Sink::wrote();
  } catch (const std::exception&) {
    return false;  // out of memory
  }
}

void ServeLog::pass_on(std::string_view line) noexcept {
  try {
    sink_->pass_on(line);
  } catch (const std::exception&) {
    // Drop the line if the lock or memory is unavailable.
  }
}

}  // namespace fallow::cli
