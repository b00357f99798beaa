// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/proxy_header.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

namespace evergate::net {
namespace {

using Status = ProxyHeaderStatus;

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::string_view kLine = "PROXY ";
constexpr std::size_t kMaxLine = 107;
constexpr std::size_t kFixed = 16;  // signature, version and command, family, length
constexpr std::size_t kBytesV4 = 12;
constexpr std::size_t kBytesV6 = 36;
constexpr std::size_t kBytesUnix = 216;
constexpr std::size_t kMaxName = 255;  // of a host, a protocol, a cipher
constexpr std::size_t kMaxUniqueId = 128;

constexpr std::uint8_t kAlpn = 0x01;
constexpr std::uint8_t kAuthority = 0x02;
constexpr std::uint8_t kCrc32c = 0x03;
constexpr std::uint8_t kUniqueId = 0x05;
constexpr std::uint8_t kTls = 0x20;
constexpr std::uint8_t kTlsVersion = 0x21;
constexpr std::uint8_t kTlsCipher = 0x23;
constexpr std::uint8_t kClientUsedTls = 0x01;
constexpr std::uint32_t kNoCertificate = 1;  // anything but 0: none was verified

constexpr ProxyHeaderResult malformed(const char* problem) noexcept {
    return {Status::malformed, problem};
}

std::uint8_t byteAt(std::string_view bytes, std::size_t at) noexcept {
    return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t shortAt(std::string_view bytes, std::size_t at) noexcept {
    return static_cast<std::uint16_t>(byteAt(bytes, at) << 8 | byteAt(bytes, at + 1));
}

// Whether `bytes` begin, as far as they go, like `wanted`.
bool agree(std::string_view bytes, std::string_view wanted) noexcept {
    const std::size_t size = std::min(bytes.size(), wanted.size());
    return bytes.substr(0, size) == wanted.substr(0, size);
}

// Decimal without leading zeros.
std::optional<std::uint16_t> parsePort(std::string_view text) noexcept {
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc() || stop != end || (text.size() > 1 && text.front() == '0'))
        return std::nullopt;
    return port;
}

// Up to the next space, which goes too.
std::string_view nextWord(std::string_view& rest) noexcept {
    const std::size_t space = std::min(rest.find(' '), rest.size());
    const std::string_view word = rest.substr(0, space);
    rest.remove_prefix(std::min(space + 1, rest.size()));
    return word;
}

// "10.0.0.9 10.0.0.1 51234 443": exactly four words, one space between them.
bool parseWords(std::string_view rest, int family, ProxyHeader& out) noexcept {
    if (std::count(rest.begin(), rest.end(), ' ') != 3)
        return false;
    const std::string_view from = nextWord(rest);
    const std::string_view to = nextWord(rest);
    const auto fromPort = parsePort(nextWord(rest));
    const auto toPort = parsePort(nextWord(rest));
    if (!fromPort || !toPort)
        return false;
    const auto source = SocketAddress::parse(from, *fromPort);
    const auto destination = SocketAddress::parse(to, *toPort);
    if (!source || !destination || source->family() != family || destination->family() != family)
        return false;
    out.source = *source;
    out.destination = *destination;
    out.hasAddresses = true;
    return true;
}

ProxyHeaderResult parseLine(std::string_view bytes, ProxyHeader& out) noexcept {
    const std::size_t end = bytes.substr(0, kMaxLine).find("\r\n");
    if (end == std::string_view::npos)
        return bytes.size() < kMaxLine ? ProxyHeaderResult{} : malformed("line too long");
    std::string_view rest = bytes.substr(kLine.size(), end - std::min(end, kLine.size()));
    out.bytes = end + 2;
    if (rest == "UNKNOWN" || rest.starts_with("UNKNOWN "))
        return {Status::complete};  // the rest of the line is to be ignored
    const std::string_view protocol = nextWord(rest);
    const int family = protocol == "TCP4" ? AF_INET : protocol == "TCP6" ? AF_INET6 : 0;
    if (family == 0)
        return malformed("unknown protocol");
    if (!parseWords(rest, family, out))
        return malformed("invalid address");
    return {Status::complete};
}

SocketAddress addressV4(std::string_view bytes, std::size_t at, std::uint16_t port) noexcept {
    sockaddr_in native{};
    native.sin_family = AF_INET;
    native.sin_port = htons(port);
    std::memcpy(&native.sin_addr, bytes.data() + at, 4);
    return SocketAddress::fromNative(reinterpret_cast<const sockaddr*>(&native), sizeof native);
}

SocketAddress addressV6(std::string_view bytes, std::size_t at, std::uint16_t port) noexcept {
    sockaddr_in6 native{};
    native.sin6_family = AF_INET6;
    native.sin6_port = htons(port);
    std::memcpy(&native.sin6_addr, bytes.data() + at, 16);
    return SocketAddress::fromNative(reinterpret_cast<const sockaddr*>(&native), sizeof native);
}

// The checksum of the header as it was before its checksum was put into it.
bool isSumOf(std::string_view header, std::size_t at) noexcept {
    std::uint32_t crc = crc32c(header.substr(0, at));
    crc = crc32c(std::string_view("\0\0\0\0", 4), crc);
    crc = crc32c(header.substr(at + 4), crc);
    const std::uint32_t said =
        std::uint32_t{shortAt(header, at)} << 16 | std::uint32_t{shortAt(header, at + 2)};
    return crc == said;
}

// Null, or what is wrong. `header` is the whole of it, its TLVs begin at `at`. Those that we have
// no use for need only stay within it.
const char* readTlvs(std::string_view header, std::size_t at, ProxyHeader& out) noexcept {
    bool summed = false;
    while (at < header.size()) {
        if (header.size() - at < 3)
            return "TLV past the end";
        const std::uint8_t type = byteAt(header, at);
        const std::size_t size = shortAt(header, at + 1);
        at += 3;
        if (size > header.size() - at)
            return "TLV past the end";
        if (type == kUniqueId) {
            if (size > kMaxUniqueId || !out.uniqueId.empty())
                return "unique id too long, or two of them";
            out.uniqueId = header.substr(at, size);
        }
        if (type == kCrc32c) {
            if (summed || size != 4 || !isSumOf(header, at))
                return "wrong checksum";
            summed = true;
        }
        at += size;
    }
    return nullptr;
}

ProxyHeaderResult parseAddresses(std::string_view header, ProxyHeader& out) noexcept {
    const std::size_t size = header.size() - kFixed;
    std::size_t used = 0;
    switch (byteAt(header, 13)) {
        case 0x00:  // UNSPEC: whatever follows is to be ignored
            return {Status::complete};
        case 0x11:
            used = kBytesV4;
            break;
        case 0x21:
            used = kBytesV6;
            break;
        case 0x31:
            used = kBytesUnix;
            break;
        default:
            return malformed("unknown protocol");
    }
    if (size < used)
        return malformed("too short for its addresses");
    if (used == kBytesV4) {
        out.source = addressV4(header, kFixed, shortAt(header, kFixed + 8));
        out.destination = addressV4(header, kFixed + 4, shortAt(header, kFixed + 10));
    } else if (used == kBytesV6) {
        out.source = addressV6(header, kFixed, shortAt(header, kFixed + 32));
        out.destination = addressV6(header, kFixed + 16, shortAt(header, kFixed + 34));
    }
    out.hasAddresses = used != kBytesUnix;
    if (const char* const problem = readTlvs(header, kFixed + used, out))
        return malformed(problem);
    return {Status::complete};
}

ProxyHeaderResult parseBinary(std::string_view bytes, ProxyHeader& out) noexcept {
    if (bytes.size() > 12) {
        const unsigned versionAndCommand = byteAt(bytes, 12);
        if (versionAndCommand >> 4 != 2)
            return malformed("unknown version");
        if ((versionAndCommand & 0xf) > 1)
            return malformed("unknown command");
    }
    if (bytes.size() < kFixed)
        return {};
    const std::size_t size = kFixed + shortAt(bytes, 14);
    if (size > kMaxProxyHeader)
        return malformed("too long");
    if (bytes.size() < size)
        return {};
    out.bytes = size;
    const bool local = (byteAt(bytes, 12) & 0xf) == 0;
    // Whatever LOCAL is followed by is to be skipped.
    return local ? ProxyHeaderResult{Status::complete} : parseAddresses(bytes.substr(0, size), out);
}

// The address alone; of an IPv4 one, `wide` shows it as IPv4-mapped.
std::string wordOf(const SocketAddress& address, bool wide) {
    char text[SocketAddress::kMaxText];
    const std::string_view plain = address.text(text);
    return wide && address.isIpv4() ? "::ffff:" + std::string(plain) : std::string(plain);
}

void append(std::uint32_t value, int bytes, std::string& out) {
    while (bytes-- > 0)
        out += static_cast<char>(value >> (8 * bytes) & 0xff);
}

// Nothing for an empty value, nor for one that is too long.
void appendTlv(std::uint8_t type, std::string_view value, std::size_t most, std::string& out) {
    if (value.empty() || value.size() > most)
        return;
    out += static_cast<char>(type);
    append(static_cast<std::uint32_t>(value.size()), 2, out);
    out.append(value);
}

std::string tlvsOf(const ProxyFacts& facts) {
    std::string tlvs;
    appendTlv(kAlpn, facts.protocol, kMaxName, tlvs);
    appendTlv(kAuthority, facts.authority, kMaxName, tlvs);
    appendTlv(kUniqueId, facts.uniqueId, kMaxUniqueId, tlvs);
    if (facts.tlsVersion.empty())
        return tlvs;
    std::string tls(1, static_cast<char>(kClientUsedTls));
    append(kNoCertificate, 4, tls);
    appendTlv(kTlsVersion, facts.tlsVersion, kMaxName, tls);
    appendTlv(kTlsCipher, facts.tlsCipher, kMaxName, tls);
    appendTlv(kTls, tls, 3 * kMaxName, tlvs);
    return tlvs;
}

void appendAddress(const SocketAddress& address, bool wide, std::string& out) {
    const auto bytes = address.mapped();
    out.append(reinterpret_cast<const char*>(bytes.data()) + (wide ? 0 : 12), wide ? 16 : 4);
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc) noexcept {
    static constexpr auto kTable = [] {
        std::array<std::uint32_t, 256> table{};
        for (std::uint32_t i = 0; i < table.size(); ++i) {
            std::uint32_t value = i;
            for (int bit = 0; bit < 8; ++bit)
                value = value >> 1 ^ (value & 1 ? 0x82f63b78u : 0);
            table[i] = value;
        }
        return table;
    }();
    crc = ~crc;
    for (const char c : bytes)
        crc = crc >> 8 ^ kTable[(crc ^ static_cast<std::uint8_t>(c)) & 0xff];
    return ~crc;
}

ProxyHeaderResult parseProxyHeader(std::string_view bytes, ProxyHeader& out) noexcept {
    out = {};
    if (bytes.empty())
        return {};
    if (agree(bytes, kSignature))
        return bytes.size() < kSignature.size() ? ProxyHeaderResult{} : parseBinary(bytes, out);
    if (agree(bytes, kLine))
        return bytes.size() < kLine.size() ? ProxyHeaderResult{} : parseLine(bytes, out);
    return malformed("no PROXY protocol header");
}

std::string composeProxyV1(const SocketAddress& source, const SocketAddress& destination) {
    const bool wide = !source.isIpv4() || !destination.isIpv4();
    std::string line(wide ? "PROXY TCP6 " : "PROXY TCP4 ");
    line.append(wordOf(source, wide)).append(1, ' ').append(wordOf(destination, wide));
    line.append(1, ' ').append(std::to_string(source.port()));
    return line.append(1, ' ').append(std::to_string(destination.port())).append("\r\n");
}

std::string composeProxyV2(const SocketAddress& source, const SocketAddress& destination,
                           const ProxyFacts& facts) {
    const bool wide = !source.isIpv4() || !destination.isIpv4();
    const std::string tlvs = tlvsOf(facts);
    std::string header(kSignature);
    header += '\x21';
    header += wide ? '\x21' : '\x11';
    append(static_cast<std::uint32_t>((wide ? kBytesV6 : kBytesV4) + tlvs.size() + 7), 2, header);
    appendAddress(source, wide, header);
    appendAddress(destination, wide, header);
    append(source.port(), 2, header);
    append(destination.port(), 2, header);
    header.append(tlvs);
    header += static_cast<char>(kCrc32c);
    append(4, 2, header);
    const std::uint32_t crc = crc32c(std::string_view("\0\0\0\0", 4), crc32c(header));
    append(crc, 4, header);
    return header;
}

std::string_view localProxyV1() noexcept {
    return "PROXY UNKNOWN\r\n";
}

std::string_view localProxyV2() noexcept {
    return {"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16};
}

}  // namespace evergate::net
