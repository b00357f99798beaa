// SPDX-License-Identifier: Apache-2.0
// Header blocks of the tests: as hexadecimal text, and as lists of fields.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/hpack/decoder.hpp"
#include "dataplane/hpack/encoder.hpp"

namespace evergate::hpack {

using Fields = std::vector<std::pair<std::string, std::string>>;

// "8286 8441": blanks are dropped.
inline std::string octets(std::string_view hex) {
    std::string digits;
    for (const char c : hex) {
        if (c != ' ' && c != '\n')
            digits.push_back(c);
    }
    std::string out;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
        out.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
    return out;
}

class Collected final : public FieldSink {
public:
    explicit Collected(std::size_t most = 100'000) : most_(most) {}

    bool onField(std::string_view name, std::string_view value) override {
        fields.emplace_back(name, value);
        return fields.size() < most_;
    }

    Fields fields;

private:
    std::size_t most_;
};

struct Decoded {
    Decoder::Result result;
    Fields fields;

    bool operator==(const Decoded&) const = default;
};

inline Decoded decode(Decoder& decoder, std::string_view block) {
    const std::string copy(block);  // of its own size, so that a checker sees reads behind it
    std::string scratch;
    Collected sink;
    const Decoder::Result result = decoder.decode(copy, scratch, sink);
    return {result, std::move(sink.fields)};
}

// Each field into room of exactly the promised size.
inline std::string encode(Encoder& encoder, const std::vector<Field>& fields) {
    std::string start(Encoder::kBlockStart, '\0');
    std::string block(start.data(), encoder.beginBlock(start.data()));
    for (const Field& field : fields) {
        std::vector<char> room(Encoder::bound(field));
        block.append(room.data(), encoder.encode(field, room.data()));
    }
    return block;
}

}  // namespace evergate::hpack
