// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/proxy_header.hpp"

#include <gtest/gtest.h>

namespace evergate::net {
namespace {

using Status = ProxyHeaderStatus;

SocketAddress at(std::string_view address, std::uint16_t port) {
    return *SocketAddress::parse(address, port);
}

Status parse(std::string_view bytes, ProxyHeader& header) {
    return parseProxyHeader(bytes, header).status;
}

Status parse(std::string_view bytes) {
    ProxyHeader header;
    return parse(bytes, header);
}

// Version 2 with this command, family and block.
std::string binary(char command, char family, const std::string& block) {
    std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
    header += command;
    header += family;
    header += static_cast<char>(block.size() >> 8);
    header += static_cast<char>(block.size() & 0xff);
    return header + block;
}

const std::string kV4("\x0a\0\0\x09\xc0\0\x02\x01\xc8\x22\x01\xbb", 12);

std::string tlv(char type, const std::string& value) {
    std::string text(1, type);
    text += static_cast<char>(value.size() >> 8);
    text += static_cast<char>(value.size() & 0xff);
    return text + value;
}

TEST(ProxyHeaderV1, NamesTheClient) {
    ProxyHeader header;
    ASSERT_EQ(parse("PROXY TCP4 10.0.0.9 192.0.2.1 51234 443\r\nGET /", header), Status::complete);
    EXPECT_TRUE(header.hasAddresses);
    EXPECT_EQ(header.source, at("10.0.0.9", 51234));
    EXPECT_EQ(header.destination, at("192.0.2.1", 443));
    EXPECT_EQ(header.bytes, 41u);
    ASSERT_EQ(parse("PROXY TCP6 2001:db8::9 ::1 65535 0\r\n", header), Status::complete);
    EXPECT_EQ(header.source, at("2001:db8::9", 65535));
    EXPECT_EQ(header.destination, at("::1", 0));
}

TEST(ProxyHeaderV1, UnknownNamesNobody) {
    ProxyHeader header;
    for (const char* line : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN whatever that is\r\n"}) {
        ASSERT_EQ(parse(line, header), Status::complete) << line;
        EXPECT_FALSE(header.hasAddresses);
        EXPECT_EQ(header.bytes, std::string(line).size());
    }
}

TEST(ProxyHeaderV1, RefusesEverythingElse) {
    for (const char* line : {"GET / HTTP/1.1\r\n",
                             "PROXX",
                             "proxy TCP4 10.0.0.9 192.0.2.1 51234 443\r\n",
                             "PROXY\r\n",
                             "PROXY \r\n",
                             "PROXY UNKNOWNX\r\n",
                             "PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n",
                             "PROXY TCP4\r\n",
                             "PROXY TCP4 \r\n",
                             "PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n",
                             "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n",
                             "PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n",
                             "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n",
                             "PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n",
                             "PROXY TCP4 1.1.1.01 2.2.2.2 1 2\r\n",
                             "PROXY TCP4 ::1 ::1 1 2\r\n",
                             "PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n",
                             "PROXY TCP6 ::1 2.2.2.2 1 2\r\n",
                             "PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n",
                             "PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n",
                             "PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n",
                             "PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n",
                             "PROXY TCP4 1.1.1.1 2.2.2.2 0x1 2\r\n",
                             "PROXY TCP4\t1.1.1.1 2.2.2.2 1 2\r\n",
                             "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n\r\n"})
        EXPECT_EQ(parse(line), Status::malformed) << line;
    EXPECT_EQ(parse(std::string("PROXY TCP4 1.1.1.1\0 2.2.2.2 1 2\r\n", 34)), Status::malformed);
}

TEST(ProxyHeaderV1, EndsWithin107Bytes) {
    const std::string unknown = "PROXY UNKNOWN ";
    EXPECT_EQ(parse(unknown + std::string(91, 'x') + "\r\n"), Status::complete);
    EXPECT_EQ(parse(unknown + std::string(92, 'x') + "\r\n"), Status::malformed);
    EXPECT_EQ(parse(unknown + std::string(92, 'x')), Status::incomplete);
    EXPECT_EQ(parse(unknown + std::string(93, 'x')), Status::malformed);
}

TEST(ProxyHeaderV1, WaitsForEveryByte) {
    const std::string line = "PROXY TCP4 10.0.0.9 192.0.2.1 51234 443\r\n";
    for (std::size_t size = 0; size < line.size(); ++size)
        EXPECT_EQ(parse(line.substr(0, size)), Status::incomplete) << size;
}

TEST(ProxyHeaderV2, NamesTheClient) {
    ProxyHeader header;
    ASSERT_EQ(parse(binary('\x21', '\x11', kV4) + "GET /", header), Status::complete);
    EXPECT_TRUE(header.hasAddresses);
    EXPECT_EQ(header.source, at("10.0.0.9", 51234));
    EXPECT_EQ(header.destination, at("192.0.2.1", 443));
    EXPECT_EQ(header.bytes, 28u);
    const std::string v6 = std::string(15, '\0') + '\x01' + std::string(15, '\0') + '\x02' +
                           std::string("\0\x50\x01\xbb", 4);
    ASSERT_EQ(parse(binary('\x21', '\x21', v6), header), Status::complete);
    EXPECT_EQ(header.source, at("::1", 80));
    EXPECT_EQ(header.destination, at("::2", 443));
}

TEST(ProxyHeaderV2, WaitsForEveryByte) {
    const std::string whole = binary('\x21', '\x11', kV4 + tlv(0x04, "xyz"));
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_EQ(parse(whole.substr(0, size)), Status::incomplete) << size;
    EXPECT_EQ(parse(whole), Status::complete);
}

TEST(ProxyHeaderV2, TakesTheConnectionsOwnAddressWhereItNamesNobody) {
    ProxyHeader header;
    for (const std::string& bytes :
         {binary('\x20', '\0', ""), binary('\x20', '\x11', kV4), binary('\x20', '\x7f', "junk"),
          binary('\x21', '\0', ""), binary('\x21', '\0', "ignored"),
          binary('\x21', '\x31', std::string(216, 'u'))}) {
        ASSERT_EQ(parse(bytes, header), Status::complete);
        EXPECT_FALSE(header.hasAddresses);
        EXPECT_EQ(header.bytes, bytes.size());
    }
}

TEST(ProxyHeaderV2, RefusesEverythingElse) {
    for (const std::string& bytes :
         {binary('\x11', '\x11', kV4), binary('\x31', '\x11', kV4), binary('\x22', '\x11', kV4),
          binary('\x2f', '\x11', kV4), binary('\x21', '\x12', kV4), binary('\x21', '\x10', kV4),
          binary('\x21', '\x41', kV4), binary('\x21', '\x11', kV4.substr(1)),
          binary('\x21', '\x21', kV4), binary('\x21', '\x31', kV4)})
        EXPECT_EQ(parse(bytes), Status::malformed);
    EXPECT_EQ(parse(std::string("\r\n\r\n\0\r\nQUIT\r", 12)), Status::malformed);
    EXPECT_EQ(parse("\r\nGET"), Status::malformed);
}

TEST(ProxyHeaderV2, BoundsItsLength) {
    const std::string most(kMaxProxyHeader - 16, 'x');
    EXPECT_EQ(parse(binary('\x20', '\0', most)), Status::complete);
    EXPECT_EQ(parse(binary('\x20', '\0', most + "x")), Status::malformed);
    // As soon as it is said, not when it is there.
    EXPECT_EQ(parse(std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", 16)), Status::malformed);
}

TEST(ProxyHeaderV2, WalksItsTlvs) {
    const auto with = [](const std::string& tlvs) {
        return parse(binary('\x21', '\x11', kV4 + tlvs));
    };
    EXPECT_EQ(with(tlv(0x02, "shop.example") + tlv(0x05, std::string(128, 'i')) + tlv(0x20, "")),
              Status::complete);
    EXPECT_EQ(with("\x02"), Status::malformed);
    EXPECT_EQ(with(std::string("\x02\0", 2)), Status::malformed);
    EXPECT_EQ(with(std::string("\x02\0\x05shop", 7)), Status::malformed);
    EXPECT_EQ(with(tlv(0x04, "") + std::string("\x02\xff\xff", 3)), Status::malformed);
    EXPECT_EQ(with(tlv(0x05, std::string(129, 'i'))), Status::malformed);
    EXPECT_EQ(with(tlv(0x05, "one") + tlv(0x05, "two")), Status::malformed);
    EXPECT_EQ(with(tlv(0x03, "abcd")), Status::malformed);
    EXPECT_EQ(with(tlv(0x03, "abc")), Status::malformed);
}

TEST(ProxyHeaderV2, TellsItsUniqueId) {
    const std::string id("\0\xff id", 5);
    const std::string bytes =
        binary('\x21', '\x11', kV4 + tlv(0x02, "shop.example") + tlv(0x05, id) + tlv(0x04, "x"));
    ProxyHeader header;
    ASSERT_EQ(parse(bytes, header), Status::complete);
    EXPECT_EQ(header.uniqueId, id);
    ASSERT_EQ(parse(binary('\x21', '\x11', kV4), header), Status::complete);
    EXPECT_EQ(header.uniqueId, "");
}

TEST(ProxyHeaderV2, ChecksItsChecksum) {
    std::string bytes =
        composeProxyV2(at("10.0.0.9", 51234), at("192.0.2.1", 443), {"shop.example"});
    EXPECT_EQ(parse(bytes), Status::complete);
    for (std::size_t i = 16; i < bytes.size(); ++i) {
        std::string broken = bytes;
        broken[i] = static_cast<char>(broken[i] ^ 0x40);
        // What makes the checksum a TLV of another kind leaves nothing to check.
        if (i != bytes.size() - 7) {
            EXPECT_NE(parse(broken), Status::complete) << i;
        }
    }
}

TEST(ProxyHeaderCompose, Version1) {
    EXPECT_EQ(composeProxyV1(at("10.0.0.9", 51234), at("192.0.2.1", 443)),
              "PROXY TCP4 10.0.0.9 192.0.2.1 51234 443\r\n");
    EXPECT_EQ(composeProxyV1(at("2001:db8::9", 1), at("::1", 65535)),
              "PROXY TCP6 2001:db8::9 ::1 1 65535\r\n");
    EXPECT_EQ(composeProxyV1(at("::ffff:10.0.0.9", 1), at("192.0.2.1", 2)),
              "PROXY TCP4 10.0.0.9 192.0.2.1 1 2\r\n");
    EXPECT_EQ(composeProxyV1(at("2001:db8::9", 1), at("192.0.2.1", 2)),
              "PROXY TCP6 2001:db8::9 ::ffff:192.0.2.1 1 2\r\n");
}

// What is composed says what it was composed from.
TEST(ProxyHeaderCompose, IsUnderstood) {
    const std::string hosts[] = {"", "shop.example", std::string(255, 'h'), std::string(256, 'h')};
    for (const auto& [from, to] : {std::pair{at("10.0.0.9", 51234), at("192.0.2.1", 443)},
                                   std::pair{at("2001:db8::9", 0), at("::1", 65535)},
                                   std::pair{at("2001:db8::9", 9), at("192.0.2.1", 443)}}) {
        for (const std::string& host : hosts) {
            for (const std::string& bytes :
                 {composeProxyV1(from, to), composeProxyV2(from, to, {host})}) {
                ProxyHeader header;
                ASSERT_EQ(parse(bytes, header), Status::complete);
                EXPECT_EQ(header.bytes, bytes.size());
                EXPECT_EQ(header.source.mapped(), from.mapped());
                EXPECT_EQ(header.source.port(), from.port());
                EXPECT_EQ(header.destination.mapped(), to.mapped());
                EXPECT_EQ(header.destination.port(), to.port());
            }
        }
    }
}

TEST(ProxyHeaderCompose, SaysTheHostInVersion2) {
    const auto from = at("10.0.0.9", 51234);
    const auto to = at("192.0.2.1", 443);
    EXPECT_NE(composeProxyV2(from, to, {"shop.example"}).find(tlv(0x02, "shop.example")),
              std::string::npos);
    EXPECT_EQ(composeProxyV2(from, to).size(), 16u + 12 + 7);
    EXPECT_EQ(composeProxyV2(from, to, {std::string(256, 'h')}).size(), 16u + 12 + 7);
}

TEST(ProxyHeaderCompose, SaysWhatElseIsKnownInVersion2) {
    const auto from = at("10.0.0.9", 51234);
    const auto to = at("192.0.2.1", 443);
    const std::string most(128, 'i');
    const std::string bytes =
        composeProxyV2(from, to, {"a.example", "http/1.1", most, "TLSv1.3", "TLS_A"});
    const std::string tls =
        std::string("\x01\0\0\0\x01", 5) + tlv(0x21, "TLSv1.3") + tlv(0x23, "TLS_A");
    EXPECT_NE(bytes.find(tlv(0x01, "http/1.1") + tlv(0x02, "a.example") + tlv(0x05, most) +
                         tlv(0x20, tls) + std::string("\x03\0\x04", 3)),
              std::string::npos);
    ProxyHeader header;
    ASSERT_EQ(parse(bytes, header), Status::complete);
    EXPECT_EQ(header.bytes, bytes.size());
    EXPECT_EQ(header.uniqueId, most);
    // A cipher without a version is none, an id that is too long is nobody's.
    EXPECT_EQ(composeProxyV2(from, to, {"", "", most + "i", "", "TLS_A"}).size(), 16u + 12 + 7);
    const std::string long256(256, 'x');
    EXPECT_EQ(parse(composeProxyV2(from, to, {long256, long256, long256, long256, long256})),
              Status::complete);
}

TEST(ProxyHeaderCompose, LocalOnesNameNobody) {
    for (const std::string_view bytes : {localProxyV1(), localProxyV2()}) {
        ProxyHeader header;
        ASSERT_EQ(parse(bytes, header), Status::complete);
        EXPECT_FALSE(header.hasAddresses);
        EXPECT_EQ(header.bytes, bytes.size());
    }
}

TEST(Crc32c, IsTheOneOfISCSI) {
    EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
    EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xe3069283u);
}

}  // namespace
}  // namespace evergate::net
