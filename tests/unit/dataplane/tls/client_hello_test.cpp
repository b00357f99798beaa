// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/client_hello.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace evergate::tls {
namespace {

using Status = ClientHelloStatus;

struct Wish {
    std::string serverName = "shop.example.com";
    std::vector<std::string> protocols{"h2", "http/1.1"};
    int maxVersion = TLS1_3_VERSION;
};

std::string listed(const std::vector<std::string>& protocols) {
    std::string list;
    for (const std::string& one : protocols)
        list += static_cast<char>(one.size()) + one;
    return list;
}

// What OpenSSL says first.
std::string helloOf(const Wish& wish) {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
        SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    SSL_CTX_set_max_proto_version(context.get(), wish.maxVersion);
    const std::string protocols = listed(wish.protocols);
    if (!protocols.empty()) {
        SSL_CTX_set_alpn_protos(context.get(),
                                reinterpret_cast<const unsigned char*>(protocols.data()),
                                static_cast<unsigned>(protocols.size()));
    }
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
    BIO* const in = BIO_new(BIO_s_mem());
    BIO* const out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl.get(), in, out);
    if (!wish.serverName.empty())
        SSL_set_tlsext_host_name(ssl.get(), wish.serverName.c_str());
    SSL_connect(ssl.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string number(std::size_t value, int width) {
    std::string text;
    while (width-- > 0)
        text += static_cast<char>(value >> (8 * width) & 0xFF);
    return text;
}

std::string block(const std::string& bytes, int width) {
    return number(bytes.size(), width) + bytes;
}

std::string extension(std::size_t type, const std::string& data) {
    return number(type, 2) + block(data, 2);
}

std::string serverName(const std::string& name, char type = 0) {
    return extension(0, block(type + block(name, 2), 2));
}

std::string record(const std::string& fragment) {
    return "\x16\x03\x01" + block(fragment, 2);
}

// The message, for records of any size.
std::string message(const std::string& extensions) {
    const std::string body = "\x03\x03" + std::string(32, 'r') + block("session", 1) +
                             block("\x13\x01", 2) + block(std::string(1, '\0'), 1) +
                             block(extensions, 2);
    return '\x01' + block(body, 3);
}

std::string inRecordsOf(const std::string& message, std::size_t size) {
    std::string bytes;
    for (std::size_t at = 0; at < message.size(); at += size)
        bytes += record(message.substr(at, size));
    return bytes;
}

struct Parsed {
    Status status;
    std::string serverName;
    std::string protocols;

    friend bool operator==(const Parsed&, const Parsed&) = default;
};

// From memory that ends where the bytes do: reading on would be seen by ASan.
Parsed parse(const std::string& bytes) {
    std::vector<char> exact(bytes.begin(), bytes.end());
    ClientHello hello;
    const Status status = parseClientHello(exact, hello);
    return {status, std::string(hello.serverName), std::string(hello.protocols)};
}

TEST(ClientHello, TellsHostAndProtocols) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const Parsed parsed = parse(helloOf({"shop.example.com", {"h2", "http/1.1"}, version}));
        EXPECT_EQ(parsed, (Parsed{Status::complete, "shop.example.com", "\x02h2\x08http/1.1"}));
    }
}

TEST(ClientHello, NeedsNeitherHostNorProtocols) {
    EXPECT_EQ(parse(helloOf({"", {}})), (Parsed{Status::complete, "", ""}));
    const std::string body =
        "\x03\x03" + std::string(32, 'r') + block("", 1) + block("\x13\x01", 2) + block("c", 1);
    EXPECT_EQ(parse(record('\x01' + block(body, 3))), (Parsed{Status::complete, "", ""}))
        << "no extensions at all";
}

TEST(ClientHello, LooksTheSameInEveryFragmentation) {
    const std::string whole = helloOf({});
    const Parsed expected = parse(whole);
    const std::string message = whole.substr(5);
    for (std::size_t size = 1; size <= message.size(); ++size)
        ASSERT_EQ(parse(inRecordsOf(message, size)), expected) << size;
}

TEST(ClientHello, IsIncompleteUntilItsLastByte) {
    const std::string whole = helloOf({});
    const std::string message = whole.substr(5);
    for (const std::string& bytes :
         {whole, inRecordsOf(message, 1), inRecordsOf(message, 7), inRecordsOf(message, 200)}) {
        for (std::size_t size = 0; size < bytes.size(); ++size)
            ASSERT_EQ(parse(bytes.substr(0, size)).status, Status::incomplete) << size;
        EXPECT_EQ(parse(bytes).status, Status::complete);
        EXPECT_EQ(parse(bytes + "\x17\x03\x03").status, Status::complete)
            << "what follows is not ours";
    }
}

TEST(ClientHello, IsOnlyWhatBeginsLikeOne) {
    EXPECT_EQ(parse("GET / HTTP/1.1\r\n").status, Status::malformed);
    EXPECT_EQ(parse("G").status, Status::malformed) << "with the first byte";
    EXPECT_EQ(parse("\x16\x02").status, Status::malformed) << "with the second";
    EXPECT_EQ(parse("\x15\x03\x01").status, Status::malformed) << "an alert";
    EXPECT_EQ(parse("\x80\x2e\x01\x03\x01").status, Status::malformed) << "SSLv2";
    EXPECT_EQ(parse(record("\x02")).status, Status::malformed) << "a ServerHello";
    EXPECT_EQ(parse(std::string("\x16\x03\x01\x00\x00", 5)).status, Status::malformed) << "empty";
    EXPECT_EQ(parse("\x16\x03\x01\x40\x01").status, Status::malformed) << "a record too long";
    const std::string hello = message(serverName("a.test"));
    EXPECT_EQ(parse(record(hello.substr(0, 9)) + "\x17\x03\x01").status, Status::malformed)
        << "another record within the message";
}

TEST(ClientHello, RefusesNamesThatAreNone) {
    EXPECT_EQ(parse(record(message(serverName("a.test")))).serverName, "a.test");
    for (const std::string& bad :
         {serverName(""), serverName(std::string("a\0b", 3)), serverName(std::string(256, 'a')),
          extension(0, ""), extension(0, block("", 2)), extension(0, "\x7F\xFF"),
          extension(0, block(std::string(1, '\0') + "\x7F\xFF", 2)),
          extension(0, block(std::string(1, '\0') + block("a", 2), 2) + "x"),
          serverName("a") + serverName("a"),
          extension(
              0, block(std::string(1, '\0') + block("a", 2) + std::string(1, '\0') + block("b", 2),
                       2))}) {
        EXPECT_EQ(parse(record(message(bad))), (Parsed{Status::malformed, "", ""}));
    }
    EXPECT_EQ(parse(record(message(serverName(std::string(255, 'a'))))).serverName.size(), 255u);
    EXPECT_EQ(parse(record(message(serverName("other", '\x05')))),
              (Parsed{Status::complete, "", ""}))
        << "names of another type are passed over";
}

TEST(ClientHello, RefusesListsThatDoNotFit) {
    EXPECT_EQ(parse(record(message(extension(16, block(listed({"h2"}), 2))))).protocols, "\x02h2");
    for (const std::string& bad :
         {extension(16, ""), extension(16, block("", 2)),
          extension(16, block(std::string(1, '\0'), 2)), extension(16, block("\x05h2", 2)),
          extension(16, block(listed({"h2"}), 2) + "x"),
          extension(16, block(listed({"h2"}), 2)) + extension(16, block(listed({"h2"}), 2)),
          std::string("\x00\x0a\x00", 3), number(10, 2) + number(9, 2) + "x"}) {
        EXPECT_EQ(parse(record(message(bad))).status, Status::malformed);
    }
    const std::string head = "\x03\x03" + std::string(32, 'r');
    const std::string good = block("", 1) + block("\x13\x01", 2) + block("c", 1);
    for (const std::string& bad :
         {std::string("\x03\x03short"), head, head + block(std::string(33, 's'), 1),
          head + block("", 1) + block("", 2), head + block("", 1) + block("\x13\x01\x13", 2),
          head + block("", 1) + block("\x13\x01", 2) + block("", 1), head + good + "\x01",
          head + good + block("", 2) + "x"}) {
        EXPECT_EQ(parse(record('\x01' + block(bad, 3))).status, Status::malformed);
    }
}

TEST(ClientHello, MayBeAsLongAsItsBound) {
    const auto padded = [](std::size_t padding) {
        return message(serverName("a.test") + extension(21, std::string(padding, '\0')));
    };
    const std::size_t around = padded(0).size();
    // Two records: one alone cannot have that much and its header, too.
    const auto bytesOf = [&](std::size_t size) {
        const std::string hello = padded(size - around - 10);
        return record(hello.substr(0, 9'000)) + record(hello.substr(9'000));
    };
    const std::string most = bytesOf(kMaxClientHello);
    ASSERT_EQ(most.size(), kMaxClientHello);
    EXPECT_EQ(parse(most).serverName, "a.test");
    EXPECT_EQ(parse(most.substr(0, most.size() - 1)).status, Status::incomplete);
    const std::string more = bytesOf(kMaxClientHello + 1);
    EXPECT_EQ(parse(more.substr(0, kMaxClientHello)).status, Status::malformed);
    EXPECT_EQ(parse(more).status, Status::malformed);
    EXPECT_EQ(parse(std::string("\x16\x03\x01\x10\x00\x01\x00\x40\x00", 9)).status,
              Status::malformed)
        << "known by its length";
    EXPECT_EQ(parse(inRecordsOf(padded(4'000), 1)).status, Status::malformed)
        << "headers count, too";
}

TEST(ClientHello, MutationsNeverConfuseIt) {
    const std::string whole = helloOf({});
    std::mt19937 random(7);
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes = whole;
        for (unsigned i = 0; i <= random() % 4; ++i)
            bytes[random() % bytes.size()] = static_cast<char>(random());
        const Parsed parsed = parse(bytes);
        EXPECT_LE(parsed.serverName.size(), 255u);
        // A part of it never says what the whole denies.
        const Parsed part = parse(bytes.substr(0, random() % bytes.size()));
        if (part.status != Status::incomplete) {
            ASSERT_EQ(part, parsed) << round;
        }
    }
}

}  // namespace
}  // namespace evergate::tls
