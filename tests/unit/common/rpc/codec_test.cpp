// SPDX-License-Identifier: Apache-2.0
#include "common/rpc/codec.hpp"

#include <gtest/gtest.h>

#include "common/model/json.hpp"
#include "common/rpc/limits.hpp"
#include "common/rpc/transaction_writer.hpp"

namespace evergate::rpc {
namespace {

template <class T>
T decoded(const std::string& text) {
    auto result = decode(text);
    if (auto* error = std::get_if<DecodeError>(&result)) {
        ADD_FAILURE() << error->why << " in " << text;
        return T{};
    }
    auto& message = std::get<Message>(result);
    if (!std::holds_alternative<T>(message)) {
        ADD_FAILURE() << "another message: " << text;
        return T{};
    }
    return std::get<T>(std::move(message));
}

std::string whyNot(const std::string& text) {
    auto result = decode(text);
    const auto* error = std::get_if<DecodeError>(&result);
    return error != nullptr ? error->why : "";
}

model::RootHash someRoot() {
    model::Config config;
    config.put({model::Kind::backend, "a"}, model::Value{model::Backend{}});
    return config.root(model::Lane::config);
}

TEST(Codec, CarriesHello) {
    Hello hello{"node \"1\"", "boot", "0.1", 1, 3, "epoch", {}};
    hello.lanes[0] = {7, someRoot()};
    hello.lanes[1] = {9, {}};
    const auto request = decoded<HelloRequest>(encodeHello(5, hello));
    EXPECT_EQ(request.id, 5U);
    EXPECT_EQ(request.hello, hello);
}

TEST(Codec, CarriesAnswers) {
    const auto welcome = decoded<Reply>(encodeWelcome(1, {1, "e"}));
    EXPECT_EQ(std::get<Welcome>(welcome.outcome), (Welcome{1, "e"}));
    const Ack ack{12, someRoot()};
    EXPECT_EQ(std::get<Ack>(decoded<Reply>(encodeAck(2, ack)).outcome), ack);
    Error error{ErrorCode::invalidKeys, "no", 250, {{"route/x", {"route/x.host", "bad \xff"}}}};
    const auto reply = decoded<Reply>(encodeError(3, error));
    EXPECT_EQ(reply.id, 3U);
    error.problems[0].problem.what = "bad \xEF\xBF\xBD";  // not UTF-8: replaced
    EXPECT_EQ(std::get<Error>(reply.outcome), error);
}

TEST(Codec, CarriesKeys) {
    const model::Key key{model::Kind::route, "shop/cart/0"};
    const auto request = decoded<KeysRequest>(encodeKeysRequest({4, model::Lane::endpoints, key}));
    EXPECT_EQ(request.lane, model::Lane::endpoints);
    EXPECT_EQ(request.after, key);
    KeysPage page;
    page.keys = {{key, {1, 2, 0xff}}, {{model::Kind::route, "z"}, {}}};
    page.more = true;
    EXPECT_EQ(std::get<KeysPage>(decoded<Reply>(encodeKeysPage(4, page)).outcome), page);
}

TEST(Codec, CarriesKeysOfTickets) {
    std::string odd(kTicketKeyBytes, '\xff');
    odd[0] = '\0';
    const TicketKeys message{{odd, std::string(kTicketKeyBytes, 'k')}};
    EXPECT_EQ(decoded<TicketKeys>(encodeTicketKeys(message)), message);
    const auto refused = [](const TicketKeys& keys) {
        return std::holds_alternative<DecodeError>(decode(encodeTicketKeys(keys)));
    };
    EXPECT_TRUE(refused({}));
    EXPECT_TRUE(refused({{std::string(kTicketKeyBytes - 1, 'k')}}));
    EXPECT_TRUE(refused({std::vector<std::string>(kMaxTicketKeys + 1, message.keys[1])}));
    EXPECT_TRUE(std::holds_alternative<DecodeError>(
        decode(R"({"jsonrpc":"2.0","method":"ticketKeys","params":{"keys":[7]}})")));
}

TEST(Codec, BoundsTheTextOfProblems) {
    Error error;
    error.code = ErrorCode::invalidKeys;
    for (int i = 0; i < 1000; ++i) {
        error.problems.push_back({"route/" + std::to_string(i), {"w", std::string(100'000, 'x')}});
    }
    const std::string text = encodeError(1, error);
    EXPECT_LT(text.size(), kMaxFrameBytes);
    EXPECT_FALSE(std::get<Error>(decoded<Reply>(text).outcome).problems.empty());
}

TEST(Codec, KeepsABadValueApart) {
    Transaction transaction;
    transaction.delta.upserts.emplace_back(model::Key{model::Kind::backend, "good"},
                                           model::makeEntry(model::Backend{}));
    std::string text = TransactionWriter(transaction, 1).next();
    const std::string good = "\"backend/good\"";
    text.insert(text.find(good), R"("backend/bad":{"retries":"many"},"gadget/new":{"a":[1]},)");
    const auto message = decoded<PartMessage>(text);
    ASSERT_EQ(message.part.upserts.size(), 1U);
    ASSERT_EQ(message.part.refused.size(), 2U);
    EXPECT_EQ(message.part.refused[0].key, "backend/bad");
    EXPECT_EQ(message.part.refused[1].key, "gadget/new");
}

TEST(Codec, IgnoresWhatItDoesNotKnow) {
    const auto ack =
        decoded<Reply>(R"({"jsonrpc":"2.0","id":1,"later":{},"result":{"version":1,"root":")" +
                       model::RootHash{}.toHex() + R"(","applyMicros":12}})");
    EXPECT_EQ(std::get<Ack>(ack.outcome).version, 1U);
    const auto call = decoded<UnknownCall>(R"({"jsonrpc":"2.0","id":8,"method":"drain"})");
    EXPECT_EQ(call.method, "drain");
    EXPECT_EQ(call.id, 8U);
}

TEST(Codec, RefusesWhatIsNoMessage) {
    const std::string zero = model::RootHash{}.toHex();
    const std::string head = R"({"jsonrpc":"2.0",)";
    const std::string part = R"("epoch":"e","transaction":1,"version":1,"base":")" + zero +
                             R"(","target":")" + zero +
                             R"(","snapshot":false,"keyCount":0,"part":0,"last":)";
    for (const std::string& text : std::vector<std::string>{
             "",
             "{",
             "[]",
             "1",
             R"({"jsonrpc":"1.0","id":1})",
             head + R"("id":-1,"result":{}})",
             head + R"("id":1.5,"result":{"version":1,"root":"00"}})",
             head + R"("result":{}})",
             head + R"("id":1,"result":{"version":1,"root":"zz"}})",
             head + R"("id":1,"result":{"keys":{"route/a":"12"},"more":false}})",
             head + R"("id":1,"error":{"message":"m"}})",
             head + R"("id":1,"error":7})",
             head + R"("method":5})",
             head + R"("method":"hello","params":{}})",
             head + R"("id":1,"method":"hello","params":{"nodeId":7}})",
             head + R"("id":1,"method":"keys","params":{"lane":"other"}})",
             // The last part without an id, a first one with.
             head + R"("method":"apply","params":{)" + part + R"(true,"upserts":{},"deletes":[]}})",
             head + R"("id":1,"method":"apply","params":{)" + part +
                 R"(false,"upserts":{},"deletes":[]}})",
             // Keys of the other lane.
             head + R"("id":1,"method":"apply","params":{)" + part +
                 R"(true,"upserts":{"endpoints/a":{}},"deletes":[]}})",
             head + R"("id":1,"method":"endpoints","params":{)" + part +
                 R"(true,"upserts":{},"deletes":["route/a"]}})",
             head + R"("id":1,"method":"endpoints","params":{)" + part +
                 R"(true,"upserts":{},"deletes":[7]}})",
             "\"\xff\"",
         }) {
        EXPECT_NE(whyNot(text), "") << text;
    }
}

TEST(Codec, SurvivesDepthAndSize) {
    EXPECT_EQ(whyNot(std::string(500'000, '[')), "nested too deeply");
    EXPECT_EQ(whyNot(std::string(kMaxFrameBytes + 1, ' ')), "frame too large");
    EXPECT_EQ(whyNot("{\"a\":\"" + std::string(100, '[') + "\\\"{{{{\",\"jsonrpc\":7}"),
              "not JSON-RPC 2.0");
}

TEST(TransactionWriter, CutsLargeTransactionsIntoParts) {
    Transaction transaction;
    transaction.header.epoch = "e";
    transaction.header.transaction = 3;
    transaction.header.keyCount = 5000;
    for (int i = 0; i < 5000; ++i) {
        model::Route route;
        route.listeners = {"http"};
        route.host = "host-" + std::to_string(i) + ".example";
        route.origin = std::string(100, 'o');
        transaction.delta.upserts.emplace_back(
            model::Key{model::Kind::route, "r" + std::to_string(i)},
            model::makeEntry(std::move(route)));
        transaction.delta.deletes.push_back({model::Kind::route, "old" + std::to_string(i)});
    }
    TransactionWriter writer(transaction, 77);
    std::size_t upserts = 0;
    std::size_t deletes = 0;
    std::uint32_t index = 0;
    while (!writer.done()) {
        const std::string frame = writer.next();
        EXPECT_LT(frame.size(), kPartBytes + 2000);
        const auto message = decoded<PartMessage>(frame);
        EXPECT_EQ(message.part.header, transaction.header);
        EXPECT_EQ(message.part.index, index++);
        EXPECT_EQ(message.part.last, writer.done());
        EXPECT_EQ(message.id.has_value(), writer.done());
        upserts += message.part.upserts.size();
        deletes += message.part.deletes.size();
    }
    EXPECT_EQ(upserts, 5000U);
    EXPECT_EQ(deletes, 5000U);
    EXPECT_GT(index, 3U);
}

TEST(TransactionWriter, PutsOneLargeValueIntoAPartOfItsOwn) {
    model::Endpoints endpoints;
    for (int i = 0; i < 10'000; ++i) {
        endpoints.endpoints.push_back(
            {"10.1." + std::to_string(i / 256) + "." + std::to_string(i % 256), 8080, 7});
    }
    Transaction transaction;
    transaction.header.lane = model::Lane::endpoints;
    for (const char* name : {"a", "b"}) {
        transaction.delta.upserts.emplace_back(model::Key{model::Kind::endpoints, name},
                                               model::makeEntry(endpoints));
    }
    TransactionWriter writer(transaction, 1);
    EXPECT_EQ(decoded<PartMessage>(writer.next()).part.upserts.size(), 1U);
    EXPECT_EQ(decoded<PartMessage>(writer.next()).part.upserts.size(), 1U);
    EXPECT_TRUE(writer.done());
}

}  // namespace
}  // namespace evergate::rpc
