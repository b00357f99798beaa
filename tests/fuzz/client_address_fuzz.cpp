// SPDX-License-Identifier: Apache-2.0
// X-Forwarded-For and Forwarded: whatever a client writes in front, the address its trusted proxy
// appends is the one that counts.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dataplane/session/client_address.hpp"

namespace {

using namespace evergate;
using model::ClientAddressHeader;

session::SaidClient ask(std::string_view value, ClientAddressHeader where) {
    static const routing::SourceNetworks trusted({"10.0.0.0/8", "2001:db8::/32"});
    http::RequestHead head;
    const bool forwarded = where == ClientAddressHeader::forwarded;
    head.fields.push_back(
        {forwarded ? http::HeaderName::forwarded : http::HeaderName::xForwardedFor, false,
         forwarded ? "Forwarded" : "X-Forwarded-For", value});
    return session::saidClient(head, where, trusted);
}

bool isClient(const session::SaidClient& said) {
    return said.address && *said.address == *net::SocketAddress::parse("192.0.2.7", 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    ask(text, ClientAddressHeader::xForwardedFor);
    ask(text, ClientAddressHeader::forwarded);
    if (!isClient(ask(text + ", 192.0.2.7", ClientAddressHeader::xForwardedFor)) ||
        !isClient(ask(text + ", 192.0.2.7, 10.0.0.1", ClientAddressHeader::xForwardedFor)) ||
        !isClient(ask(text + ", for=192.0.2.7", ClientAddressHeader::forwarded)) ||
        !isClient(ask(text + ",for=\"192.0.2.7\";proto=http, for=\"[2001:db8::1]:4\"",
                      ClientAddressHeader::forwarded)))
        std::abort();
    return 0;
}
