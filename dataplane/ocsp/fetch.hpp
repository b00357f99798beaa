// SPDX-License-Identifier: Apache-2.0
// One question to an OCSP responder, over plain HTTP (RFC 6960 appendix A: POST).
//
// An ordinary coroutine on the control thread's executor. Name, connection and answer have
// deadlines; an answer has at most kMaxAnswer bytes; redirects are not followed. Never throws for
// what the responder does.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <string>

#include "common/process/name_resolver.hpp"
#include "dataplane/ocsp/responder.hpp"
#include "dataplane/tls/ocsp.hpp"

namespace evergate::ocsp {

inline constexpr std::size_t kMaxAnswer = 64 * 1024;

struct Fetched {
    tls::OcspOutcome outcome = tls::OcspOutcome::unreachable;  // good: there is a body
    std::string body;                                          // DER, not looked at
    std::string detail;                                        // what is wrong
};

// `names` outlives the call and does nothing else meanwhile.
boost::asio::awaitable<Fetched> fetch(Responder responder, std::string request, Scope scope,
                                      process::NameResolver& names);

}  // namespace evergate::ocsp
