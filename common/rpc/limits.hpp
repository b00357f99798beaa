// SPDX-License-Identifier: Apache-2.0
// Every bound of the protocol in one place. Over a bound is an error answer and a closed
// connection, never a crash. docs/rpc.md states these numbers; change both.
#pragma once

#include <chrono>
#include <cstddef>

namespace evergate::rpc {

inline constexpr std::size_t kMaxFrameBytes = 1024 * 1024;
inline constexpr std::size_t kPartBytes = 256 * 1024;  // a part is cut when it has grown past this
inline constexpr std::size_t kMaxValueBytes = 768 * 1024;  // one encoded value; must fit one part
inline constexpr std::size_t kMaxTransactionBytes = 256 * 1024 * 1024;
inline constexpr std::size_t kMaxTransactionKeys = 1'000'000;
inline constexpr std::size_t kMaxNameBytes = 256;  // node id, boot id, build, epoch
inline constexpr std::size_t kMaxProblems =
    1'000;  // in one refusal; the others follow in later ones
inline constexpr std::size_t kTicketKeyBytes = 80;  // 16 of name, 32 of cipher, 32 of MAC
inline constexpr std::size_t kMaxTicketKeys = 4;
inline constexpr std::size_t kMaxDepth = 32;           // nesting of a frame's JSON
inline constexpr std::size_t kSendAhead = 512 * 1024;  // bytes queued before a transaction waits

inline constexpr std::chrono::seconds kOpenDeadline{10};   // dial, TLS and WebSocket handshake
inline constexpr std::chrono::seconds kIdleDeadline{20};   // a ping goes out at half of it
inline constexpr std::chrono::seconds kHelloDeadline{10};  // open -> hello, and hello -> answer
inline constexpr std::chrono::seconds kReplyDeadline{30};  // last part of a request -> its answer
inline constexpr std::chrono::milliseconds kRedialMin{10};
inline constexpr std::chrono::milliseconds kRedialMax{15'000};
inline constexpr std::chrono::hours kTicketPeriod{6};  // from one key of tickets to the next

}  // namespace evergate::rpc
