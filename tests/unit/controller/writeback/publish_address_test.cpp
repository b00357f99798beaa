// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/publish_address.hpp"

#include <gtest/gtest.h>

namespace evergate::controller::writeback {
namespace {

TEST(PublishAddress, IsAnAddressOrAName) {
    EXPECT_EQ(parsePublishedAddress("192.0.2.1"), (PublishedAddress{"192.0.2.1", ""}));
    EXPECT_EQ(parsePublishedAddress("2001:db8::1"), (PublishedAddress{"2001:db8::1", ""}));
    EXPECT_EQ(parsePublishedAddress("edge.example.com"),
              (PublishedAddress{"", "edge.example.com"}));
    for (const auto* text : {"", "192.0.2.256", "1.2.3", "a b", "-a", "a..b", "[::1]", "a/b",
                             "192.0.2.1:80", "A.example"}) {
        EXPECT_FALSE(parsePublishedAddress(text)) << text;
    }
}

TEST(PublishAddress, ServiceIsNamedByNamespaceAndName) {
    EXPECT_EQ(parseObjectName("edge/evergate"), (ObjectName{"edge", "evergate"}));
    for (const auto* text : {"", "evergate", "/evergate", "edge/", "a/b/c", "E/b"}) {
        EXPECT_FALSE(parseObjectName(text)) << text;
    }
}

struct ServiceCase {
    const char* name;
    const char* json;
    Addresses expected;
};

class PublishAddressOfService : public ::testing::TestWithParam<ServiceCase> {};

TEST_P(PublishAddressOfService, FollowsItsType) {
    const auto read = addressesOfService(GetParam().json);
    ASSERT_TRUE(std::holds_alternative<Addresses>(read)) << std::get<std::string>(read);
    EXPECT_EQ(std::get<Addresses>(read), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Types, PublishAddressOfService,
    ::testing::Values(
        ServiceCase{
            "LoadBalancer",
            R"({"spec":{"type":"LoadBalancer","clusterIP":"10.0.0.1","externalIPs":["192.0.2.9"]},
                        "status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.2"},{"hostname":"lb.example"},
                        {"ip":"192.0.2.1"},{"ip":"192.0.2.2"}]}}})",
            {{"", "lb.example"}, {"192.0.2.1", ""}, {"192.0.2.2", ""}, {"192.0.2.9", ""}}},
        ServiceCase{
            "LoadBalancerPending",
            R"({"spec":{"type":"LoadBalancer","clusterIP":"10.0.0.1"},"status":{"loadBalancer":{}}})",
            {}},
        ServiceCase{"NodePort",
                    R"({"spec":{"type":"NodePort","clusterIP":"10.0.0.1"}})",
                    {{"10.0.0.1", ""}}},
        ServiceCase{
            "NodePortWithExternal",
            R"({"spec":{"type":"NodePort","clusterIP":"10.0.0.1","externalIPs":["192.0.2.9"]}})",
            {{"192.0.2.9", ""}}},
        ServiceCase{"ClusterIp",
                    R"({"spec":{"type":"ClusterIP","clusterIP":"10.0.0.1"}})",
                    {{"10.0.0.1", ""}}},
        ServiceCase{"Headless", R"({"spec":{"type":"ClusterIP","clusterIP":"None"}})", {}},
        ServiceCase{"ExternalName",
                    R"({"spec":{"type":"ExternalName","externalName":"lb.example"}})",
                    {{"", "lb.example"}}}),
    [](const auto& each) { return each.param.name; });

TEST(PublishAddress, SaysWhatIsWrongWithAService) {
    EXPECT_EQ(std::get<std::string>(addressesOfService("x")), "is no object");
    EXPECT_NE(std::get<std::string>(addressesOfService(R"({"spec":{"type":7}})")).find("spec.type"),
              std::string::npos);
}

}  // namespace
}  // namespace evergate::controller::writeback
