// SPDX-License-Identifier: Apache-2.0
// PROXY protocol headers: more bytes never change what the first ones meant, and what a header says
// survives being written anew.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dataplane/net/proxy_header.hpp"

namespace {

using namespace evergate::net;

void require(bool holds) {
    if (!holds)
        std::abort();
}

bool same(const SocketAddress& a, const SocketAddress& b) {
    return a.mapped() == b.mapped() && a.port() == b.port();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    ProxyHeader header;
    const auto whole = parseProxyHeader(bytes, header).status;
    require(whole != ProxyHeaderStatus::incomplete || size < kMaxProxyHeader);
    // As it arrives, in two parts: the first may leave the answer open, not change it.
    ProxyHeader early;
    const std::size_t part = size == 0 ? 0 : data[size - 1] % (size + 1);
    const auto first = parseProxyHeader(bytes.substr(0, part), early).status;
    require(first == ProxyHeaderStatus::incomplete || first == whole);
    if (whole != ProxyHeaderStatus::complete)
        return 0;
    require(header.bytes <= size && header.bytes <= kMaxProxyHeader);
    require(first == whole ? early.bytes == header.bytes : part < header.bytes);
    if (!header.hasAddresses)
        return 0;
    ProxyFacts facts{.authority = bytes.substr(0, size % 300), .uniqueId = header.uniqueId};
    facts.tlsVersion = facts.tlsCipher = facts.protocol = facts.authority;
    for (const std::string& text : {composeProxyV1(header.source, header.destination),
                                    composeProxyV2(header.source, header.destination, facts)}) {
        ProxyHeader again;
        require(parseProxyHeader(text, again).status == ProxyHeaderStatus::complete);
        require(again.bytes == text.size() && again.hasAddresses);
        require(text.starts_with('P') || again.uniqueId == header.uniqueId);
        require(same(again.source, header.source) && same(again.destination, header.destination));
    }
    return 0;
}
