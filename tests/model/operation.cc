#include "tests/model/operation.h"

namespace fallow::model {
namespace {

std::string call(const char* function, std::initializer_list<std::string> arguments) {
  std::string code = std::string(function) + "(";
  const char* separator = "";
  for (const std::string& argument : arguments) {
    code += separator + argument;
    separator = ", ";
  }
  return code + ")";
}

std::string name_of(Mobility mobility) {
  switch (mobility) {
    case Mobility::Movable:
      return "Mobility::Movable";
    case Mobility::Unmovable:
      return "Mobility::Unmovable";
    case Mobility::Reclaimable:
      return "Mobility::Reclaimable";
  }
  return "Mobility{}";
}

}  // namespace

std::string to_code(const Operation& o) {
  using Kind = Operation::Kind;
  const std::string cache = std::to_string(o.cache), order = std::to_string(o.order.raw),
                    value = std::to_string(o.value);
  switch (o.kind) {
    case Kind::Allocate:
      return call("allocate", {cache, order, name_of(o.mobility)});
    case Kind::Free:
      return call("free", {cache, value, order});
    case Kind::Drain:
      return call("drain", {cache});
    case Kind::Retire:
      return call("retire", {cache});
    case Kind::RequestDrain:
      return call("request_drain", {});
    case Kind::Advance:
      return call("advance", {value});
    case Kind::Register:
      return call("register_device", {order, value});
    case Kind::Unregister:
      return call("unregister_device", {});
    case Kind::Forget:
      return call("forget_reported", {});
    case Kind::FailNext:
      return call("fail_next", {value});
    case Kind::MeddleNext:
      return call("meddle_next", {order});
  }
  return "";
}

std::string to_test(const std::string& shape, const std::string& name,
                    const std::vector<Operation>& operations) {
  std::string code = "TEST(ModelRegression, " + name + ") {\n  expect_passes(\"" + shape + "\", {\n";
  for (const Operation& o : operations) code += "      " + to_code(o) + ",\n";
  return code + "  });\n}\n";
}

}  // namespace fallow::model
