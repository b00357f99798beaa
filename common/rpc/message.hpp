// SPDX-License-Identifier: Apache-2.0
// What the two programs say to each other, as plain values. codec.hpp has their bytes, docs/rpc.md
// the conversation. The data plane asks only `hello`; everything else is asked by the controller.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/model/config.hpp"

namespace evergate::rpc {

inline constexpr int kProtocolMin = 1;
inline constexpr int kProtocolMax = 1;

// What a data plane has applied in one lane.
struct LaneState {
    std::uint64_t version = 0;
    model::RootHash root;

    friend bool operator==(const LaneState&, const LaneState&) = default;
};

struct Hello {
    std::string nodeId;  // survives a restart
    std::string bootId;  // does not
    std::string build;
    int protocolMin = kProtocolMin;
    int protocolMax = kProtocolMax;
    std::string epoch;                 // of the controller the versions came from
    std::array<LaneState, 2> lanes{};  // by model::Lane

    friend bool operator==(const Hello&, const Hello&) = default;
};

struct Welcome {
    int protocol = kProtocolMax;
    std::string epoch;

    friend bool operator==(const Welcome&, const Welcome&) = default;
};

// Stands on every part of a transaction.
struct TransactionHeader {
    model::Lane lane = model::Lane::config;
    std::string epoch;
    std::uint64_t transaction = 0;  // grows within a connection and lane
    std::uint64_t version = 0;      // what the lane is at afterwards
    model::RootHash base;           // what it must be at before
    model::RootHash target;         // what it must be at afterwards
    bool snapshot = false;          // replaces the whole lane instead of changing it
    std::uint64_t keyCount = 0;     // keys in the lane afterwards, checked

    friend bool operator==(const TransactionHeader&, const TransactionHeader&) = default;
};

// A key that is refused. Text, because it may name a kind we do not know.
struct KeyProblem {
    std::string key;
    model::Problem problem;

    friend bool operator==(const KeyProblem&, const KeyProblem&) = default;
};

struct Part {
    TransactionHeader header;
    std::uint32_t index = 0;
    bool last = true;
    std::vector<std::pair<model::Key, model::Value>> upserts;
    std::vector<model::Key> deletes;
    std::vector<KeyProblem> refused;  // filled by decoding: upserts that are no value of ours
};

struct Ack {
    std::uint64_t version = 0;
    model::RootHash root;

    friend bool operator==(const Ack&, const Ack&) = default;
};

struct KeysPage {
    std::vector<std::pair<model::Key, model::ContentHash>> keys;  // sorted
    bool more = false;

    friend bool operator==(const KeysPage&, const KeysPage&) = default;
};

enum class ErrorCode : int {
    methodNotFound = -32601,
    notReady = 1,      // to hello: the source has not synced; retryAfterMs
    noProtocol = 2,    // to hello: no version in common
    baseMismatch = 3,  // the lane is not at `base`
    rootMismatch = 4,  // applying gave another root or key count than promised
    invalidKeys = 5,   // problems names them; everything else was fine
    outOfOrder = 6,    // a part out of order or over a bound; the connection closes
};

struct Error {
    ErrorCode code = ErrorCode::methodNotFound;
    std::string message;
    std::uint32_t retryAfterMs = 0;
    std::vector<KeyProblem> problems;

    friend bool operator==(const Error&, const Error&) = default;
};

// Messages as they arrive.
struct HelloRequest {
    std::uint64_t id = 0;
    Hello hello;
};

struct PartMessage {
    std::optional<std::uint64_t> id;  // on the last part only: that one is answered
    Part part;
};

struct KeysRequest {
    std::uint64_t id = 0;
    model::Lane lane = model::Lane::config;
    std::optional<model::Key> after;
};

// For TLS sessions that any data plane of the controller resumes: keys of kTicketKeyBytes each, at
// least one; the first seals. Nobody answers.
struct TicketKeys {
    std::vector<std::string> keys;

    friend bool operator==(const TicketKeys&, const TicketKeys&) = default;
};

struct UnknownCall {
    std::optional<std::uint64_t> id;
    std::string method;
};

struct Reply {
    std::uint64_t id = 0;
    std::variant<Welcome, Ack, KeysPage, Error> outcome;
};

using Message =
    std::variant<HelloRequest, PartMessage, KeysRequest, TicketKeys, UnknownCall, Reply>;

}  // namespace evergate::rpc
