// SPDX-License-Identifier: Apache-2.0
#include "common/rpc/address.hpp"

#include <gtest/gtest.h>

namespace evergate::rpc {
namespace {

std::string roundTrip(const std::string& text) {
    const auto parsed = parseAddress(text);
    const auto* address = std::get_if<Address>(&parsed);
    return address != nullptr ? toText(*address) : "error";
}

TEST(RpcAddress, ReadsSocketsAndHosts) {
    EXPECT_EQ(roundTrip("unix:/run/evergate/rpc.sock"), "unix:/run/evergate/rpc.sock");
    EXPECT_EQ(roundTrip("unix:///run/x"), "unix:/run/x");
    EXPECT_EQ(roundTrip("tcp://controller.evergate.svc:9300"),
              "tcp://controller.evergate.svc:9300");
    EXPECT_EQ(roundTrip("tcp://[::1]:9300"), "tcp://[::1]:9300");
}

TEST(RpcAddress, RefusesTheRest) {
    for (const char* text : {"", "unix:", "unix:relative", "tcp://", "tcp://host", "tcp://:1",
                             "tcp://host:", "tcp://host:x", "tcp://host:70000", "tcp://::1:9300",
                             "tcp://a/b:1", "ftp://x:1", "host:1"}) {
        EXPECT_EQ(roundTrip(text), "error") << text;
    }
    EXPECT_EQ(roundTrip("unix:/" + std::string(107, 'x')), "error");
}

TEST(RpcAddress, TakesTcpWithAllCertificatesOnly) {
    const Address tcp = TcpAddress{"h", 1};
    const Address local = UnixAddress{"/s"};
    EXPECT_NE(checkSecurity(tcp, {}), "");
    EXPECT_NE(checkSecurity(tcp, {"cert", "key", ""}), "");
    EXPECT_EQ(checkSecurity(tcp, {"cert", "key", "ca"}), "");
    EXPECT_EQ(checkSecurity(local, {}), "");
    EXPECT_NE(checkSecurity(local, {"cert", "key", "ca"}), "");
}

}  // namespace
}  // namespace evergate::rpc
