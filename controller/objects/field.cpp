// SPDX-License-Identifier: Apache-2.0
#include "controller/objects/field.hpp"

#include <limits>

#include "controller/objects/printable.hpp"

namespace evergate::controller {

Field Field::operator[](std::string_view name) const {
    if (!require(Json::value_t::object, "an object")) {
        return Field(nullptr, this, name, 0, problem_);
    }
    const auto it = value_->find(name);
    const bool absent = it == value_->end() || it->is_null();
    return Field(absent ? nullptr : &*it, this, name, 0, problem_);
}

bool Field::require(Json::value_t type, const char* expected) const {
    if (value_ == nullptr) {
        return false;
    }
    if (value_->type() == type) {
        return true;
    }
    fail(std::string("must be ") + expected + ", not " + value_->type_name());
    return false;
}

bool Field::isObject() const {
    return require(Json::value_t::object, "an object");
}

std::string Field::text() const {
    return optionalText().value_or(std::string());
}

std::optional<std::string> Field::optionalText() const {
    if (!require(Json::value_t::string, "a string")) {
        return std::nullopt;
    }
    return *value_->get_ptr<const std::string*>();
}

std::optional<std::string> Field::quietText() const {
    const auto* text = value_ == nullptr ? nullptr : value_->get_ptr<const std::string*>();
    return text == nullptr ? std::nullopt : std::optional(*text);
}

bool Field::flag(bool otherwise) const {
    if (!require(Json::value_t::boolean, "a boolean")) {
        return otherwise;
    }
    return *value_->get_ptr<const bool*>();
}

std::int64_t Field::int64() const {
    if (value_ == nullptr) {
        return 0;
    }
    // Non-negative integers are unsigned in the document, so the type alone does not decide.
    if (!value_->is_number_integer()) {
        fail(std::string("must be an integer, not ") +
             (value_->is_number() ? "a fraction" : value_->type_name()));
        return 0;
    }
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (value_->is_number_unsigned() && value_->get<std::uint64_t>() > kMost) {
        fail("is out of range");
        return 0;
    }
    return value_->get<std::int64_t>();
}

std::int32_t Field::int32() const {
    const std::int64_t wide = int64();
    if (wide < std::numeric_limits<std::int32_t>::min() ||
        wide > std::numeric_limits<std::int32_t>::max()) {
        fail("is out of range");
        return 0;
    }
    return static_cast<std::int32_t>(wide);
}

void Field::fail(std::string what) const {
    if (!problem_) {
        problem_ = FieldProblem{path(), std::move(what)};
    }
}

std::string Field::path() const {
    if (parent_ == nullptr) {
        return {};
    }
    std::string path = parent_->path();
    if (name_.empty()) {
        return path + '[' + std::to_string(index_) + ']';
    }
    if (name_.find_first_of("./[") != std::string_view::npos) {
        return path + "[\"" + printable(name_) + "\"]";
    }
    return (path.empty() ? path : path + '.') + printable(name_);
}

}  // namespace evergate::controller
