// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/config_applier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <map>

#include "tests/unit/dataplane/control/config_builder.hpp"

namespace evergate::dataplane {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Builder = testing::ConfigBuilder;

const model::Endpoint kFirst{"10.0.0.1", 8080, 1};
const model::Endpoint kSecond{"10.0.0.2", 8080, 1};

// Remembers what the workers would have been given; answers at once unless told to hold.
class RecordingPublisher final : public SnapshotPublisher {
public:
    std::unique_ptr<worker::BoundListener> bind(const std::string& name, const model::Listener&,
                                                std::string& error) override {
        bound.push_back(name);
        if (const auto it = refused.find(name); it != refused.end()) {
            error = it->second;
            return nullptr;
        }
        return std::make_unique<worker::BoundListener>(name, std::vector<int>{});
    }

    void publish(worker::Publication publication, std::function<void()> applied) override {
        published.push_back(std::move(publication));
        if (hold)
            held.push_back(std::move(applied));
        else
            applied();
    }

    void updateEndpoints(std::vector<worker::EndpointsUpdate> updates,
                         std::function<void()> applied) override {
        updated.push_back(std::move(updates));
        applied();
    }

    std::map<std::string, std::string> refused;
    bool hold = false;
    std::vector<std::string> bound;
    std::vector<worker::Publication> published;
    std::vector<std::vector<worker::EndpointsUpdate>> updated;
    std::vector<std::function<void()>> held;
};

class ConfigApplierTest : public ::testing::Test {
protected:
    using Problems = std::vector<model::KeyedProblem>;

    void begin(std::shared_ptr<const model::Config> config, std::uint64_t version) {
        answer_.reset();
        applier_.applyConfig(std::move(config), version,
                             [this](Problems problems) { answer_ = std::move(problems); });
    }

    Problems apply(const Builder& builder, std::uint64_t version) {
        begin(builder.build(), version);
        while (!answer_)
            io_.run_one();
        return *answer_;
    }

    void updateEndpoints(const Builder& from, const Builder& to) {
        applier_.applyEndpoints(model::diff(from.config(), to.config(), model::Lane::endpoints),
                                ++endpointsVersion_, [] {});
    }

    static Builder shop() {
        Builder builder;
        builder.http("http", 8080).backend("shop").endpoints("shop", {kFirst});
        builder.route("shop", "shop.example", "/", "shop");
        return builder;
    }

    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        io_.get_executor()};
    RecordingPublisher publisher_;
    std::vector<RevisionRecord> observed_;
    ConfigApplier applier_{io_.get_executor(), publisher_,
                           [this](const RevisionRecord& record) { observed_.push_back(record); }};
    std::optional<Problems> answer_;
    std::uint64_t endpointsVersion_ = 0;
};

TEST_F(ConfigApplierTest, FirstConfigurationOpensListenersAndGivesEndpoints) {
    EXPECT_FALSE(applier_.ready());
    EXPECT_THAT(apply(shop(), 7), IsEmpty());
    EXPECT_TRUE(applier_.ready());
    ASSERT_THAT(publisher_.published, SizeIs(1));
    const auto& publication = publisher_.published[0];
    EXPECT_EQ(publication.snapshot->version, 7U);
    ASSERT_THAT(publication.open, SizeIs(1));
    EXPECT_EQ(publication.open[0].name(), "http");
    ASSERT_THAT(publication.endpoints, SizeIs(1));
    EXPECT_THAT(publication.endpoints[0].endpoints->endpoints, ElementsAre(kFirst));
    EXPECT_EQ(publication.snapshot->backends[0].id, publication.endpoints[0].backend);
}

TEST_F(ConfigApplierTest, AnswersOnlyWhenTheLastWorkerHasIt) {
    publisher_.hold = true;
    begin(shop().build(), 1);
    while (publisher_.held.empty())
        io_.run_one();
    EXPECT_FALSE(answer_);
    EXPECT_FALSE(applier_.ready());
    publisher_.held[0]();
    ASSERT_TRUE(answer_);
    EXPECT_TRUE(applier_.ready());
}

TEST_F(ConfigApplierTest, LeavesUnchangedListenersAloneAndReusesPolicies) {
    Builder builder = shop();
    apply(builder, 1);
    builder.backend("cart").route("cart", "shop.example", "/cart", "cart");
    EXPECT_THAT(apply(builder, 2), IsEmpty());
    EXPECT_THAT(publisher_.bound, ElementsAre("http"));
    const auto& first = *publisher_.published[0].snapshot;
    const auto& second = *publisher_.published[1].snapshot;
    EXPECT_EQ(first.backends[0].policy, second.backends[0].policy);
    EXPECT_EQ(first.backends[0].id, second.backends[0].id);
    // Only the new backend's (absent) endpoints travel.
    ASSERT_THAT(publisher_.published[1].endpoints, SizeIs(1));
    EXPECT_THAT(publisher_.published[1].endpoints[0].endpoints->endpoints, IsEmpty());
}

TEST_F(ConfigApplierTest, ChangedPortOpensUnderTheSameNameAndRemovedNameCloses) {
    Builder builder = shop();
    builder.tcp("db", 5432, "shop");
    apply(builder, 1);
    builder.http("http", 8081).erase(model::Kind::listener, "db");
    apply(builder, 2);
    const auto& publication = publisher_.published[1];
    ASSERT_THAT(publication.open, SizeIs(1));
    EXPECT_EQ(publication.open[0].name(), "http");
    EXPECT_THAT(publication.close, ElementsAre("db"));
}

TEST_F(ConfigApplierTest, ATcpListenersBackendChangesWithoutNewSockets) {
    Builder builder = shop();
    builder.tcp("db", 5432, "shop");
    apply(builder, 1);
    builder.backend("other").tcp("db", 5432, "other");
    apply(builder, 2);
    EXPECT_THAT(publisher_.published[1].open, IsEmpty());
    EXPECT_THAT(publisher_.published[1].close, IsEmpty());
}

TEST_F(ConfigApplierTest, AccessListsChangeWithoutNewSockets) {
    Builder builder = shop();
    builder.tcp("db", 5432, "shop");
    apply(builder, 1);
    EXPECT_EQ(publisher_.published[0].snapshot->listeners[0].sources, nullptr);
    EXPECT_EQ(publisher_.published[0].snapshot->routes.targets()[0]->policy, nullptr);
    auto listener = *builder.config().find<model::Listener>({model::Kind::listener, "db"});
    listener.restrictSources = true;
    listener.allowSources = {"10.0.0.0/8"};
    auto route = *builder.config().find<model::Route>({model::Kind::route, "shop"});
    route.maxBodyBytes = 7;
    builder.value(model::Kind::listener, "db", listener).value(model::Kind::route, "shop", route);
    EXPECT_THAT(apply(builder, 2), IsEmpty());
    const auto& publication = publisher_.published[1];
    EXPECT_THAT(publication.open, IsEmpty());
    EXPECT_NE(publication.snapshot->listeners[0].sources, nullptr);
    ASSERT_NE(publication.snapshot->routes.targets()[0]->policy, nullptr);
    EXPECT_EQ(publication.snapshot->routes.targets()[0]->policy->maxBodyBytes, 7U);
    listener.allowSources = {"10.0.0.0/40"};
    builder.value(model::Kind::listener, "db", listener);
    EXPECT_THAT(apply(builder, 3), SizeIs(1));
}

TEST_F(ConfigApplierTest, ABindFailureNamesTheListenerAndChangesNothing) {
    apply(shop(), 1);
    Builder builder = shop();
    builder.backend("db").tcp("db", 80, "db").tcp("mail", 25, "db");
    publisher_.refused["db"] = "127.0.0.1:80: address in use by another process";
    const auto problems = apply(builder, 2);
    ASSERT_THAT(problems, SizeIs(1));
    EXPECT_EQ(model::toText(problems[0].key), "listener/db");
    EXPECT_EQ(problems[0].problem.what, "127.0.0.1:80: address in use by another process");
    EXPECT_THAT(publisher_.published, SizeIs(1));
    EXPECT_EQ(applier_.snapshot()->version, 1U);
    EXPECT_FALSE(applier_.ids().find("db"));
    EXPECT_THAT(observed_.back().problems,
                ElementsAre("listener/db: 127.0.0.1:80: address in use by another process"));
    EXPECT_EQ(applier_.rejected(), 1U);
}

TEST_F(ConfigApplierTest, RefusesWhatTheControllerShouldHaveRefused) {
    Builder builder = shop();
    builder.route("lost", "lost.example", "/", "absent");
    const auto problems = apply(builder, 1);
    ASSERT_FALSE(problems.empty());
    EXPECT_EQ(problems[0].key.name, "lost");
    EXPECT_THAT(publisher_.published, IsEmpty());
    EXPECT_FALSE(applier_.ready());
    EXPECT_THAT(apply(shop(), 2), IsEmpty());
}

TEST_F(ConfigApplierTest, EndpointsGoStraightToTheWorkers) {
    const Builder before = shop();
    apply(before, 1);
    Builder after = before;
    after.endpoints("shop", {kFirst, kSecond});
    updateEndpoints(before, after);
    ASSERT_THAT(publisher_.updated, SizeIs(1));
    EXPECT_THAT(publisher_.updated[0][0].endpoints->endpoints, ElementsAre(kFirst, kSecond));
    EXPECT_EQ(applier_.endpoints().root(model::Lane::endpoints),
              after.config().root(model::Lane::endpoints));
    Builder gone = after;
    gone.erase(model::Kind::endpoints, "shop");
    updateEndpoints(after, gone);
    EXPECT_THAT(publisher_.updated[1][0].endpoints->endpoints, IsEmpty());
}

TEST_F(ConfigApplierTest, EndpointsAreSharedNotCopied) {
    const Builder builder = shop();
    apply(builder, 1);
    const model::Key key{model::Kind::endpoints, "shop"};
    EXPECT_EQ(publisher_.published[0].endpoints[0].endpoints.get(),
              builder.config().find<model::Endpoints>(key));
}

TEST_F(ConfigApplierTest, EndpointsOfAnUnknownBackendWaitForIt) {
    const Builder before = shop();
    apply(before, 1);
    Builder after = before;
    after.endpoints("cart", {kSecond});
    updateEndpoints(before, after);
    EXPECT_THAT(publisher_.updated, IsEmpty());
    after.backend("cart").route("cart", "shop.example", "/cart", "cart");
    apply(after, 2);
    ASSERT_THAT(publisher_.published[1].endpoints, SizeIs(1));
    EXPECT_THAT(publisher_.published[1].endpoints[0].endpoints->endpoints, ElementsAre(kSecond));
}

TEST_F(ConfigApplierTest, EndpointsThatArriveWhileApplyingWin) {
    const Builder before = shop();
    apply(before, 1);
    Builder candidate = before;
    candidate.backend("cart").endpoints("cart", {kFirst});
    begin(candidate.build(), 2);
    Builder newer = candidate;
    newer.endpoints("cart", {kSecond});
    updateEndpoints(candidate, newer);
    while (!answer_)
        io_.run_one();
    ASSERT_THAT(publisher_.published[1].endpoints, SizeIs(1));
    EXPECT_THAT(publisher_.published[1].endpoints[0].endpoints->endpoints, ElementsAre(kSecond));
    EXPECT_EQ(applier_.endpoints().root(model::Lane::endpoints),
              newer.config().root(model::Lane::endpoints));
}

TEST_F(ConfigApplierTest, ForgetsABackendOnceNoSnapshotUsesIt) {
    Builder builder = shop();
    apply(builder, 1);
    const auto id = publisher_.published[0].snapshot->backends[0].id;
    builder.erase(model::Kind::route, "shop").erase(model::Kind::backend, "shop");
    builder.erase(model::Kind::endpoints, "shop").backend("cart");
    apply(builder, 2);
    EXPECT_THAT(publisher_.published[1].forget, IsEmpty());  // a request may still hold revision 1
    publisher_.published[0].snapshot.reset();
    apply(builder.backend("third"), 3);
    EXPECT_THAT(publisher_.published[2].forget, ElementsAre(id));
}

TEST_F(ConfigApplierTest, RecordsRevisions) {
    Builder builder = shop();
    apply(builder, 1);
    builder.erase(model::Kind::route, "shop");
    apply(builder, 2);
    const auto records = applier_.history().newestFirst();
    ASSERT_THAT(records, SizeIs(2));
    EXPECT_EQ(records[0].version, 2U);
    EXPECT_EQ(records[0].deletes, 1U);
    EXPECT_EQ(records[1].upserts, 3U);
    EXPECT_EQ(records[1].rootHash, shop().config().root(model::Lane::config).toHex());
}

}  // namespace
}  // namespace evergate::dataplane
