// SPDX-License-Identifier: Apache-2.0
// The Kubernetes source against a real kube-apiserver and etcd, when KUBEBUILDER_ASSETS names a
// folder with both; otherwise skipped. What the fake promises is checked here against the real
// thing.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/integration/kubernetes_scenario.hpp"
#include "tests/support/temporary_certificate.hpp"

namespace evergate::test {
namespace {

namespace fs = std::filesystem;

// A child that dies with us.
class Process {
public:
    Process(std::vector<std::string> command, const fs::path& log) {
        std::vector<char*> arguments;
        for (auto& argument : command) {
            arguments.push_back(argument.data());
        }
        arguments.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
            ::dup2(out, 1);
            ::dup2(out, 2);
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
    }

    ~Process() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

private:
    pid_t pid_ = -1;
};

std::uint16_t freePort() {
    boost::asio::io_context context;
    boost::asio::ip::tcp::acceptor acceptor(
        context, {boost::asio::ip::address_v4::loopback(), std::uint16_t{0}});
    return acceptor.local_endpoint().port();
}

class Cluster {
public:
    explicit Cluster(fs::path binaries) : binaries_(std::move(binaries)) {
        const auto issued =
            authority_.issue({"kube-apiserver", {"localhost"}, {"127.0.0.1"}, {}, false});
        directory_.write("apiserver.crt", issued.certificatePem);
        directory_.write("apiserver.key", issued.keyPem);
        const auto accounts = authority_.issue({});
        directory_.write("sa.crt", accounts.certificatePem);
        directory_.write("sa.key", accounts.keyPem);
        directory_.write(
            "tokens.csv",
            "admin-token,admin,1,\"system:masters\"\nlimited-token,limited,2,\"some\"\n");
        const auto client = "http://127.0.0.1:" + std::to_string(etcdPort_);
        const auto peer = "http://127.0.0.1:" + std::to_string(freePort());
        etcd_ = std::make_unique<Process>(
            std::vector<std::string>{
                (binaries_ / "etcd").string(), "--name=test", "--data-dir=" + file("etcd"),
                "--unsafe-no-fsync", "--listen-client-urls=" + client,
                "--advertise-client-urls=" + client, "--listen-peer-urls=" + peer,
                "--initial-advertise-peer-urls=" + peer, "--initial-cluster=test=" + peer},
            file("etcd.log"));
    }

    void startApiServer() {
        apiServer_ = std::make_unique<Process>(
            std::vector<std::string>{
                (binaries_ / "kube-apiserver").string(),
                "--etcd-servers=http://127.0.0.1:" + std::to_string(etcdPort_),
                "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
                "--secure-port=" + std::to_string(port_), "--cert-dir=" + file("."),
                "--tls-cert-file=" + file("apiserver.crt"),
                "--tls-private-key-file=" + file("apiserver.key"),
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-account-key-file=" + file("sa.crt"),
                "--service-account-signing-key-file=" + file("sa.key"),
                "--token-auth-file=" + file("tokens.csv"), "--authorization-mode=RBAC",
                "--service-cluster-ip-range=10.96.0.0/16",
                "--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none"},
            file("apiserver.log"));
    }

    void killApiServer() { apiServer_.reset(); }

    // For the report of a failed start.
    std::string endOfLog() const {
        std::ifstream log(file("apiserver.log"));
        const std::string text{std::istreambuf_iterator<char>(log), {}};
        return text.substr(text.size() - std::min<std::size_t>(text.size(), 3000));
    }

    ClusterConfig config(const std::string& token) const {
        ClusterConfig config;
        config.server.host = "127.0.0.1";
        config.server.port = port_;
        config.authority.text = authority_.certificatePem();
        config.token.text = token;
        return config;
    }

private:
    std::string file(const std::string& name) const { return (directory_.path() / name).string(); }

    fs::path binaries_;
    TemporaryAuthority authority_;
    TemporaryDirectory directory_;
    std::uint16_t port_ = freePort();
    std::uint16_t etcdPort_ = freePort();
    std::unique_ptr<Process> etcd_;
    std::unique_ptr<Process> apiServer_;
};

std::optional<fs::path> binaries() {
    const char* folder = std::getenv("KUBEBUILDER_ASSETS");
    if (folder == nullptr || !fs::exists(fs::path(folder) / "kube-apiserver") ||
        !fs::exists(fs::path(folder) / "etcd")) {
        return std::nullopt;
    }
    return fs::path(folder);
}

class RealApiServerTest : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        if (const auto folder = binaries()) {
            cluster = std::make_unique<Cluster>(*folder);
            cluster->startApiServer();
        }
    }

    static void TearDownTestSuite() { cluster.reset(); }

    void SetUp() override {
        if (!cluster) {
            GTEST_SKIP()
                << "NOT TESTED AGAINST A REAL API SERVER: set KUBEBUILDER_ASSETS to a folder "
                   "with kube-apiserver and etcd";
        }
        admin.rest =
            std::make_unique<ApiClient>(admin.io.get_executor(), cluster->config("admin-token"));
        ASSERT_TRUE(ready()) << cluster->endOfLog();
    }

    bool ready() {
        const auto end = std::chrono::steady_clock::now() + 120s;
        while (!admin.call(Verb::get, "/readyz").ok()) {
            if (std::chrono::steady_clock::now() > end) {
                return false;
            }
            admin.runFor(100ms);
        }
        return true;
    }

    // Quick retries, pages of two, watches of a few seconds.
    static controller::KubernetesOptions options(const std::string& token = "admin-token") {
        auto options = KubeRig::options(cluster->config(token));
        options.tuning.pageLimit = 2;
        options.tuning.minWatch = 2s;
        options.tuning.maxWatch = 4s;
        return options;
    }

    static inline std::unique_ptr<Cluster> cluster;
    KubeRig admin;
};

TEST_F(RealApiServerTest, ObjectsThenARestartInTheMiddle) {
    KubeRig rig;
    rig.start(options());
    ASSERT_TRUE(rig.runUntilWatching()) << rig.state();
    runObjectScenario(rig);

    // Watches end every few seconds and resume without a list.
    // (Before: a server that has just started may say "storage is initializing" to some.)
    const auto before = rig.source->status();
    const auto watched = std::chrono::steady_clock::now() + 9s;
    rig.runUntil([&] { return std::chrono::steady_clock::now() > watched; });
    EXPECT_EQ(rig.source->status().lists, before.lists);
    EXPECT_EQ(rig.source->status().errors, before.errors);

    cluster->killApiServer();
    ASSERT_TRUE(rig.runUntil([&] { return rig.state().find("backing off") != std::string::npos; }));
    EXPECT_TRUE(rig.sink.hasHost("cart.test"));
    cluster->startApiServer();
    ASSERT_TRUE(ready());
    rig.mustCall(Verb::post, kIngresses, ingress("after", "after.test", "cart"));
    ASSERT_TRUE(rig.runUntil([&] { return rig.sink.hasHost("after.test"); }, 60s)) << rig.state();
    EXPECT_TRUE(rig.sink.hasHost("cart.test"));
    ASSERT_TRUE(rig.runUntilWatching()) << rig.state();

    rig.source->relist();
    ASSERT_TRUE(rig.runUntil([&] { return rig.sink.last.fullList == 2; }));
    for (int i = 0; i < 7; ++i) {
        rig.mustCall(Verb::post, kServices, service("more-" + std::to_string(i)));
    }
    rig.source->relist();
    ASSERT_TRUE(rig.runUntil([&] { return rig.sink.last.fullList == 3; }));
    EXPECT_GE(rig.source->status().objects, 4U + 7U);
    rig.mustCall(Verb::delete_, kIngresses + "/after");
    ASSERT_TRUE(rig.runUntil([&] { return !rig.sink.hasHost("after.test"); }));
}

TEST_F(RealApiServerTest, AVersionThatIsGoneMeansAFreshList) {
    // What a reflector would do with a version from before the server's memory: ask, and be told
    // 410.
    ApiRequest request;
    request.target =
        "/api/v1/services?watch=1&allowWatchBookmarks=true&resourceVersion=1&timeoutSeconds=5";
    std::string events;
    std::optional<ApiAnswer> answer;
    boost::asio::co_spawn(admin.io,
                          admin.rest->send(std::move(request), {},
                                           [&](std::string_view piece) {
                                               events += piece;
                                               return true;
                                           }),
                          [&](std::exception_ptr, ApiAnswer got) { answer = std::move(got); });
    ASSERT_TRUE(admin.runUntil([&] { return answer.has_value(); }));
    RecordProperty("answer", answer->text() + events.substr(0, 300));
    // A server that has only just started may still remember everything.
    if (answer->ok() && events.find("\"ERROR\"") != std::string::npos) {
        EXPECT_NE(events.find("\"code\":410"), std::string::npos) << events;
    } else {
        EXPECT_TRUE(answer->ok() || answer->status == 410) << answer->text();
    }
}

TEST_F(RealApiServerTest, RefusesABadToken) {
    KubeRig rig;
    rig.start(options("no-such-token"));
    ASSERT_TRUE(rig.runUntil([&] {
        return rig.state().find("401 Unauthorized") != std::string::npos;
    })) << rig.state();
    EXPECT_FALSE(rig.source->status().synced);
}

TEST_F(RealApiServerTest, DoesWithoutClassesItMayNotRead) {
    KubeRig rig;
    rig.start(options("limited-token"));
    ASSERT_TRUE(rig.runUntil([&] {
        return rig.state().find("403 Forbidden") != std::string::npos;
    })) << rig.state();
    const std::string rbac = "/apis/rbac.authorization.k8s.io/v1/";
    admin.mustCall(Verb::post, rbac + "clusterroles", json::parse(R"({
        "metadata": {"name": "limited"},
        "rules": [{"apiGroups": ["", "networking.k8s.io", "discovery.k8s.io"],
                   "resources": ["services", "ingresses", "endpointslices"],
                   "verbs": ["get", "list", "watch"]}]})"));
    admin.mustCall(Verb::post, rbac + "clusterrolebindings", json::parse(R"({
        "metadata": {"name": "limited"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "limited"},
        "subjects": [{"kind": "User", "name": "limited", "apiGroup": "rbac.authorization.k8s.io"}]})"));
    ASSERT_TRUE(rig.runUntilSynced()) << rig.state();
    EXPECT_NE(rig.state().find("ingressclasses"), std::string::npos);
    ASSERT_FALSE(rig.sink.last.problems.empty());
    EXPECT_EQ(rig.sink.last.problems.back().object, "IngressClass");
}

}  // namespace
}  // namespace evergate::test
