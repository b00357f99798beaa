// SPDX-License-Identifier: Apache-2.0
// What attackers say on one HTTP/2 connection, by hand-made frames (RFC 9113 §4, §6): a subclass
// per attack. They only compose and listen; http2_attacker.cpp has the sockets.
//
// The names are those of http2_attacks.py. Rapid reset is CVE-2023-44487, made_you_reset
// CVE-2025-8671, the floods are CVE-2019-9511 to -9518 and CVE-2024-27316 (CONTINUATION).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace evergate::bench {

enum FrameType : std::uint8_t {
    kData = 0,
    kHeaders = 1,
    kPriority = 2,
    kRstStream = 3,
    kSettings = 4,
    kPing = 6,
    kGoaway = 7,
    kWindowUpdate = 8,
    kContinuation = 9,
};

struct Frame {
    std::uint8_t type;
    std::uint8_t flags;
    std::uint32_t stream;
    std::string_view payload;
};

// A number of 32 bits at the front of `bytes`; 0 when they are fewer.
std::uint32_t numberOf(std::string_view bytes);

class Attack {
public:
    Attack(std::string host, std::string path) : host_(std::move(host)), path_(std::move(path)) {}

    virtual ~Attack() = default;

    // The first bytes of a connection.
    virtual std::string opening();

    // Appends what comes next, some kilobytes of it. False: nothing, until something was heard.
    virtual bool next(std::string& out) = 0;

    virtual void hear(const Frame&) {}

    virtual bool reads() const { return true; }

protected:
    // The header block of a request: static names, no compression.
    std::string block(bool post = false) const;
    std::string request(std::uint32_t stream, bool ended) const;

    std::uint32_t newStream() { return lastStream_ += 2; }

private:
    std::string host_;
    std::string path_;
    std::uint32_t lastStream_ = static_cast<std::uint32_t>(-1);
};

// Null: there is none of that name.
std::unique_ptr<Attack> makeAttack(std::string_view name, const std::string& host,
                                   const std::string& path);

}  // namespace evergate::bench
