// SPDX-License-Identifier: Apache-2.0
// Finds its way through JSON text without building a tree: where a value ends, the members of an
// object, the identity of a Kubernetes object.
//
// Pure; any thread. It follows strings, escapes and nesting only: whether a value is well-formed is
// decided by whoever decodes it. Nothing here allocates for, recurses into or throws on outside
// bytes.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace evergate::controller::kubernetes {

inline constexpr unsigned kMaxJsonDepth = 256;

constexpr bool isJsonSpace(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Follows one value, whose first byte must not be a space, to its end, over any split of its bytes.
class JsonValueCursor {
public:
    enum class State { inside, ended, tooDeep };

    // Takes bytes of `text` until the value ends; `taken` says how many belong to it. A number or
    // literal ends before the byte that follows it.
    State follow(std::string_view text, std::size_t& taken) noexcept;

private:
    bool step(char c, std::size_t& taken) noexcept;

    unsigned depth_ = 0;
    bool started_ = false;
    bool inString_ = false;
    bool escaped_ = false;
    bool scalar_ = false;
};

// Calls visit(key, value) for every member of the object `text`; both are raw JSON text, the key
// without its quotes. False when `text` is not an object or ends early; visit may have been called
// before.
bool forEachMember(std::string_view text,
                   const std::function<void(std::string_view, std::string_view)>& visit);

// The text of a JSON string, unescaped; nothing when `value` is no string.
std::optional<std::string> stringOf(std::string_view value);

// What every Kubernetes object says about itself.
struct ObjectIdentity {
    std::string nameSpace;
    std::string name;
    std::string resourceVersion;
};

// Nothing when there is no metadata object.
std::optional<ObjectIdentity> identityOf(std::string_view object);

}  // namespace evergate::controller::kubernetes
