#include "cli/top/top_screen.h"

#include <langinfo.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// Included last and without its macros, whose names, such as lines and move, would clash.
#define NCURSES_NOMACROS 1
#include <curses.h>

namespace fallow::cli {
namespace {

constexpr short kBarColour = 1, kFaintColour = 2, kAlarmColour = 3;

// Curses follows the locale. Without a locale, as in a fresh container, UTF-8 is assumed.
bool set_locale_for_utf8() {
  std::setlocale(LC_CTYPE, "");
  const auto is_set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
  };
  if (!is_set("LC_ALL") && !is_set("LC_CTYPE") && !is_set("LANG")) std::setlocale(LC_CTYPE, "C.UTF-8");
  return std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

bool has_letter(const char* text) { return text != nullptr && *text != '\0'; }

}  // namespace

struct TopScreen::Curses {
  SCREEN* screen = nullptr;
  bool unicode = false, colours = false;

  int attributes(TopLook look) const {
    const auto coloured = [this](short pair, int otherwise) {
      return colours ? static_cast<int>(COLOR_PAIR(pair)) : otherwise;
    };
    switch (look) {
      case TopLook::Head:
        return static_cast<int>(A_BOLD);
      case TopLook::Bar:
        return coloured(kBarColour, static_cast<int>(A_NORMAL));
      case TopLook::Faint:
        return coloured(kFaintColour, static_cast<int>(A_DIM));
      case TopLook::Selected:
        return static_cast<int>(A_REVERSE);
      case TopLook::Alarm:
        return coloured(kAlarmColour, static_cast<int>(A_BOLD));
      case TopLook::Plain:
        break;
    }
    return static_cast<int>(A_NORMAL);
  }

  void set_colours() {
    if (has_letter(std::getenv("NO_COLOR")) || !has_colors()) return;
    start_color();
    use_default_colors();
    init_pair(kBarColour, COLOR_GREEN, -1);
    init_pair(kFaintColour, COLOR_CYAN, -1);
    init_pair(kAlarmColour, COLOR_RED, -1);
    colours = true;
  }
};

std::unique_ptr<TopScreen> TopScreen::open() {
  const char* kind = std::getenv("TERM");
  if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1 || !has_letter(kind)) return nullptr;
  auto curses = std::make_unique<Curses>();
  // Most fonts of the Linux console lack the eighths of a block.
  curses->unicode = set_locale_for_utf8() && std::strcmp(kind, "linux") != 0;
  curses->screen = newterm(nullptr, stdout, stdin);
  if (curses->screen == nullptr) return nullptr;
  if (tigetstr(const_cast<char*>("cup")) == nullptr) {
    endwin();
    delscreen(curses->screen);
    return nullptr;
  }
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, true);
  curs_set(0);
  curses->set_colours();
  return std::unique_ptr<TopScreen>(new TopScreen(std::move(curses)));
}

TopScreen::TopScreen(std::unique_ptr<Curses> curses) : curses_(std::move(curses)) {}

TopScreen::~TopScreen() {
  endwin();
  delscreen(curses_->screen);
}

void TopScreen::draw(const TopView& view) {
  const int rows = std::max(getmaxy(stdscr), 1), columns = std::max(getmaxx(stdscr), 1);
  werase(stdscr);
  int y = 0;
  for (const TopLine& line :
       view.draw(static_cast<std::size_t>(columns), static_cast<std::size_t>(rows), curses_->unicode)) {
    int x = 0;
    for (const TopSpan& span : line) {
      wattrset(stdscr, curses_->attributes(span.look));
      mvwaddstr(stdscr, y, x, span.text.c_str());
      x += static_cast<int>(span.columns);
    }
    ++y;
  }
  wattrset(stdscr, static_cast<int>(A_NORMAL));
  wrefresh(stdscr);
}

TopScreen::Pressed TopScreen::wait(std::chrono::milliseconds time) {
  wtimeout(stdscr, static_cast<int>(std::max<std::int64_t>(time.count(), 0)));
  switch (wgetch(stdscr)) {
    case 'q':
    case 'Q':
      return {.key = {}, .quit = true};
    case ERR:
    case KEY_RESIZE:
      return {};
    case KEY_UP:
    case 'k':
      return {.key = TopKey::Up};
    case KEY_DOWN:
    case 'j':
      return {.key = TopKey::Down};
    case KEY_LEFT:
    case '<':
      return {.key = TopKey::SortBefore};
    case KEY_RIGHT:
    case '>':
    case 's':
      return {.key = TopKey::SortNext};
    case 'p':
      return {.key = TopKey::Pause};
    case 'r':
      return {.key = TopKey::Resume};
    case '+':
    case '=':
      return {.key = TopKey::More};
    case '-':
      return {.key = TopKey::Less};
    default:
      return {.key = TopKey::Other};
  }
}

}  // namespace fallow::cli
