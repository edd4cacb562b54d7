// Collects the errors in the options of a verb. Only the first error is kept.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace fallow::cli {

class OptionErrors {
 public:
  explicit OptionErrors(std::string* error) : error_(error) {}

  void refuse(std::string sentence) {
    if (error_->empty()) *error_ = std::move(sentence);
  }
  void refuse(const char* option, std::string_view value, std::string_view expected) {
    refuse(fmt::format("{} '{}': expected {}", option, value, expected));
  }
  bool failed() const { return !error_->empty(); }

 private:
  std::string* error_;
};

}  // namespace fallow::cli
