// SPDX-License-Identifier: Apache-2.0
#include "common/model/public_json.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/model/certificate_info.hpp"
#include "common/model/json.hpp"
#include "tests/support/self_signed.hpp"

namespace evergate::model {
namespace {

using nlohmann::json;

TEST(EncodePublic, ShowsACertificateWithoutItsKeyAndChain) {
    const auto pair = test::selfSigned({.names = {"a.example"}});
    const auto text =
        encodePublic(Certificate{{"a.example"}, pair.chain, pair.key, "Secret shop/tls"});
    EXPECT_EQ(text.find("BEGIN"), std::string::npos);
    EXPECT_EQ(text.find(pair.key.substr(40, 20)), std::string::npos);
    const auto shown = json::parse(text);
    EXPECT_EQ(shown["hosts"], json::array({"a.example"}));
    EXPECT_EQ(shown["names"], json::array({"a.example"}));
    EXPECT_EQ(shown["origin"], "Secret shop/tls");
    const auto info = *describeChain(pair.chain);
    EXPECT_EQ(shown["sha256"], info.fingerprint);
    EXPECT_EQ(shown["notAfter"], timeText(info.notAfter));
    EXPECT_EQ(shown["notBefore"], timeText(info.notBefore));
}

TEST(EncodePublic, TellsWhatClientsAreAskedForWithoutThePem) {
    const auto pair = test::selfSigned({.names = {"a.example"}});
    Certificate value{{"a.example"}, pair.chain, pair.key, ""};
    // Whatever somebody took for authorities stays unsaid, too.
    value.clients = {ClientCertificates::required, pair.chain + pair.chain + pair.key, 2,
                     "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"};
    const auto text = encodePublic(value);
    EXPECT_EQ(text.find("BEGIN"), std::string::npos);
    EXPECT_EQ(text.find(pair.key.substr(40, 20)), std::string::npos);
    EXPECT_EQ(json::parse(text)["clients"],
              (json{{"mode", "required"}, {"depth", 2}, {"authorities", 2}, {"revocations", 1}}));
}

TEST(EncodePublic, HidesTheKeyOfAChainItCannotRead) {
    const auto shown = json::parse(encodePublic(Certificate{{}, "chain", "key", "o"}));
    EXPECT_EQ(shown, (json{{"hosts", json::array()}, {"origin", "o"}}));
}

TEST(EncodePublic, ShowsOtherValuesAsTheyTravel) {
    for (const Value& value :
         {Value(Listener{"0.0.0.0", 80, ListenerProtocol::http, ""}), Value(Settings{})}) {
        EXPECT_EQ(encodePublic(value), encode(value));
    }
}

TEST(TimeText, IsRfc3339) {
    EXPECT_EQ(timeText(0), "1970-01-01T00:00:00Z");
    EXPECT_EQ(timeText(1'795'229'630), "2026-11-21T02:53:50Z");
}

}  // namespace
}  // namespace evergate::model
