// SPDX-License-Identifier: Apache-2.0
// Secrets of a cluster as certificates: which are read, what a change does, and what becomes of a
// controller that may not read them.
#include "tests/integration/kubernetes_scenario.hpp"
#include "tests/support/fake_kube_api.hpp"
#include "tests/support/self_signed.hpp"

namespace evergate::test {
namespace {

std::string base64(const std::string& bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

json secret(const std::string& name, const SelfSigned& made,
            const std::string& type = "kubernetes.io/tls") {
    return {{"apiVersion", "v1"},
            {"kind", "Secret"},
            {"metadata", {{"namespace", "shop"}, {"name", name}}},
            {"type", type},
            {"data", {{"tls.crt", base64(made.chain)}, {"tls.key", base64(made.key)}}}};
}

json tlsIngress(const std::string& name, const std::string& host, const std::string& secretName) {
    auto object = ingress(name, host, "cart");
    object["spec"]["tls"] = json::array({{{"hosts", {host}}, {"secretName", secretName}}});
    return object;
}

class KubernetesSecretTest : public ::testing::Test {
protected:
    controller::KubernetesOptions options() {
        ClusterConfig cluster;
        cluster.server.tls = false;
        cluster.server.host = "127.0.0.1";
        cluster.server.port = api.port();
        auto options = KubeRig::options(std::move(cluster));
        options.translate.https = controller::HttpsOptions{};
        options.secretGrace = 0ms;
        return options;
    }

    void putShop() {
        for (const auto& object :
             {ingressClass(), service("cart"), slice("cart-1", "cart", "10.1.0.1"),
              tlsIngress("cart", "cart.test", "tls")}) {
            api.upsert(object);
        }
    }

    const model::Certificate* certificate(const std::string& name = "shop/tls") const {
        return rig.sink.last.config.find<model::Certificate>({model::Kind::certificate, name});
    }

    bool hasProblem(const std::string& object, const std::string& text) const {
        const auto& problems = rig.sink.last.problems;
        return std::any_of(problems.begin(), problems.end(), [&](const auto& problem) {
            return problem.object == object && problem.what.find(text) != std::string::npos;
        });
    }

    KubeRig rig;
    FakeKubeApi api{rig.io};
    const SelfSigned first = selfSigned({.names = {"cart.test"}});
    const SelfSigned second = selfSigned({.names = {"cart.test"}});
};

TEST_F(KubernetesSecretTest, OfTheTlsTypeBecomeCertificatesAndFollowChanges) {
    putShop();
    api.upsert(secret("tls", first));
    api.upsert(secret("opaque", first, "Opaque"));
    api.upsert(secret("unused", first));
    rig.start(options());
    ASSERT_TRUE(rig.runUntilWatching()) << rig.state();
    ASSERT_NE(certificate(), nullptr);
    EXPECT_EQ(certificate()->chain, first.chain);
    EXPECT_EQ(rig.sink.last.config.count(model::Kind::certificate), 1U);
    EXPECT_TRUE(rig.sink.last.problems.empty());
    // Class, Service, slice, Ingress and the two Secrets of the type.
    EXPECT_EQ(rig.source->status().objects, 6U);
    const auto events = rig.source->status().events;

    api.upsert(secret("tls", second));
    ASSERT_TRUE(rig.runUntil([&] { return certificate()->chain == second.chain; }));
    EXPECT_EQ(certificate()->key, second.key);
    EXPECT_EQ(rig.source->status().events, events + 1);

    api.upsert(secret("tls", {"nonsense", second.key}));
    ASSERT_TRUE(rig.runUntil([&] { return certificate() == nullptr; }));
    EXPECT_TRUE(hasProblem("Secret shop/tls", "has no PEM block"));
    EXPECT_TRUE(hasProblem("Ingress shop/cart", "the default certificate is shown"));
    EXPECT_TRUE(rig.sink.hasHost("cart.test"));

    api.upsert(secret("tls", first));
    ASSERT_TRUE(rig.runUntil([&] { return certificate() != nullptr; }));
    EXPECT_TRUE(rig.sink.last.problems.empty());
    api.request("DELETE", "/api/v1/namespaces/shop/secrets/tls");
    ASSERT_TRUE(rig.runUntil([&] { return certificate() == nullptr; }));
    EXPECT_TRUE(hasProblem("Ingress shop/cart", "no Secret shop/tls"));
}

TEST_F(KubernetesSecretTest, AreNotAskedForWithoutAnHttpsListener) {
    putShop();
    api.upsert(secret("tls", first));
    api.faults().refusals = {1'000'000, 403, "secrets", {}};
    auto plain = options();
    plain.translate.https.reset();
    rig.start(std::move(plain));
    ASSERT_TRUE(rig.runUntilWatching());
    EXPECT_EQ(rig.sink.last.config.count(model::Kind::certificate), 0U);
    EXPECT_EQ(api.faults().refusals.count, 1'000'000U);
}

TEST_F(KubernetesSecretTest, ThatAreForbiddenHoldNothingUpAndComeWhenAllowed) {
    putShop();
    api.upsert(secret("tls", first));
    api.faults().refusals = {1'000'000, 403, "secrets", {}};
    rig.start(options());
    ASSERT_TRUE(rig.runUntilSynced()) << rig.state();
    EXPECT_TRUE(rig.sink.hasHost("cart.test"));
    EXPECT_EQ(certificate(), nullptr);
    EXPECT_TRUE(hasProblem("Secret", "does not let us list Secrets"));
    EXPECT_TRUE(hasProblem("Ingress shop/cart", "no Secret shop/tls"));
    EXPECT_NE(rig.state().find("secrets: backing off"), std::string::npos) << rig.state();
    // The brake can still have its second round of lists.
    rig.source->relist();
    ASSERT_TRUE(rig.runUntil([&] { return rig.sink.last.fullList == 2; }));
    api.upsert(ingress("later", "later.test", "cart"));
    ASSERT_TRUE(rig.runUntil([&] { return rig.sink.hasHost("later.test"); }));

    api.faults().refusals.count = 0;
    ASSERT_TRUE(rig.runUntil([&] { return certificate() != nullptr; })) << rig.state();
    EXPECT_TRUE(rig.sink.last.problems.empty());
    ASSERT_TRUE(rig.runUntilWatching());
}

TEST_F(KubernetesSecretTest, ThatAreForbiddenAtFirstAreWaitedFor) {
    putShop();
    api.upsert(secret("tls", first));
    api.faults().refusals = {5, 403, "secrets", {}};
    auto patient = options();
    patient.secretGrace = 60s;
    rig.start(std::move(patient));
    ASSERT_TRUE(rig.runUntilWatching()) << rig.state();
    EXPECT_EQ(rig.sink.desiredCalls, 1);
    EXPECT_NE(certificate(), nullptr);
}

TEST_F(KubernetesSecretTest, ForbiddenLaterStay) {
    putShop();
    api.upsert(secret("tls", first));
    rig.start(options());
    ASSERT_TRUE(rig.runUntilWatching());
    api.faults().refusals = {1'000'000, 403, "secrets", {}};
    api.dropConnections();
    ASSERT_TRUE(rig.runUntil([&] { return hasProblem("Secret", "does not let us list"); }));
    EXPECT_NE(certificate(), nullptr);
    // Allowed again: the watch resumes, without a list, and a change is seen.
    api.faults().refusals.count = 0;
    const auto lists = rig.source->status().lists;
    ASSERT_TRUE(rig.runUntil([&] { return rig.sink.last.problems.empty(); })) << rig.state();
    EXPECT_EQ(rig.source->status().lists, lists);
    api.upsert(secret("tls", second));
    ASSERT_TRUE(rig.runUntil([&] { return certificate()->chain == second.chain; })) << rig.state();
}

TEST_F(KubernetesSecretTest, ComeByTheThousand) {
    putShop();
    for (int i = 0; i < 2'000; ++i) {
        const auto name = "s" + std::to_string(i);
        api.upsert(secret(name, first));
        api.upsert(tlsIngress(name, name + ".test", name));
    }
    rig.start(options());
    ASSERT_TRUE(rig.runUntilWatching()) << rig.state();
    EXPECT_EQ(rig.sink.last.config.count(model::Kind::certificate), 2'000U);
}

}  // namespace
}  // namespace evergate::test
