// SPDX-License-Identifier: Apache-2.0
#include "common/model/strict_json.hpp"

#include <string>
#include <utility>
#include <vector>

namespace evergate::model {
namespace {

using Json = nlohmann::json;

// Builds the document from parser events. A method that returns false ends parsing; problem_ says
// why.
class Builder final : public nlohmann::json_sax<Json> {
public:
    explicit Builder(JsonLimits limits) : limits_(limits) {}

    Json& root() noexcept { return root_; }

    Problem& problem() noexcept { return problem_; }

    bool null() override { return put(nullptr); }

    bool boolean(bool value) override { return put(value); }

    bool number_integer(number_integer_t value) override { return put(value); }

    bool number_unsigned(number_unsigned_t value) override { return put(value); }

    bool number_float(number_float_t value, const string_t&) override { return put(value); }

    bool binary(binary_t&) override { return fail("binary data"); }

    bool string(string_t& value) override {
        if (value.size() > limits_.maxStringBytes) {
            return fail("string longer than " + std::to_string(limits_.maxStringBytes) + " bytes");
        }
        return put(std::move(value));
    }

    bool key(string_t& value) override {
        if (value.size() > limits_.maxStringBytes) {
            return fail("field name longer than " + std::to_string(limits_.maxStringBytes) +
                        " bytes");
        }
        if (open_.back()->contains(value)) {
            problem_.where = value;
            return fail("repeated field");
        }
        key_ = std::move(value);
        return true;
    }

    bool start_object(std::size_t) override { return open(Json::object()); }

    bool start_array(std::size_t) override { return open(Json::array()); }

    bool end_object() override { return close(); }

    bool end_array() override { return close(); }

    // The parser's own message quotes the input, which may be anything: give the position alone.
    bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
        return fail("not valid JSON at byte " + std::to_string(position));
    }

private:
    template <typename T>
    bool put(T&& value) {
        insert(Json(std::forward<T>(value)));
        return true;
    }

    Json& insert(Json value) {
        if (open_.empty()) {
            root_ = std::move(value);
            return root_;
        }
        Json& parent = *open_.back();
        if (parent.is_array()) {
            parent.push_back(std::move(value));
            return parent.back();
        }
        return parent[key_] = std::move(value);
    }

    bool open(Json container) {
        if (open_.size() >= limits_.maxDepth) {
            return fail("nested deeper than " + std::to_string(limits_.maxDepth) + " levels");
        }
        // The parent gains no other element while its child is open, so the pointer stays good.
        open_.push_back(&insert(std::move(container)));
        return true;
    }

    bool close() {
        open_.pop_back();
        return true;
    }

    bool fail(std::string what) {
        problem_.what = std::move(what);
        return false;
    }

    JsonLimits limits_;
    Json root_;
    std::vector<Json*> open_;
    std::string key_;
    Problem problem_;
};

}  // namespace

std::variant<nlohmann::json, Problem> parseStrict(std::string_view text, JsonLimits limits) {
    Builder builder(limits);
    try {
        if (Json::sax_parse(text, &builder)) {
            return std::move(builder.root());
        }
    } catch (const std::exception&) {
        // Out of memory at the worst; the parser itself reports through the builder.
        return Problem{{}, "cannot be parsed"};
    }
    return std::move(builder.problem());
}

}  // namespace evergate::model
