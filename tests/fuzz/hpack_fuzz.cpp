// SPDX-License-Identifier: Apache-2.0
// Header blocks mean the same to our decoder and to that of nghttp2: the same fields, or both
// refuse. And what was read is the same again after our encoder. Blocks follow each other, as the
// table is carried over: each begins with the two octets of its size, the upper bit of which says
// whether both sides rest before it.
#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/hpack/decoder.hpp"
#include "dataplane/hpack/encoder.hpp"

namespace {

using evergate::hpack::Decoder;
using evergate::hpack::Encoder;
using evergate::hpack::Field;
using Fields = std::vector<std::pair<std::string, std::string>>;

struct Collected final : evergate::hpack::FieldSink {
    bool onField(std::string_view name, std::string_view value) override {
        fields.emplace_back(name, value);
        return true;
    }

    Fields fields;
};

struct InflaterDeleter {
    void operator()(nghttp2_hd_inflater* inflater) const { nghttp2_hd_inflate_del(inflater); }
};

using Inflater = std::unique_ptr<nghttp2_hd_inflater, InflaterDeleter>;

// False: refused.
bool inflate(nghttp2_hd_inflater* inflater, std::string_view block, Fields& fields) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
    std::size_t left = block.size();
    int flags = 0;
    while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
        nghttp2_nv nv;
        flags = 0;
        const auto used = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, at, left, 1);
        if (used < 0)
            return false;
        at += used;
        left -= static_cast<std::size_t>(used);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
            fields.emplace_back(std::string(nv.name, nv.name + nv.namelen),
                                std::string(nv.value, nv.value + nv.valuelen));
    }
    nghttp2_hd_inflate_end_headers(inflater);
    return true;
}

std::string encode(Encoder& encoder, const Fields& fields) {
    std::string start(Encoder::kBlockStart, '\0');
    std::string block(start.data(), encoder.beginBlock(start.data()));
    for (const auto& [name, value] : fields) {
        const Field field{name, value, value.size() % 4 != 3};
        std::vector<char> room(Encoder::bound(field));
        block.append(room.data(), encoder.encode(field, room.data()));
    }
    return block;
}

std::string lowered(std::string name) {
    for (char& c : name)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    return name;
}

// One connection: what comes in goes out again.
class Connection {
public:
    Connection() {
        nghttp2_hd_inflater* made = nullptr;
        if (nghttp2_hd_inflate_new(&made) != 0)
            std::abort();
        inflater_.reset(made);
    }

    void rest() {
        decoder_.rest();
        encoder_.rest();
        back_.rest();
    }

    // False: refused, by both.
    bool take(std::string_view block) {
        Collected ours;
        Fields theirs;
        const bool done = decoder_.decode(block, scratch_, ours) == Decoder::Result::done;
        if (done != inflate(inflater_.get(), block, theirs) || ours.fields != theirs)
            std::abort();
        if (done)
            sendBack(std::move(ours.fields));
        return done;
    }

private:
    void sendBack(Fields fields) {
        const std::string block = encode(encoder_, fields);
        Collected same;
        for (auto& field : fields)
            field.first = lowered(std::move(field.first));
        if (back_.decode(block, scratch_, same) != Decoder::Result::done || same.fields != fields)
            std::abort();
    }

    Inflater inflater_;
    Decoder decoder_;
    Encoder encoder_;
    Decoder back_;
    std::string scratch_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Connection connection;
    while (size >= 2) {
        if ((data[0] & 0x80) != 0)
            connection.rest();
        const std::size_t wanted = static_cast<std::size_t>(data[0] & 0x7f) << 8 | data[1];
        const std::size_t length = wanted < size - 2 ? wanted : size - 2;
        // A copy of its own size, so that a checker sees reads behind its end.
        const std::string block(reinterpret_cast<const char*>(data + 2), length);
        if (!connection.take(block))
            return 0;
        data += 2 + length;
        size -= 2 + length;
    }
    return 0;
}
