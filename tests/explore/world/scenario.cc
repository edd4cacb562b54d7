#include "tests/explore/world/scenario.h"

namespace fallow::explore {
namespace {

std::vector<Scenario>& list() {
  static std::vector<Scenario> the_list;
  return the_list;
}

}  // namespace

const std::vector<Scenario>& scenarios() { return list(); }

bool add_scenario(const Scenario& scenario) {
  list().push_back(scenario);
  return true;
}

const Scenario* find_scenario(const std::string& name) {
  for (const Scenario& s : list()) {
    if (name == s.name) return &s;
  }
  return nullptr;
}

std::vector<Goal>& goals() {
  static std::vector<Goal> the_goals;
  return the_goals;
}

unsigned declare_goal(const char* what) {
  goals().push_back({what});
  return static_cast<unsigned>(goals().size() - 1);
}

}  // namespace fallow::explore
