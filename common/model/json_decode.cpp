// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <limits>

#include "common/model/fields.hpp"
#include "common/model/json.hpp"
#include "common/model/strict_json.hpp"

namespace evergate::model {
namespace {

using Json = nlohmann::json;

// The deepest value is {"endpoints":[{...}]}.
constexpr JsonLimits kLimits{.maxDepth = 3, .maxStringBytes = kMaxStringBytes};
constexpr std::size_t kMaxElements = 1'024;
// Far above any timeout that validation accepts, far below what overflows when added to a clock.
constexpr std::uint64_t kMaxMilliseconds = 1'000'000'000'000;

// Each read() stores what it finds in `out` and gives an empty text, or says what is wrong.
using Complaint = std::string;

template <typename Number>

requires(std::is_unsigned_v<Number> && !std::is_same_v<Number, bool>) Complaint
    read(const Json& json, Number& out) {
    constexpr auto kMax = std::numeric_limits<Number>::max();
    if (!json.is_number_integer()) {
        return "must be an integer";
    }
    if (!json.is_number_unsigned() || json.get<std::uint64_t>() > kMax) {
        return "must be 0.." + std::to_string(kMax);
    }
    out = static_cast<Number>(json.get<std::uint64_t>());
    return {};
}

Complaint read(const Json& json, bool& out) {
    if (!json.is_boolean()) {
        return "must be true or false";
    }
    out = json.get<bool>();
    return {};
}

Complaint read(const Json& json, std::chrono::milliseconds& out) {
    if (!json.is_number_integer()) {
        return "must be an integer";
    }
    if (!json.is_number_unsigned() || json.get<std::uint64_t>() > kMaxMilliseconds) {
        return "must be 0.." + std::to_string(kMaxMilliseconds);
    }
    out = std::chrono::milliseconds(json.get<std::int64_t>());
    return {};
}

Complaint read(const Json& json, std::string& out) {
    if (!json.is_string()) {
        return "must be a string";
    }
    out = json.get_ref<const std::string&>();
    return {};
}

template <typename Enum>

requires std::is_enum_v<Enum> Complaint read(const Json& json, Enum& out) {
    if (!json.is_string()) {
        return "must be a string";
    }
    const auto& names = EnumNames<Enum>::kNames;
    const auto it = std::find(names.begin(), names.end(), json.get_ref<const std::string&>());
    if (it != names.end()) {
        out = static_cast<Enum>(it - names.begin());
        return {};
    }
    Complaint complaint = "must be one of";
    for (const std::string_view each : names) {
        complaint.append(1, ' ').append(each);
    }
    return complaint;
}

Complaint read(const Json& json, ClientHttp2& out) {
    if (json.is_boolean()) {
        out = json.get<bool>() ? ClientHttp2::on : ClientHttp2::off;
        return {};
    }
    if (!json.is_string() || json.get_ref<const std::string&>() != EnumNames<ClientHttp2>::kOnly) {
        return "must be true, false or \"only\"";
    }
    out = ClientHttp2::only;
    return {};
}

template <typename T>
bool readObject(const Json& json, const std::string& path, T& out, Problem& problem);

// Reads one field that may itself have parts; `path` names it in a problem.
template <typename T>
bool readField(const Json& json, const std::string& path, T& out, Problem& problem) {
    Complaint complaint = read(json, out);
    if (complaint.empty()) {
        return true;
    }
    problem = {path, std::move(complaint)};
    return false;
}

template <typename T>
requires kIsNested<T>

bool readField(const Json& json, const std::string& path, T& out, Problem& problem) {
    return readObject(json, path, out, problem);
}

template <typename T>
bool readField(const Json& json, const std::string& path, std::vector<T>& out, Problem& problem) {
    constexpr std::size_t kMax =
        std::is_same_v<T, Endpoint> ? kMaxEndpointsPerBackend : kMaxElements;
    if (!json.is_array()) {
        problem = {path, "must be an array"};
        return false;
    }
    if (json.size() > kMax) {
        problem = {path, "has more than " + std::to_string(kMax) + " elements"};
        return false;
    }
    out.resize(json.size());
    for (std::size_t i = 0; i < json.size(); ++i) {
        if (!readField(json[i], path + '[' + std::to_string(i) + ']', out[i], problem)) {
            return false;
        }
    }
    return true;
}

template <typename T>
bool readObject(const Json& json, const std::string& path, T& out, Problem& problem) {
    if (!json.is_object()) {
        problem = {path, "must be an object"};
        return false;
    }
    for (auto it = json.begin(); it != json.end(); ++it) {
        const std::string& key = it.key();
        const std::string where = path.empty() ? key : path + '.' + key;
        bool known = false;
        bool good = true;
        Fields<T>::each([&](std::string_view field, auto member) {
            if (field == key) {
                known = true;
                good = readField(*it, where, out.*member, problem);
            }
        });
        if (!known) {
            problem = {where, "unknown field"};
        }
        if (!known || !good) {
            return false;
        }
    }
    return true;
}

template <typename T>
std::variant<Value, Problem> decodeAs(const Json& json) {
    T value;
    Problem problem;
    if (!readObject(json, {}, value, problem)) {
        return problem;
    }
    return Value(std::move(value));
}

std::variant<Value, Problem> decodeDocument(Kind kind, const Json& json) {
    switch (kind) {
        case Kind::settings:
            return decodeAs<Settings>(json);
        case Kind::certificate:
            return decodeAs<Certificate>(json);
        case Kind::listener:
            return decodeAs<Listener>(json);
        case Kind::backend:
            return decodeAs<Backend>(json);
        case Kind::endpoints:
            return decodeAs<Endpoints>(json);
        case Kind::route:
            return decodeAs<Route>(json);
    }
    return Problem{{}, "unknown kind"};
}

}  // namespace

std::variant<Value, Problem> decode(Kind kind, std::string_view json) {
    const std::variant<Json, Problem> document = parseStrict(json, kLimits);
    if (const auto* problem = std::get_if<Problem>(&document)) {
        return *problem;
    }
    return decodeDocument(kind, std::get<Json>(document));
}

std::variant<Key, Problem> decodeKey(std::string_view text) {
    if (text.size() > kMaxKeyBytes) {
        return Problem{"key", "longer than " + std::to_string(kMaxKeyBytes) + " bytes"};
    }
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos || slash + 1 == text.size()) {
        return Problem{"key", "must be kind/name"};
    }
    for (const char c : text) {
        if (c <= ' ' || c > '~') {
            return Problem{"key", "must be printable ASCII without spaces"};
        }
    }
    for (const Kind kind : {Kind::settings, Kind::certificate, Kind::listener, Kind::backend,
                            Kind::endpoints, Kind::route}) {
        if (text.substr(0, slash) == name(kind)) {
            return Key{kind, std::string(text.substr(slash + 1))};
        }
    }
    return Problem{"key", "unknown kind"};
}

}  // namespace evergate::model
