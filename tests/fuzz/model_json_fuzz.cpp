// SPDX-License-Identifier: Apache-2.0
// The first byte picks the kind; the rest is the JSON of a value, and also tried as a key.
#include <cstdlib>

#include "common/model/json.hpp"
#include "common/model/validation.hpp"

using namespace evergate::model;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const Kind kind = static_cast<Kind>(static_cast<std::uint8_t>(data[0] - '0') % 5);
    const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
    const auto key = decodeKey(text);
    if (std::holds_alternative<Key>(key) && encodeKey(std::get<Key>(key)) != text) {
        std::abort();
    }
    const auto value = decode(kind, text);
    if (const auto* good = std::get_if<Value>(&value)) {
        validate(Key{kind, "fuzz"}, *good);
        const auto again = decode(kind, encode(*good));
        if (!std::holds_alternative<Value>(again) || !(std::get<Value>(again) == *good)) {
            std::abort();
        }
    }
    return 0;
}
