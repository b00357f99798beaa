// SPDX-License-Identifier: Apache-2.0
// The body of a gRPC-Web request in base64: what it means does not depend on how it came; what was
// decoded and is encoded again decodes to the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dataplane/http/grpc_web_body.hpp"

namespace {

using evergate::http::Base64Body;
using evergate::http::BodyFilter;
using evergate::http::GrpcWebBody;
using Until = BodyFilter::Until;

constexpr std::string_view kFailed = "|failed";

// Appends what comes out; false: it failed.
bool run(BodyFilter& filter, std::string_view in, std::size_t room, Until until, std::string& all) {
    std::string out(room, '\0');
    for (;;) {
        const auto step = filter.step(in, out.data(), room, until);
        if (step.failed)
            return false;
        if (step.consumed > in.size() || step.produced > room ||
            (!step.done && step.consumed + step.produced == 0))
            std::abort();
        all.append(out, 0, step.produced);
        in.remove_prefix(step.consumed);
        if (step.done)
            return true;
    }
}

std::string decode(std::string_view text, std::size_t piece, std::size_t room) {
    Base64Body body;
    std::string all;
    for (std::size_t at = 0; at < text.size(); at += piece) {
        if (!run(body, text.substr(at, piece), room, Until::more, all))
            return all.append(kFailed);
    }
    return run(body, {}, room, Until::end, all) ? all : all.append(kFailed);
}

std::string encode(std::string_view bytes, std::size_t piece) {
    GrpcWebBody body(true);
    std::string all;
    for (std::size_t at = 0; at < bytes.size(); at += piece)
        run(body, bytes.substr(at, piece), 16, at % 2 == 0 ? Until::more : Until::flush, all);
    body.takeTrailers({});
    run(body, {}, 16, Until::end, all);
    return all;
}

bool endsSo(std::string_view text) {
    return text.size() >= kFailed.size() && text.substr(text.size() - kFailed.size()) == kFailed;
}

// Where it fails depends on nothing but the input; what came before does on the pieces.
bool same(const std::string& a, const std::string& b) {
    return a == b || (endsSo(a) && endsSo(b));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::string whole = decode(text, size + 1, size + BodyFilter::kLeastRoom);
    for (const std::size_t piece : {1u, 3u, 7u}) {
        if (!same(decode(text, piece, 16), whole) || !same(decode(text, piece, 17), whole))
            std::abort();
    }
    std::string inPlace(text);
    Base64Body body;
    const auto step = body.step(inPlace, inPlace.data(), inPlace.size(), Until::more);
    if (!step.failed &&
        (!step.done || inPlace.substr(0, step.produced) != whole.substr(0, step.produced)))
        std::abort();
    for (const std::size_t piece : {1u, 2u, 5u, 64u}) {
        if (decode(encode(text, piece), 6, 16) != text)
            std::abort();
    }
    return 0;
}
