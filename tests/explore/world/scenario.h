// A scenario: a world, a few threads, and goals that at least one schedule must reach.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/explore/engine/engine.h"
#include "tests/explore/world/world.h"

namespace fallow::explore {

struct Scenario {
  const char* name;
  const char* shows;
  std::function<void()> prepare;
};

inline void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

const std::vector<Scenario>& scenarios();
const Scenario* find_scenario(const std::string& name);
bool add_scenario(const Scenario& scenario);

// The goals that the prepared scenario declared, and whether some schedule reached them.
struct Goal {
  std::string what;
  bool reached = false;
};
std::vector<Goal>& goals();
// declare_goal() is called during preparation. reached(number, whether) is called by threads or at the end.
unsigned declare_goal(const char* what);
inline void reached(unsigned goal, bool yes = true) { goals()[goal].reached |= yes; }

// SCENARIO(Name, "what it shows") { ... } runs once, on an empty arena; every schedule begins with the state
// that it leaves. Mutable objects live in the arena: world(), state<T>().
#define FALLOW_SCENARIO(name, shows)                                   \
  static void prepare_##name();                                        \
  [[maybe_unused]] static const bool added_##name =                    \
      ::fallow::explore::add_scenario({#name, shows, prepare_##name}); \
  static void prepare_##name()

inline World& world(const ZoneConfig& config) { return arena().make<World>(config); }
template <class T, class... Args>
T& state(Args&&... args) {
  return arena().make<T>(std::forward<Args>(args)...);
}
inline void thread(std::function<void()> body) { engine().add_thread(std::move(body)); }
inline void at_end(std::function<void()> body) { engine().at_end(std::move(body)); }

}  // namespace fallow::explore
