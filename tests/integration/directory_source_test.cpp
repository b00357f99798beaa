// SPDX-License-Identifier: Apache-2.0
// The directory source against a real folder and the kernel's own events.
#include "controller/directory/directory_source.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace evergate::controller {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kShop = R"(
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: evergate}
spec: {controller: evergate.io/ingress-controller}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
spec:
  ingressClassName: evergate
  rules:
  - host: shop.localhost
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {ports: [{name: http, port: 80}]}
)";

std::string slice(const std::string& addresses, const std::string& name = "shop-1") {
    return "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: " + name +
           ", labels: {kubernetes.io/service-name: shop}}\naddressType: IPv4\n"
           "ports: [{name: http, port: 9411}]\nendpoints: [{addresses: [" +
           addresses + "]}]\n";
}

class Sink : public SourceSink {
public:
    void onDesired(Desired latest, EventTime) override {
        desired = std::move(latest);
        ++desiredCalls;
    }

    void onEndpoints(const std::string& backend, model::Endpoints latest, EventTime) override {
        endpointCalls.push_back(backend + '=' + std::to_string(latest.endpoints.size()));
        desired.config.put({model::Kind::endpoints, backend}, std::move(latest));
    }

    std::size_t endpoints() const {
        const auto* found =
            desired.config.find<model::Endpoints>({model::Kind::endpoints, "default/shop/80"});
        return found == nullptr ? 0 : found->endpoints.size();
    }

    std::size_t routes() const { return desired.config.count(model::Kind::route); }

    std::vector<std::string> problems() const {
        std::vector<std::string> lines;
        for (const ObjectProblem& problem : desired.problems) {
            lines.push_back(problem.object + ' ' + problem.where + ": " + problem.what);
        }
        return lines;
    }

    Desired desired;
    int desiredCalls = 0;
    std::vector<std::string> endpointCalls;
};

class DirectorySourceTest : public ::testing::Test {
protected:
    DirectorySourceTest() {
        std::string pattern = (fs::temp_directory_path() / "evergate-directory-XXXXXX").string();
        base = ::mkdtemp(pattern.data());
        folder = base / "manifests";
        fs::create_directory(folder);
    }

    ~DirectorySourceTest() override {
        source.reset();
        fs::remove_all(base);
    }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(folder / name) << text;
    }

    // As deployment tools do it: never a half-written file under the final name.
    void replace(const std::string& name, const std::string& text) const {
        std::ofstream(folder / (name + ".tmp")) << text;
        fs::rename(folder / (name + ".tmp"), folder / name);
    }

    void start(std::chrono::milliseconds removalGrace = std::chrono::milliseconds(10)) {
        DirectoryOptions options;
        options.removalGrace = removalGrace;
        options.directory = folder;
        options.firstRetry = options.longestRetry = std::chrono::milliseconds(5);
        source = makeDirectorySource(context, options);
        source->start(sink);
    }

    // Runs the loop until `done`; the long bound is only for a broken build.
    ::testing::AssertionResult eventually(const std::function<bool()>& done) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!done()) {
            context.restart();
            if (std::chrono::steady_clock::now() > deadline) {
                return ::testing::AssertionFailure() << source->status().state;
            }
            context.run_one_until(deadline);
        }
        return ::testing::AssertionSuccess();
    }

    fs::path base;
    fs::path folder;
    boost::asio::io_context context;
    Sink sink;
    std::unique_ptr<Source> source;
};

TEST_F(DirectorySourceTest, ReadsWhatIsThereAtStart) {
    write("shop.yaml", kShop);
    write("endpoints.yml", slice("127.0.0.1, 127.0.0.2"));
    write("ignored.yaml.tmp", "not: [yaml");
    start();
    ASSERT_TRUE(eventually([&] { return sink.desiredCalls == 1; }));
    EXPECT_EQ(sink.routes(), 1u);
    EXPECT_EQ(sink.endpoints(), 2u);
    EXPECT_EQ(sink.desired.fullList, 1u);
    EXPECT_THAT(sink.problems(), IsEmpty());
    EXPECT_TRUE(source->status().synced);
    EXPECT_EQ(source->status().objects, 4u);
}

TEST_F(DirectorySourceTest, SendsEndpointChangesOnTheirOwn) {
    write("shop.yaml", kShop);
    write("endpoints.yaml", slice("127.0.0.1"));
    start();
    ASSERT_TRUE(eventually([&] { return sink.desiredCalls == 1; }));
    replace("endpoints.yaml", slice("127.0.0.1, 127.0.0.2"));
    ASSERT_TRUE(eventually([&] { return sink.endpoints() == 2; }));
    write("endpoints.yaml", slice("127.0.0.1, 127.0.0.2, 127.0.0.3"));
    ASSERT_TRUE(eventually([&] { return sink.endpoints() == 3; }));
    EXPECT_THAT(sink.endpointCalls, ElementsAre("default/shop/80=2", "default/shop/80=3"));
    EXPECT_EQ(sink.desiredCalls, 1);
}

TEST_F(DirectorySourceTest, TakesNewAndRemovedFiles) {
    start();
    ASSERT_TRUE(eventually([&] { return sink.desiredCalls == 1; }));
    EXPECT_EQ(sink.routes(), 0u);
    write("shop.yaml", kShop);
    ASSERT_TRUE(eventually([&] { return sink.routes() == 1; }));
    fs::remove(folder / "shop.yaml");
    ASSERT_TRUE(eventually([&] { return sink.routes() == 0; }));
}

TEST_F(DirectorySourceTest, KeepsObjectsWhileAnEditorMovesTheFileAway) {
    write("shop.yaml", kShop);
    start(std::chrono::hours(1));
    ASSERT_TRUE(eventually([&] { return sink.desiredCalls == 1; }));
    fs::rename(folder / "shop.yaml", folder / "shop.yaml~");
    ASSERT_TRUE(eventually([&] { return source->status().events > 0; }));
    EXPECT_EQ(sink.desiredCalls, 1);
    write("shop.yaml", std::string(kShop) + "---\n" + slice("127.0.0.1"));
    ASSERT_TRUE(eventually([&] { return sink.endpoints() == 1; }));
    EXPECT_EQ(sink.desiredCalls, 1);
    EXPECT_EQ(sink.routes(), 1u);
}

TEST_F(DirectorySourceTest, KeepsTheLastGoodObjectsOfABrokenFile) {
    write("shop.yaml", kShop);
    start();
    ASSERT_TRUE(eventually([&] { return sink.desiredCalls == 1; }));
    replace("shop.yaml", std::string(kShop) + "---\nbroken: [\n");
    ASSERT_TRUE(eventually([&] { return !sink.problems().empty(); }));
    EXPECT_THAT(sink.problems(), ElementsAre(HasSubstr("File shop.yaml line 2")));
    EXPECT_EQ(sink.routes(), 1u);
    replace("shop.yaml", kShop);
    ASSERT_TRUE(eventually([&] { return sink.problems().empty(); }));
    EXPECT_EQ(sink.routes(), 1u);
}

TEST_F(DirectorySourceTest, NamesFileAndLineOfProblems) {
    std::string text = kShop;
    text.replace(text.find("number: 80"), 10, "number: 81");
    write("shop.yaml", text);
    start();
    ASSERT_TRUE(eventually([&] { return sink.desiredCalls == 1; }));
    EXPECT_THAT(
        sink.problems(),
        ElementsAre("Ingress default/shop spec.rules[0].http.paths[0].backend.service.port: "
                    "Service default/shop has no TCP port 81 (shop.yaml:7)"));
}

TEST_F(DirectorySourceTest, FollowsTheLinkSwapOfAConfigMapMount) {
    const auto release = [&](const std::string& name, const std::string& addresses) {
        fs::create_directory(folder / name);
        std::ofstream(folder / name / "endpoints.yaml") << slice(addresses);
        std::ofstream(folder / name / "shop.yaml") << kShop;
        fs::create_directory_symlink(name, folder / "..data_tmp");
        fs::rename(folder / "..data_tmp", folder / "..data");
    };
    release("..2026_1", "127.0.0.1");
    fs::create_symlink("..data/endpoints.yaml", folder / "endpoints.yaml");
    fs::create_symlink("..data/shop.yaml", folder / "shop.yaml");
    start();
    ASSERT_TRUE(eventually([&] { return sink.endpoints() == 1; }));
    release("..2026_2", "127.0.0.1, 127.0.0.2");
    ASSERT_TRUE(eventually([&] { return sink.endpoints() == 2; }));
    EXPECT_EQ(sink.routes(), 1u);
}

TEST_F(DirectorySourceTest, WaitsForTheDirectory) {
    fs::remove(folder);
    start();
    ASSERT_TRUE(eventually([&] { return source->status().errors >= 2; }));
    EXPECT_EQ(sink.desiredCalls, 0);
    EXPECT_FALSE(source->status().synced);
    fs::create_directory(base / "new");
    std::ofstream(base / "new/shop.yaml") << kShop;
    fs::rename(base / "new", folder);
    ASSERT_TRUE(eventually([&] { return sink.desiredCalls > 0; }));
    EXPECT_EQ(sink.routes(), 1u);
}

TEST_F(DirectorySourceTest, KeepsObjectsWhileTheDirectoryIsAway) {
    write("shop.yaml", kShop);
    start();
    ASSERT_TRUE(eventually([&] { return sink.desiredCalls == 1; }));
    fs::rename(folder, base / "away");
    ASSERT_TRUE(eventually([&] { return source->status().errors > 0; }));
    EXPECT_THAT(source->status().state, HasSubstr("cannot read"));
    EXPECT_EQ(sink.desiredCalls, 1);
    fs::create_directory(base / "new");
    std::ofstream(base / "new/shop.yaml") << kShop << "---\n" << slice("127.0.0.1");
    fs::rename(base / "new", folder);
    ASSERT_TRUE(eventually([&] { return sink.endpoints() == 1; }));
    write("endpoints.yaml", slice("127.0.0.2", "shop-2"));
    ASSERT_TRUE(eventually([&] { return sink.endpoints() == 2; }));
}

TEST_F(DirectorySourceTest, FollowsADirectoryThatIsALink) {
    fs::remove(folder);
    for (const char* name : {"one", "two"}) {
        fs::create_directory(base / name);
    }
    std::ofstream(base / "two/shop.yaml") << kShop;
    fs::create_directory_symlink("one", folder);
    start();
    ASSERT_TRUE(eventually([&] { return sink.desiredCalls == 1; }));
    fs::create_directory_symlink("two", base / "next");
    fs::rename(base / "next", folder);
    ASSERT_TRUE(eventually([&] { return sink.routes() == 1; }));
}

TEST_F(DirectorySourceTest, CountsCompleteListsOnRelist) {
    write("shop.yaml", kShop);
    start();
    ASSERT_TRUE(eventually([&] { return sink.desiredCalls == 1; }));
    source->relist();
    ASSERT_TRUE(eventually([&] { return sink.desiredCalls == 2; }));
    EXPECT_EQ(sink.desired.fullList, 2u);
}

TEST_F(DirectorySourceTest, RefusesWhatIsNotARegularFile) {
    fs::create_directory(folder / "folder.yaml");
    ASSERT_EQ(::mkfifo((folder / "fifo.yaml").c_str(), 0600), 0);
    start();
    ASSERT_TRUE(eventually([&] { return sink.desiredCalls == 1; }));
    EXPECT_THAT(sink.problems(), Contains(HasSubstr("File fifo.yaml : is not a regular file")));
    EXPECT_THAT(sink.problems(), Contains(HasSubstr("File folder.yaml : is not a regular file")));
}

TEST_F(DirectorySourceTest, SaysNothingAfterStop) {
    start();
    ASSERT_TRUE(eventually([&] { return sink.desiredCalls == 1; }));
    source->stop();
    source->relist();
    write("shop.yaml", kShop);
    context.restart();
    context.poll();
    EXPECT_EQ(sink.desiredCalls, 1);
}

}  // namespace
}  // namespace evergate::controller
