// SPDX-License-Identifier: Apache-2.0
#include "ctl/commands.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/ctl/canned_server.hpp"

namespace evergate::ctl {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

struct Outcome {
    int status;
    std::string out;
    std::string err;
};

Outcome call(const std::vector<std::string>& arguments) {
    std::ostringstream out;
    std::ostringstream err;
    const int status = run(
        arguments, [](const char*) -> const char* { return nullptr; }, out, err);
    return {status, out.str(), err.str()};
}

TEST(Commands, ShowsStatusAndSaysWhetherReady) {
    const std::string ready =
        R"({"version":7,"rootHash":"0123456789abcdef","ready":true,"draining":false,"workers":2})";
    CannedServer server({{"GET /api/v1/status", {200, ready}},
                         {"GET /api/v1/source", {200, R"({"synced":true,"objects":4})"}}});
    const Outcome good =
        call({"status", "--admin", server.url(), "--controller-admin", server.url()});
    EXPECT_EQ(good.status, 0);
    EXPECT_THAT(good.out, HasSubstr("ready       yes"));
    EXPECT_THAT(good.out, HasSubstr("root hash   0123456789ab\n"));
    EXPECT_THAT(good.out, HasSubstr("objects     4\n"));
    CannedServer drained({{"GET /api/v1/status", {200, R"({"ready":false,"reason":"draining"})"}}});
    const Outcome bad = call({"status", "--admin", drained.url(), "--controller-admin",
                              "http://127.0.0.1:" + unusedAddress().port});
    EXPECT_EQ(bad.status, 1);
    EXPECT_THAT(bad.out, HasSubstr("not reached"));
}

TEST(Commands, ShowsWhoLeads) {
    const auto statusWith = [](const std::string& leader) {
        CannedServer server({{"GET /api/v1/status", {200, R"({"ready":true})"}},
                             {"GET /api/v1/source", {200, R"({"synced":true})"}},
                             {"GET /api/v1/leader", {200, leader}}});
        const Outcome outcome =
            call({"status", "--admin", server.url(), "--controller-admin", server.url()});
        EXPECT_EQ(outcome.status, 0);
        return outcome.out;
    };
    const std::string follower = statusWith(
        R"({"election":true,"leading":false,"candidate":true,"holder":"b_1","identity":"a_1",)"
        R"("namespace":"edge","lease":"evergate-leader","trouble":"","addresses":["192.0.2.1"]})");
    EXPECT_THAT(follower, HasSubstr("leading    no\n"));
    EXPECT_THAT(follower, HasSubstr("holder     b_1\n"));
    EXPECT_THAT(follower, HasSubstr("lease      edge/evergate-leader\n"));
    EXPECT_THAT(follower, HasSubstr("addresses  192.0.2.1\n"));
    EXPECT_THAT(statusWith(R"({"election":true,"leading":false,"holder":"","identity":"a_1"})"),
                HasSubstr("nobody known"));
    EXPECT_THAT(statusWith(R"({"election":false,"leading":true,"identity":"a_1"})"),
                HasSubstr("--leader-election=false"));
    EXPECT_THAT(statusWith(R"({"election":false,"leading":false})"), Not(HasSubstr("LEADER")));
}

TEST(Commands, PrintsTheTableOfAnnotations) {
    const Outcome outcome = call({"annotations"});
    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.out, HasSubstr("| `timeout-connect` |"));
    EXPECT_EQ(call({"annotations", "retries"}).status, 2);
}

TEST(Commands, ShowsRoutesThatMentionTheText) {
    CannedServer server({{"GET /api/v1/routes", {200, R"({"routes":[
        {"name":"a","listeners":["http"],"host":"a.test","pathType":"prefix","path":"/","backend":"x/a/80","origin":"Ingress x/a","policy":["https","body=1024"]},
        {"name":"b","listeners":["http"],"host":"","pathType":"exact","path":"/b","backend":"x/b/80","origin":"Ingress x/b"}]})"}}});
    const Outcome all = call({"routes", "--admin", server.url()});
    EXPECT_EQ(all.status, 0);
    EXPECT_THAT(
        all.out,
        HasSubstr("a.test  /     prefix  x/a/80   http       Ingress x/a  https,body=1024\n"));
    EXPECT_THAT(all.out, HasSubstr("*       /b    exact"));
    EXPECT_THAT(call({"routes", "a.test", "--admin", server.url()}).out, Not(HasSubstr("/b")));
    EXPECT_THAT(call({"routes", "--admin", server.url(), "-o", "json"}).out,
                HasSubstr("\"pathType\": \"exact\""));
}

TEST(Commands, ShowsBackendsListenersAndRevisions) {
    CannedServer server(
        {{"GET /api/v1/backends?filter=x%2Fa",
          {200, R"({"backends":[{"name":"x/a/80","balance":"roundRobin",
            "endpoints":[{"address":"fd00::1","port":80,"weight":1,"state":"up","active":1,"idle":2,"requests":3,"failures":0}]},
            {"name":"x/b/80","balance":"roundRobin","endpoints":[]}]})"}},
         {"GET /api/v1/listeners",
          {200,
           R"({"listeners":[{"name":"http","address":"0.0.0.0","port":80,"protocol":"http"}]})"}},
         {"GET /api/v1/revisions",
          {200,
           R"({"revisions":[{"version":3,"lane":"config","result":"rejected","problems":["no","way"]}]})"}}});
    const auto ask = [&](std::vector<std::string> words) {
        words.insert(words.end(), {"--admin", server.url()});
        return call(words).out;
    };
    EXPECT_THAT(ask({"backends", "x/a"}),
                HasSubstr("x/a/80   roundRobin  [fd00::1]:80  1       up"));
    EXPECT_THAT(ask({"backends", "x/a"}), HasSubstr("x/b/80   roundRobin  none"));
    EXPECT_THAT(ask({"listeners"}), HasSubstr("http      0.0.0.0:80  http"));
    EXPECT_THAT(ask({"revisions"}), HasSubstr("rejected  -          no,way"));
}

TEST(Commands, ExplainsAndSaysWhetherABackendGetsIt) {
    const std::string path = "GET /api/v1/explain?method=GET&url=http%3A%2F%2Fa.test%2F";
    CannedServer server(
        {{path,
          {200,
           R"({"listener":"http","host":"a.test","path":"/","route":"r","backend":"x/a/80","status":0,
            "endpoints":[{"address":"10.0.0.1","port":80,"state":"up"}],"steps":["First.","Second."]})"}},
         {path + "&header=A%3A%20b%0AC%3A%20d%0A",
          {200,
           R"({"listener":"http","route":"","backend":"","status":404,"steps":["No route."]})"}}});
    const Outcome routed = call({"explain", "GET", "http://a.test/", "--admin", server.url()});
    EXPECT_EQ(routed.status, 0);
    EXPECT_THAT(routed.out, HasSubstr("2     Second.\n"));
    EXPECT_THAT(routed.out, HasSubstr("10.0.0.1:80"));
    const Outcome unrouted = call(
        {"explain", "GET", "http://a.test/", "-H", "A: b", "-H", "C: d", "--admin", server.url()});
    EXPECT_EQ(unrouted.status, 1);
    EXPECT_THAT(unrouted.out, HasSubstr("answered here with  404"));
}

TEST(Commands, AsksTheControllerForProblemsAndDataPlanes) {
    CannedServer server(
        {{"GET /api/v1/problems",
          {200, R"({"problems":[{"object":"Ingress a/b","where":"spec","what":"is odd"}]})"}},
         {"GET /api/v1/dataplanes",
          {200,
           R"({"dataplanes":[{"nodeId":"edge-1","build":"0.1.0","config":{"version":3,"converged":true},
            "endpoints":{"version":9,"converged":true},"refusedKeys":["route/a"]}]})"}}});
    const Outcome problems = call({"problems", "--controller-admin", server.url()});
    EXPECT_EQ(problems.status, 1);
    EXPECT_THAT(problems.out, HasSubstr("Ingress a/b  spec   is odd\n"));
    const Outcome dataplanes = call({"dataplanes", "--controller-admin", server.url()});
    EXPECT_EQ(dataplanes.status, 0);
    EXPECT_THAT(dataplanes.out,
                HasSubstr("edge-1      0.1.0  3       9          yes        route/a\n"));
}

TEST(Commands, DrainsByPost) {
    CannedServer server({{"POST /api/v1/drain", {202, R"({"draining":true})"}}});
    const Outcome outcome = call({"drain", "--admin", server.url()});
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.out, "draining\n");
}

TEST(Commands, TellsFailuresApart) {
    CannedServer server({{"GET /api/v1/routes", {200, "hello"}}});
    const Outcome refused = call({"listeners", "--admin", server.url()});
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.err, HasSubstr("answered 404: no GET /api/v1/listeners"));
    EXPECT_EQ(call({"routes", "--admin", server.url()}).status, 3);
    const Outcome unreachable =
        call({"routes", "--admin", "http://127.0.0.1:" + unusedAddress().port});
    EXPECT_EQ(unreachable.status, 3);
    EXPECT_THAT(unreachable.err, HasSubstr("cannot be reached"));
    EXPECT_EQ(call({"routes", "--admin", "ftp://a"}).status, 2);
    EXPECT_EQ(call({"fly"}).status, 2);
    EXPECT_EQ(call({"help"}).status, 0);
}

TEST(Commands, NeverPassesControlCharactersToTheTerminal) {
    CannedServer server(
        {{"GET /api/v1/routes", {200, R"({"routes":[{"host":"\u001b[2Ja\nb","path":"/"}]})"}}});
    EXPECT_THAT(call({"routes", "--admin", server.url()}).out, HasSubstr("?[2Ja?b"));
}

TEST(Commands, ShowsWhatItCanOfAnswersItDoesNotKnow) {
    CannedServer server(
        {{"GET /api/v1/routes", {200, R"({"routes":[7,{"host":{}},{"path":null}]})"}},
         {"GET /api/v1/backends", {200, R"({"backends":{}})"}}});
    EXPECT_EQ(call({"routes", "--admin", server.url()}).status, 0);
    EXPECT_EQ(call({"backends", "--admin", server.url()}).status, 0);
}

class ValidateTest : public ::testing::Test {
protected:
    ValidateTest() {
        std::string pattern = (fs::temp_directory_path() / "evergatectl-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
    }

    ~ValidateTest() override { fs::remove_all(folder); }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(folder / name) << text;
    }

    fs::path folder;
};

TEST_F(ValidateTest, PassesGoodManifests) {
    write("a.yaml",
          "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\n"
          "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n");
    const Outcome outcome = call({"validate", folder.string()});
    EXPECT_EQ(outcome.status, 0) << outcome.out;
    EXPECT_EQ(outcome.out,
              "1 objects in 1 files (1 of other kinds passed over): 0 routes, 0 backends, "
              "2 listeners, 0 problems\n");
}

TEST_F(ValidateTest, NamesFileObjectAndField) {
    write("a.yaml",
          "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n"
          "  annotations: {evergate.io/tcp-port: none}\n");
    write("b.yaml", "a: [\n");
    const Outcome outcome = call({"validate", folder.string()});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.out,
                HasSubstr("Service default/a  metadata.annotations[\"evergate.io/tcp-port\"]"));
    EXPECT_THAT(outcome.out, HasSubstr("(a.yaml:1)"));
    EXPECT_THAT(outcome.out, HasSubstr("File b.yaml"));
    EXPECT_THAT(call({"validate", folder.string(), "-o", "json"}).out,
                HasSubstr("\"problems\": ["));
}

TEST_F(ValidateTest, KnowsFlagsOfTheController) {
    const auto validate = [&](std::vector<std::string> flags) {
        flags.insert(flags.begin(), {"validate", folder.string()});
        return call(flags);
    };
    write("a.yaml",
          "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n"
          "  annotations: {evergate.io/tcp-port: '8080'}\n"
          "spec: {ports: [{port: 80}]}\n");
    EXPECT_EQ(validate({}).status, 0);
    const Outcome taken = validate({"--http-listen=127.0.0.1:8080"});
    EXPECT_EQ(taken.status, 1);
    EXPECT_THAT(taken.out, HasSubstr("port 8080 already belongs"));
    const Outcome missing = validate({"--default-certificate=a/b"});
    EXPECT_EQ(missing.status, 1);
    EXPECT_THAT(missing.out, HasSubstr("Secret a/b"));
    EXPECT_THAT(validate({"--https-listen=off"}).out, HasSubstr("2 listeners, 0 problems"));
}

TEST_F(ValidateTest, RefusesFlagsThatTheControllerRefuses) {
    for (const char* flag : {"--https-listen=nowhere", "--https-listen=0.0.0.0:80",
                             "--https-client-certificates=required", "--http-listen=80:80:80",
                             "--http-listen=127.0.0.1:0"}) {
        const Outcome outcome = call({"validate", folder.string(), flag});
        EXPECT_EQ(outcome.status, 2) << flag;
        EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
        EXPECT_EQ(outcome.out, "") << flag;
    }
}

TEST_F(ValidateTest, SaysWhenThereIsNoFolder) {
    const Outcome outcome = call({"validate", (folder / "none").string()});
    EXPECT_EQ(outcome.status, 3);
    EXPECT_THAT(outcome.err, HasSubstr("No such file"));
}

}  // namespace
}  // namespace evergate::ctl
