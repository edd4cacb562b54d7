#include "tests/explore/programs/program.h"

#include <sstream>

namespace fallow::explore {
namespace {

std::string policy_text(const PolicyChoice& p) {
  std::ostringstream out;
  switch (p.kind) {
    case PolicyKind::Hwm:
      out << "hwm(" << p.order << ", " << p.parameter << ')';
      break;
    case PolicyKind::Aged:
      out << "aged(" << p.order << ", " << p.parameter << ')';
      break;
    case PolicyKind::Linux:
      out << "like_linux(" << p.order << ')';
      break;
    case PolicyKind::None:  // no program has this choice
      break;
  }
  return out.str();
}

const char* promise_text(Content p) {
  if (p == Content::Zero) return "Content::Zero";
  return p == Content::Poison ? "Content::Poison" : "Content::Unknown";
}

// Formats as "{a, b}".
template <class List, class Text>
std::string braced(const List& list, Text text) {
  std::string out = "{";
  for (const auto& element : list) {
    if (out.size() > 1) out += ", ";
    out += text(element);
  }
  return out + '}';
}

std::string statuses(const std::vector<Status>& list) {
  return braced(list, [](Status s) { return std::string(name_of(s)); });
}

std::string device_text(const DeviceChoice& d) {
  std::ostringstream out;
  out << "{.capacity = " << d.capacity << ", .depth = " << d.depth;
  if (d.promise != Content::Unknown) out << ", .promise = " << promise_text(d.promise);
  if (!d.answers.empty()) out << ", .answers = " << statuses(d.answers);
  if (!d.completions.empty()) out << ", .completions = " << statuses(d.completions);
  out << '}';
  return out.str();
}

}  // namespace

std::size_t operation_count(const Program& program) {
  std::size_t count = program.before.size();
  for (const auto& thread : program.threads) count += thread.size();
  return count;
}

std::string to_scenario(const Program& p, const std::string& name, const std::string& shows) {
  const auto operation = [](const Operation& o) { return to_text(o); };
  std::ostringstream out;
  out << "FALLOW_SCENARIO(" << name << ", \"" << shows << "\") {\n  perform({\n";
  out << "      .zone = {{" << p.zone.base.raw << "}, {" << p.zone.frames.raw << "}, " << p.zone.caches
      << "},\n";
  if (!p.withheld.empty())
    out << "      .withheld = " << braced(p.withheld, [](const Hole& h) {
      return "{" + std::to_string(h.first) + ", " + std::to_string(h.count) + "}";
    }) << ",\n";
  if (!p.policies.empty()) {
    out << "      .policies = " << braced(p.policies, policy_text) << ",\n";
    out << "      .device = " << device_text(p.device) << ",\n";
  } else if (p.order != Program{}.order) {
    out << "      .order = " << p.order << ",\n";
  }
  out << "      .owners = " << braced(p.owners, [](unsigned t) { return std::to_string(t); }) << ",\n";
  if (!p.before.empty())
    out << "      .before = " << braced(p.before, [](const Before& b) {
      return "{" + std::to_string(b.thread) + ", " + to_text(b.operation) + "}";
    }) << ",\n";
  out << "      .threads = {";
  for (std::size_t t = 0; t < p.threads.size(); ++t)
    out << (t == 0 ? "" : ",\n                  ") << braced(p.threads[t], operation);
  out << "},\n  });\n}\n";
  return out.str();
}

}  // namespace fallow::explore
