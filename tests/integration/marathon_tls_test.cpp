// SPDX-License-Identifier: Apache-2.0
// The Marathon source over TLS: the masters' certificates are checked against the authority it is
// told, and against their addresses.
#include "tests/integration/marathon_rig.hpp"
#include "tests/support/temporary_certificate.hpp"

namespace evergate::test {
namespace {

class MarathonTls : public testing::Test {
protected:
    void serve(const CertificateRequest& request) {
        const auto issued = authority.issue(request);
        rig =
            std::make_unique<MarathonRig>(2, FakeMarathonTls{issued.certificatePem, issued.keyPem});
        rig->state().putApp(marathonApp("/web", 10000, {marathonTask("w.1", "10.0.0.1", 31001)}),
                            false);
    }

    controller::MarathonOptions options(const std::string& authorityPem) {
        auto options = rig->options();
        options.authorityFile = folder.write("ca.pem", authorityPem);
        return options;
    }

    void expectRefusal(const std::string& authorityPem) {
        rig->start(options(authorityPem));
        ASSERT_TRUE(rig->runUntil([this] {
            return rig->source->status().state.find("certificate") != std::string::npos;
        })) << rig->source->status().state;
        EXPECT_EQ(rig->sink.desiredCalls, 0);
        EXPECT_EQ(rig->fake.stats().lists, 0U);
    }

    TemporaryAuthority authority;
    TemporaryDirectory folder;
    std::unique_ptr<MarathonRig> rig;
};

TEST_F(MarathonTls, TrustsTheAuthorityItIsTold) {
    serve({"marathon", {}, {"127.0.0.1"}, {}, false});
    rig->fake.faults().leader = 1;  // by way of a redirect too
    rig->start(options(authority.certificatePem()));
    ASSERT_TRUE(rig->runUntilWatching()) << rig->source->status().state;
    rig->state().putTask("/web", marathonTask("w.2", "10.0.0.2", 31002));
    EXPECT_TRUE(rig->runUntilEndpoints("web_10000", "10.0.0.1:31001 10.0.0.2:31002"));
}

TEST_F(MarathonTls, RefusesAnotherAuthority) {
    serve({"marathon", {}, {"127.0.0.1"}, {}, false});
    expectRefusal(TemporaryAuthority("another").certificatePem());
}

TEST_F(MarathonTls, RefusesAnotherName) {
    serve({"marathon", {"marathon.example"}, {}, {}, false});
    expectRefusal(authority.certificatePem());
}

}  // namespace
}  // namespace evergate::test
