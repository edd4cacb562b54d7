// A position in a line of text and the steps of the line parser. No step reads beyond `end`.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "fallow/base/detail/quantity.h"

namespace fallow::trace {

using detail::is_digit;

constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

// Removes the last word of a text and the blanks around that word. Returns an empty word if the text has
// none.
inline std::string_view take_last_word(std::string_view& text) {
  std::size_t end = text.size();
  while (end > 0 && is_blank(text[end - 1])) --end;
  std::size_t begin = end;
  while (begin > 0 && !is_blank(text[begin - 1])) --begin;
  const std::string_view word = text.substr(begin, end - begin);
  text = text.substr(0, begin);
  return word;
}

struct Cursor {
  const char* at;
  const char* end;

  explicit Cursor(std::string_view text) : at(text.data()), end(text.data() + text.size()) {}

  bool done() const { return at == end; }
  bool at_blank() const { return !done() && is_blank(*at); }
  bool at_digit() const { return !done() && is_digit(*at); }
  bool at_word_end() const { return done() || *at == ' '; }
  std::string_view rest() const { return {at, static_cast<std::size_t>(end - at)}; }

  void skip_blanks() {
    while (at_blank()) ++at;
  }
  // Moves to the next blank or to the end. Returns the text in between.
  std::string_view take_word() {
    const char* const start = at;
    while (!done() && !at_blank()) ++at;
    return {start, static_cast<std::size_t>(at - start)};
  }
  // Moves to the next space or to the end. Faster than take_word() for long words.
  void skip_long_word() {
    const void* space = std::memchr(at, ' ', static_cast<std::size_t>(end - at));
    at = space == nullptr ? end : static_cast<const char*>(space);
  }
  // Steps over `text` if the rest of the line begins with it.
  bool take(std::string_view text) {
    if (static_cast<std::size_t>(end - at) < text.size() || std::memcmp(at, text.data(), text.size()) != 0)
      return false;
    at += text.size();
    return true;
  }
  bool take(char c) {
    if (done() || *at != c) return false;
    ++at;
    return true;
  }
  // Steps over decimal digits. Returns false if there is no digit or the number does not fit.
  bool take_decimal(std::uint64_t& value) {
    if (!at_digit()) return false;
    value = 0;
    for (; at_digit(); ++at) {
      const auto digit = static_cast<std::uint64_t>(*at - '0');
      if (value > (UINT64_MAX - digit) / 10) return false;
      value = value * 10 + digit;
    }
    return true;
  }
  // Steps over hexadecimal digits; the caller takes the "0x". Fails like take_decimal().
  bool take_hex(std::uint64_t& value) {
    const char* const start = at;
    value = 0;
    for (; !done() && hex_value(*at) >= 0; ++at) {
      if ((value >> 60) != 0) return false;
      value = value << 4 | static_cast<std::uint64_t>(hex_value(*at));
    }
    return at != start;
  }
};

}  // namespace fallow::trace
