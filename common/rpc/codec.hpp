// SPDX-License-Identifier: Apache-2.0
// Messages <-> JSON-RPC 2.0 text, one message per WebSocket text frame. No I/O.
//
// Decoding is bounded (size, nesting, lengths) and never throws; unknown members are ignored so
// that either side may be newer. What does not decode is an anomaly: the connection closes and
// resume puts it right. Only a bad upsert value is kept apart (Part::refused): it costs that key
// alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "common/rpc/message.hpp"

namespace evergate::rpc {

struct DecodeError {
    std::string why;
};

std::variant<Message, DecodeError> decode(std::string_view text);

std::string encodeHello(std::uint64_t id, const Hello& hello);
std::string encodeKeysRequest(const KeysRequest& request);
std::string encodeTicketKeys(const TicketKeys& message);
std::string encodeWelcome(std::uint64_t id, const Welcome& welcome);
std::string encodeAck(std::uint64_t id, const Ack& ack);
std::string encodeKeysPage(std::uint64_t id, const KeysPage& page);
std::string encodeError(std::uint64_t id, const Error& error);

// Text as a JSON string, quotes included; bytes that are not UTF-8 are replaced.
std::string jsonText(std::string_view text);
std::string toHex(const model::ContentHash& hash);

}  // namespace evergate::rpc
