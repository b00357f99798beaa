// SPDX-License-Identifier: Apache-2.0
// Any bytes as a frame: decoding neither crashes nor throws, and an answer encodes again.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "common/rpc/codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace rpc = evergate::rpc;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto decoded = rpc::decode(text);
    if (const auto* message = std::get_if<rpc::Message>(&decoded)) {
        if (const auto* hello = std::get_if<rpc::HelloRequest>(message)) {
            rpc::encodeHello(hello->id, hello->hello);
        } else if (const auto* reply = std::get_if<rpc::Reply>(message)) {
            if (const auto* error = std::get_if<rpc::Error>(&reply->outcome)) {
                rpc::encodeError(reply->id, *error);
            }
        }
    }
    return 0;
}
