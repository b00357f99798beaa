// SPDX-License-Identifier: Apache-2.0
// The head of an HTTP/1.1 request as the fields of an HTTP/2 one (RFC 9113 §8.3.1), and an HTTP/1.1
// trailer section as fields.
//
// The head is one we composed ourselves: what it says is well-formed. Fields that belong to a
// connection end here (§8.2.2). The views are the head's, and so is the case of names, which
// HPACK's encoder lowers. Reused: nothing is allocated in the steady state. Pure.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "dataplane/hpack/field.hpp"
#include "dataplane/http/head.hpp"

namespace evergate::http2 {

class RequestFields {
public:
    // `scheme`: of the connection they go to. `tunnel`: the request for a WebSocket becomes an
    // extended CONNECT (RFC 8441 §4); any other upgrade is not asked for.
    // `otherwise`: the authority where the client named none; many servers want one.
    void assign(const http::RequestHead& head, std::string_view scheme, bool tunnel = false,
                std::string_view otherwise = {});
    // "Name: value\r\n" per field.
    void assignTrailers(std::string_view section);

    std::span<const hpack::Field> all() const noexcept { return fields_; }

private:
    void add(std::string_view name, std::string_view value);
    void addAll(const http::RequestHead& head, bool tunnel);

    std::vector<hpack::Field> fields_;
};

// The only protocol that is known to exist in both versions.
bool isWebSocket(std::string_view upgrade) noexcept;

}  // namespace evergate::http2
