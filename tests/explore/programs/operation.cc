#include "tests/explore/programs/operation.h"

namespace fallow::explore {
namespace {

struct Form {
  const char* name;
  unsigned arguments;
};

constexpr Form kForms[Operation::kKinds] = {
    {"allocate", 3},
    {"free", 2},
    {"free_part", 3},
    {"give", 2},
    {"take", 1},
    {"pass_cache", 1},
    {"take_cache", 1},
    {"free_again", 0},
    {"free_unowned", 3},
    {"drain", 1},
    {"retire", 1},
    {"request_drain", 0},
    {"work", 2},
    {"call_worker", 0},
    {"complete", 1},
    {"register_device", 2},
    {"unregister_device", 0},
    {"forget", 0},
    {"report", 5},
};

const Form& form_of(Operation::Kind kind) { return kForms[static_cast<unsigned>(kind)]; }

const char* name_of(Mobility mobility) {
  constexpr const char* kNames[kMobilities] = {"Mobility::Movable", "Mobility::Unmovable",
                                               "Mobility::Reclaimable"};
  return kNames[static_cast<unsigned>(mobility) % kMobilities];
}

}  // namespace

const char* name_of(Status status) {
  switch (status) {
    case Status::Failed:
      return "Status::Failed";
    case Status::Pending:
      return "Status::Pending";
    case Status::ContentUnknown:
      return "Status::ContentUnknown";
    default:
      return "Status::Ok";
  }
}

unsigned argument_count(Operation::Kind kind) { return form_of(kind).arguments; }

std::string to_text(const Operation& o) {
  using Kind = Operation::Kind;
  const Form& form = form_of(o.kind);
  std::string text = std::string(form.name) + '(';
  for (unsigned i = 0; i < form.arguments; ++i) {
    if (i > 0) text += ", ";
    const std::uint32_t a = o.arguments[i];
    const bool truth = (o.kind == Kind::Register && i == 1) || (o.kind == Kind::Report && (i == 1 || i == 4));
    if (o.kind == Kind::Allocate && i == 2) {
      text += name_of(static_cast<Mobility>(a));
    } else if (o.kind == Kind::Complete) {
      text += name_of(static_cast<Status>(a));
    } else if (truth) {
      text += a != 0 ? "true" : "false";
    } else {
      text += std::to_string(a);
    }
  }
  return text + ')';
}

}  // namespace fallow::explore
