// A translation unit, of which large_jobs.rs makes many: in each copy of the object it replaces `UNIT0000` by another name of the same
// length, and `NEXT0000` and `ALSO0000` by the names of the units that it calls. FIRST, COMMON and OWN are numbers: the first instance of the templates
// below, how many are the same in many units, and how many are the unit's own. With SMALL they are small, with REGEX one is large.
#include <algorithm>
#include <deque>
#include <functional>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace NEXT0000 {
int root(int);
}
namespace ALSO0000 {
int root(int);
}

// What all units have, as from a header: each has a copy, of which the linker keeps one.
namespace common {

struct Here {};

template <class Where, int N> struct Value {
  std::string name;
  std::vector<int> parts;
  std::map<std::string, std::shared_ptr<Value>> children;
  virtual ~Value() = default;
  virtual int weigh(int factor) const {
    int sum = factor * N;
    for (int part : parts)
      sum += part * factor;
    for (const auto &[key, child] : children)
      sum += child ? child->weigh(factor + int(key.size())) : 0;
    return sum;
  }
  bool operator<(const Value &other) const { return std::tie(name, parts) < std::tie(other.name, other.parts); }
};

#ifdef SMALL
template <class Where, int N> int exercise(int depth) {
  std::vector<Value<Where, N>> values(depth);
  for (int i = 0; i < depth; i++)
    values[i].parts.assign(i, N);
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values.back().weigh(depth);
}
#else
template <class Where, int N> struct Visitor {
  std::unordered_map<std::string, std::function<int(const Value<Where, N> &)>> actions;
  std::variant<int, std::string, std::vector<Value<Where, N>>> last;
  int visit(const Value<Where, N> &value) {
    auto found = actions.find(value.name);
    last = value.name;
    if (found == actions.end())
      return std::visit([](const auto &held) { return int(sizeof held) + N; }, last);
    return found->second(value);
  }
};

template <class Where, int N> int exercise(int depth) {
  std::set<Value<Where, N>> ordered;
  std::deque<std::pair<int, Value<Where, N>>> queue;
  Visitor<Where, N> visitor;
  visitor.actions["leaf"] = [depth](const Value<Where, N> &value) { return value.weigh(depth); };
  for (int i = 0; i < depth; i++) {
    Value<Where, N> value;
    value.name = "value " + std::to_string(i % 7);
    value.parts.assign(i, N);
    ordered.insert(value);
    queue.emplace_back(i, std::move(value));
  }
  std::sort(queue.begin(), queue.end(), [](const auto &a, const auto &b) { return a.second < b.second; });
  std::list<int> weights;
  for (auto &[number, value] : queue)
    weights.push_back(number + visitor.visit(value));
  weights.sort();
  std::ostringstream text;
  std::copy(weights.begin(), weights.end(), std::ostream_iterator<int>(text, " "));
  return int(text.str().size() + ordered.size());
}
#endif

template <class Where, int... N> int exercise_all(int depth, std::integer_sequence<int, N...>) {
  return (exercise<Where, N + FIRST>(depth) + ... + 0);
}

} // namespace common

namespace UNIT0000 {

struct Here {};

#ifdef REGEX
static bool is_number(const std::string &text) {
  static const std::regex number("[+-]?[0-9]+(\\.[0-9]*)?");
  return std::regex_match(text, number);
}
#else
static bool is_number(const std::string &text) { return std::all_of(text.begin(), text.end(), isdigit); }
#endif

int root(int depth) {
  if (depth == 0 || !is_number(std::to_string(depth)))
    return 0;
  int shared = common::exercise_all<common::Here>(depth % 5, std::make_integer_sequence<int, COMMON>());
  int own = common::exercise_all<Here>(depth % 3, std::make_integer_sequence<int, OWN>());
  return shared + own + NEXT0000::root(depth - 1) + ALSO0000::root(depth - 1);
}

} // namespace UNIT0000
