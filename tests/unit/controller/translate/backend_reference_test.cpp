// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/backend_reference.hpp"

#include <gtest/gtest.h>

namespace evergate::controller {
namespace {

IngressBackend backend(std::string service, PortReference port) {
    return {std::move(service), std::move(port), false};
}

std::string errorOf(const IngressBackend& backend) {
    const auto parsed = referenceOf("ns", backend);
    const auto* error = std::get_if<ReferenceError>(&parsed);
    return error == nullptr ? "" : error->field + ": " + error->what;
}

TEST(BackendReference, NameGoesThereAndBack) {
    const BackendReference byNumber{{"shop", "cart.v2"}, {"", 80}};
    const BackendReference byName{{"shop", "cart"}, {"http", 0}};
    EXPECT_EQ(byNumber.backendName(), "shop/cart.v2/80");
    EXPECT_EQ(BackendReference::parse("shop/cart.v2/80"), byNumber);
    EXPECT_EQ(BackendReference::parse("shop/cart/http"), byName);
}

TEST(BackendReference, ParseRefusesOtherText) {
    for (const char* name : {"", "a", "a/b", "/b/80", "a//80", "a/b/", "a/b/0", "a/b/080",
                             "a/b/65536", "a/b/c/80", "A/b/80", "a/b/http."}) {
        EXPECT_EQ(BackendReference::parse(name), std::nullopt) << name;
    }
}

TEST(BackendReference, PortNamesHaveALetter) {
    EXPECT_TRUE(isPortName("http"));
    EXPECT_TRUE(isPortName("8080-x"));
    EXPECT_FALSE(isPortName("8080"));
    EXPECT_FALSE(isPortName("a.b"));
    EXPECT_FALSE(isPortName(""));
}

TEST(BackendReference, NeedsAServiceAndOnePort) {
    EXPECT_EQ(errorOf(backend("web", {"", 80})), "");
    EXPECT_EQ(errorOf(backend("web", {"http", 0})), "");
    EXPECT_EQ(errorOf(backend("", {"", 80})), "service.name: is required");
    EXPECT_EQ(errorOf(backend("Web", {"", 80})), "service.name: is not a valid name");
    EXPECT_EQ(errorOf(backend("web", {})), "service.port: needs exactly one of name and number");
    EXPECT_EQ(errorOf(backend("web", {"http", 80})),
              "service.port: needs exactly one of name and number");
    EXPECT_EQ(errorOf(backend("web", {"", 65536})), "service.port.number: must be from 1 to 65535");
    EXPECT_EQ(errorOf(backend("web", {"80", 0})), "service.port.name: is not a valid port name");
    EXPECT_EQ(errorOf({"", {}, true}), "resource: resource backends are not supported");
}

TEST(BackendReference, ResolvesTcpPortsByNameOrNumber) {
    Service service;
    service.ports = {{"dns", 53, false}, {"http", 80, true}, {"", 8080, true}};
    ASSERT_NE(resolvePort(service, {"http", 0}), nullptr);
    EXPECT_EQ(resolvePort(service, {"http", 0})->port, 80);
    ASSERT_NE(resolvePort(service, {"", 8080}), nullptr);
    EXPECT_EQ(resolvePort(service, {"dns", 0}), nullptr);
    EXPECT_EQ(resolvePort(service, {"", 53}), nullptr);
    EXPECT_EQ(resolvePort(service, {"", 81}), nullptr);
}

TEST(BackendReference, VisitsEveryBackendWithItsPath) {
    Ingress ingress;
    ingress.defaultBackend = backend("fallback", {"", 80});
    ingress.rules.resize(2);
    ingress.rules[1].paths = {{"/a", "Prefix", backend("a", {"", 80})},
                              {"/b", "Prefix", backend("b", {"", 80})}};
    std::vector<std::string> seen;
    forEachBackend(ingress, [&](const IngressBackend& each, const std::string& where) {
        seen.push_back(each.service + ' ' + where);
    });
    EXPECT_EQ(seen, (std::vector<std::string>{"fallback spec.defaultBackend",
                                              "a spec.rules[1].http.paths[0].backend",
                                              "b spec.rules[1].http.paths[1].backend"}));
}

}  // namespace
}  // namespace evergate::controller
