// SPDX-License-Identifier: Apache-2.0
#include "common/model/values.hpp"

#include <array>
#include <type_traits>

namespace evergate::model {
namespace {

// The variant's alternatives are declared in another order than Kind: Kind is the order of
// applying.
template <typename T>
constexpr Kind kindFor() noexcept {
    if constexpr (std::is_same_v<T, Settings>) {
        return Kind::settings;
    } else if constexpr (std::is_same_v<T, Certificate>) {
        return Kind::certificate;
    } else if constexpr (std::is_same_v<T, Listener>) {
        return Kind::listener;
    } else if constexpr (std::is_same_v<T, Backend>) {
        return Kind::backend;
    } else if constexpr (std::is_same_v<T, Endpoints>) {
        return Kind::endpoints;
    } else {
        static_assert(std::is_same_v<T, Route>);
        return Kind::route;
    }
}

constexpr std::array<std::string_view, kKinds> kNames{"settings", "certificate", "listener",
                                                      "backend",  "endpoints",   "route"};

}  // namespace

Kind kindOf(const Value& value) noexcept {
    return std::visit([]<typename T>(const T&) { return kindFor<T>(); }, value);
}

std::string_view name(Kind kind) noexcept {
    const auto index = static_cast<std::size_t>(kind);
    return index < kNames.size() ? kNames[index] : std::string_view("unknown");
}

std::string toText(const Key& key) {
    const std::string_view kind = name(key.kind);
    std::string text;
    text.reserve(kind.size() + 1 + key.name.size());
    text.append(kind).append(1, '/').append(key.name);
    return text;
}

}  // namespace evergate::model
