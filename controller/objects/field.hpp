// SPDX-License-Identifier: Apache-2.0
// One field of a JSON document while it is decoded: its value and the way to it.
//
// Reading a field of the wrong type notes a problem with the field's path and gives a default; only
// the first problem is kept. Null counts as absent, as in the Kubernetes API. A Field borrows the
// document and its parent: it lives on the stack of the function that reads it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace evergate::controller {

struct FieldProblem {
    std::string where;
    std::string what;
};

class Field {
public:
    using Json = nlohmann::json;

    Field(const Json& root, std::optional<FieldProblem>& problem) noexcept
        : value_(&root), problem_(problem) {}

    Field operator[](std::string_view name) const;

    bool present() const noexcept { return value_ != nullptr; }

    std::string text() const;  // "" when absent
    std::optional<std::string> optionalText() const;
    // The same, but nothing and no problem when it is of another type.
    std::optional<std::string> quietText() const;
    bool flag(bool otherwise) const;
    std::int32_t int32() const;  // 0 when absent
    std::int64_t int64() const;  // 0 when absent
    // Requires an object when present; for fields that are only looked into.
    bool isObject() const;

    template <typename Visit>
    void eachElement(const Visit& visit) const {
        if (!require(Json::value_t::array, "an array")) {
            return;
        }
        std::size_t index = 0;
        for (const Json& element : *value_) {
            visit(Field(&element, this, {}, index++, problem_));
        }
    }

    template <typename Visit>
    void eachMember(const Visit& visit) const {
        if (!require(Json::value_t::object, "an object")) {
            return;
        }
        for (auto it = value_->begin(); it != value_->end(); ++it) {
            const bool null = it->is_null();
            visit(it.key(), Field(null ? nullptr : &*it, this, it.key(), 0, problem_));
        }
    }

    void fail(std::string what) const;
    std::string path() const;

private:
    Field(const Json* value, const Field* parent, std::string_view name, std::size_t index,
          std::optional<FieldProblem>& problem) noexcept
        : value_(value), parent_(parent), name_(name), index_(index), problem_(problem) {}

    // False when absent, and when of another type, which is a problem.
    bool require(Json::value_t type, const char* expected) const;

    const Json* value_ = nullptr;
    const Field* parent_ = nullptr;
    std::string_view name_;  // empty: an array element
    std::size_t index_ = 0;
    std::optional<FieldProblem>& problem_;
};

}  // namespace evergate::controller
