// SPDX-License-Identifier: Apache-2.0
// Our encoder and decoder against each other and against those of nghttp2, with random blocks.
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/dataplane/hpack/blocks.hpp"

namespace evergate::hpack {
namespace {

constexpr int kBlocks = 10'000;

struct Deleter {
    void operator()(nghttp2_hd_inflater* inflater) const { nghttp2_hd_inflate_del(inflater); }

    void operator()(nghttp2_hd_deflater* deflater) const { nghttp2_hd_deflate_del(deflater); }
};

class Inflater {
public:
    Inflater() {
        nghttp2_hd_inflater* made = nullptr;
        nghttp2_hd_inflate_new(&made);
        inflater_.reset(made);
    }

    Fields read(std::string_view block) {
        Fields fields;
        const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
        const auto* const end = at + block.size();
        int flags = 0;
        while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
            nghttp2_nv nv;
            flags = 0;
            const auto left = static_cast<std::size_t>(end - at);
            const auto used = nghttp2_hd_inflate_hd2(inflater_.get(), &nv, &flags, at, left, 1);
            if (used < 0)
                return {{"failed", std::to_string(used)}};
            at += used;
            if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
                fields.emplace_back(std::string(nv.name, nv.name + nv.namelen),
                                    std::string(nv.value, nv.value + nv.valuelen));
        }
        nghttp2_hd_inflate_end_headers(inflater_.get());
        return fields;
    }

    void setTableSize(std::size_t size) {
        ASSERT_EQ(nghttp2_hd_inflate_change_table_size(inflater_.get(), size), 0);
    }

private:
    std::unique_ptr<nghttp2_hd_inflater, Deleter> inflater_;
};

class Deflater {
public:
    Deflater() {
        nghttp2_hd_deflater* made = nullptr;
        nghttp2_hd_deflate_new(&made, Decoder::kTableSize);
        deflater_.reset(made);
    }

    std::string write(const Fields& fields, bool index) {
        std::vector<nghttp2_nv> all;
        for (const auto& [name, value] : fields) {
            const auto flags = index ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX;
            all.push_back({octetsOf(name), octetsOf(value), name.size(), value.size(),
                           static_cast<std::uint8_t>(flags)});
        }
        std::vector<std::uint8_t> out(
            nghttp2_hd_deflate_bound(deflater_.get(), all.data(), all.size()));
        const auto size =
            nghttp2_hd_deflate_hd(deflater_.get(), out.data(), out.size(), all.data(), all.size());
        EXPECT_GE(size, 0);
        return {out.begin(), out.begin() + size};
    }

    void setTableSize(std::size_t size) {
        ASSERT_EQ(nghttp2_hd_deflate_change_table_size(deflater_.get(), size), 0);
    }

private:
    static std::uint8_t* octetsOf(const std::string& text) {
        return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
    }

    std::unique_ptr<nghttp2_hd_deflater, Deleter> deflater_;
};

class RandomFields {
public:
    explicit RandomFields(unsigned seed) : random_(seed) {}

    Fields block() {
        Fields fields(below(12));
        for (auto& [name, value] : fields) {
            name = pick({":method", ":path", ":status", "accept", "cookie", "set-cookie", "date",
                         "content-type", "x-a", "x-request-id", "user-agent", "authorization"});
            if (below(8) == 0)
                name = text(1 + below(90), 26, 'a');
            value = pick({"GET", "/", "200", "text/html; charset=utf-8", "", "!", "no-cache"});
            if (below(3) == 0)
                value = text(below(below(20) == 0 ? 5'000 : 100), 100, ' ');
            else if (below(3) == 0)
                value += std::to_string(below(30));
            if (below(50) == 0)
                value = text(below(300), 256, '\0');
        }
        return fields;
    }

    unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }

private:
    std::string pick(const std::vector<std::string>& from) {
        return from[below(static_cast<unsigned>(from.size()))];
    }

    std::string text(std::size_t size, unsigned range, char first) {
        std::string made(size, '\0');
        for (char& c : made)
            c = static_cast<char>(static_cast<unsigned>(first) + below(range));
        return made;
    }

    std::mt19937 random_;
};

std::vector<Field> views(const Fields& fields, RandomFields& random) {
    std::vector<Field> all;
    for (const auto& [name, value] : fields)
        all.push_back({name, value, random.below(6) != 0});
    return all;
}

TEST(Nghttp2, ReadsWhatWeWrite) {
    RandomFields random(4);
    Encoder encoder(0);
    Decoder decoder;
    Inflater inflater;
    for (int i = 0; i < kBlocks; ++i) {
        while (random.below(20) == 0) {
            const unsigned size = random.below(2) == 0 ? random.below(300) : random.below(9'000);
            encoder.setMaxTableSize(size);
            inflater.setTableSize(size);
        }
        if (random.below(50) == 0)
            encoder.rest();
        if (random.below(10) == 0)
            decoder.rest();
        const Fields fields = random.block();
        const std::string block = encode(encoder, views(fields, random));
        ASSERT_EQ(inflater.read(block), fields) << i;
        ASSERT_EQ(decode(decoder, block), (Decoded{Decoder::Result::done, fields})) << i;
    }
}

TEST(Nghttp2, WritesWhatWeRead) {
    RandomFields random(5);
    Deflater deflater;
    Decoder decoder;
    for (int i = 0; i < kBlocks; ++i) {
        while (random.below(20) == 0)
            deflater.setTableSize(random.below(4'097));
        if (random.below(10) == 0)
            decoder.rest();
        const Fields fields = random.block();
        const std::string block = deflater.write(fields, random.below(6) != 0);
        ASSERT_EQ(decode(decoder, block), (Decoded{Decoder::Result::done, fields})) << i;
    }
}

// All 256 octets, in strings both sides code.
TEST(Nghttp2, HasTheSameHuffmanCode) {
    Encoder encoder(0);
    Decoder decoder;
    Inflater inflater;
    Deflater deflater;
    for (int c = 0; c < 256; ++c) {
        const std::string value = std::string(100, '0') + static_cast<char>(c);
        const Fields fields{{"x", value}};
        EXPECT_EQ(inflater.read(encode(encoder, {{"x", value}})), fields);
        EXPECT_EQ(decode(decoder, deflater.write(fields, true)).fields, fields);
    }
}

}  // namespace
}  // namespace evergate::hpack
