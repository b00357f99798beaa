// SPDX-License-Identifier: Apache-2.0
// Whatever two sides say in whatever order, each message arrives whole or was reset by someone, and
// in the end nothing is left: our client and our server, and each of them with nghttp2.
#include <gtest/gtest.h>

#include "tests/unit/dataplane/http2/pair_multiplexer.hpp"
#include "tests/unit/dataplane/http2/pair_nghttp2.hpp"

namespace evergate::http2 {
namespace {

constexpr int kSteps = 2'000;
constexpr std::size_t kMaxRequests = 250;

// One conversation.
class Talk {
public:
    template <typename Client, typename Server>
    static void run(unsigned seed) {
        Dice dice(seed);
        Talk talk(dice);
        const auto stream = [&dice] { return static_cast<std::int32_t>(1 + dice.below(100'000)); };
        const std::uint32_t most = 1 + dice.below(40);
        Client client(dice, false, stream(), talk.connectionWindow(0), 100);
        Server server(dice, true, stream(), talk.connectionWindow(1), most);
        talk.client_ = &client;
        talk.server_ = &server;
        talk.play();
        talk.finish();
        talk.check();
    }

private:
    explicit Talk(Dice& dice) : dice_(dice) {}

    std::int32_t connectionWindow(std::size_t side) {
        windows_[side] = static_cast<std::int32_t>(65'535 + dice_.below(200'000));
        largest_[side] = std::max(largest_[side], windows_[side]);
        return windows_[side];
    }

    void play() {
        for (int step = 0; step < kSteps && !complained(); ++step) {
            switch (dice_.below(16)) {
                case 0:
                case 1:
                    ask();
                    break;
                case 2: {
                    Endpoint& side = any();
                    if (dice_.oneIn(8) && side.pick() != nullptr)
                        side.giveUp(side.picked);
                    break;
                }
                case 3:
                    change();
                    break;
                case 4:
                    any().rest();
                    break;
                default:
                    step % 3 == 0 ? progress(any()) : void(move(dice_.below(30'000)));
            }
        }
    }

    void ask() {
        if (client_->exchanges.size() > kMaxRequests)
            return;
        Message message = client_->randomMessage();
        const std::uint32_t id = client_->request(message);
        if (id == 0)
            return;
        Exchange& exchange = client_->exchanges[id];
        exchange.said = std::move(message);
        exchange.speaking = true;
        client_->live.push_back(id);
    }

    void change() {
        const std::size_t side = dice_.below(2);
        Endpoint& endpoint = side == 0 ? *client_ : *server_;
        if (dice_.oneIn(4))
            endpoint.changeWindows(static_cast<std::int32_t>(dice_.below(100'000)),
                                   connectionWindow(side));
        else if (Exchange* const exchange = server_->pick(); exchange && !exchange->reset)
            server_->prioritize(server_->picked);
        if (client_->pick() != nullptr && dynamic_cast<Nghttp2Endpoint*>(client_) != nullptr)
            client_->prioritize(client_->picked);
    }

    // Of one stream of one side.
    void progress(Endpoint& side) {
        const Exchange* const exchange = side.pick();
        if (exchange == nullptr)
            return;
        const std::uint32_t id = side.picked;
        if (!exchange->speaking && !exchange->reset && exchange->hasHead)
            side.start(id);
        side.reveal(id, dice_.below(50'000));
        side.consumeSome(id, dice_.below(50'000));
    }

    // Octets of both sides, in parts. False: there are none.
    bool move(std::size_t most) {
        bool moved = false;
        for (Endpoint* const from : {client_, server_}) {
            std::string& wire = from == client_ ? toServer_ : toClient_;
            Endpoint& to = from == client_ ? *server_ : *client_;
            wire += from->send(most);
            const std::size_t size =
                dice_.oneIn(3) ? wire.size() : std::min<std::size_t>(wire.size(), dice_.below(100));
            moved = moved || !wire.empty();
            to.receive(std::string(wire.substr(0, size)));  // its end is guarded
            wire.erase(0, size);
        }
        return moved;
    }

    // All there is to be said is said, and read.
    void finish() {
        client_->calm = server_->calm = true;
        const std::int32_t stream = 1 + static_cast<std::int32_t>(dice_.below(50'000));
        client_->changeWindows(stream, connectionWindow(0));
        for (bool more = true; more && !complained();) {
            while (move(70'000) && !complained())
                continue;
            more = false;
            for (Endpoint* const side : {client_, server_}) {
                for (const std::uint32_t id : std::vector<std::uint32_t>(side->live))
                    more = complete(*side, id) || more;
            }
            more = move(70'000) || more;
        }
    }

    // True: that changed something.
    static bool complete(Endpoint& side, std::uint32_t id) {
        Exchange& exchange = side.exchanges[id];
        const bool starts = !exchange.speaking && !exchange.reset && !exchange.closed;
        const bool more = exchange.held != 0 || exchange.revealed < exchange.said.body.size();
        if (starts && exchange.hasHead)
            side.start(id);
        side.reveal(id, exchange.said.body.size());
        side.consumeSome(id, exchange.held);
        return more || (starts && exchange.hasHead);
    }

    bool complained() const { return !client_->complaint.empty() || !server_->complaint.empty(); }

    void check() {
        EXPECT_EQ(client_->complaint, "");
        EXPECT_EQ(server_->complaint, "");
        EXPECT_EQ(client_->streams(), 0U);
        EXPECT_EQ(server_->streams(), 0U);
        for (const auto& [id, asked] : client_->exchanges)
            compare(id, asked, server_->exchanges[id]);
        expectWindow(server_->sendWindow(), 0);
        expectWindow(client_->sendWindow(), 1);
    }

    static void compare(std::uint32_t id, const Exchange& client, const Exchange& server) {
        EXPECT_TRUE(client.closed) << id;
        if (!server.hasHead) {  // it was refused, or given up before it was said
            const auto refused = static_cast<std::uint32_t>(ErrorCode::refusedStream);
            EXPECT_TRUE(client.code == refused || client.reset || server.reset) << id;
            return;
        }
        for (const auto& [heard, said, code] : {std::tie(client.heard, server.said, client.code),
                                                std::tie(server.heard, client.said, server.code)}) {
            EXPECT_TRUE(said.body.starts_with(heard.body)) << id;
            EXPECT_TRUE(code == 0 ? heard == said : client.reset || server.reset)
                << id << ": codes " << client.code << ", " << server.code << ", bodies "
                << client.heard.body.size() << ", " << server.heard.body.size();
        }
    }

    // `side` grants it: what it keeps back is less than half.
    void expectWindow(std::int64_t window, std::size_t side) const {
        EXPECT_GE(window, windows_[side] / 2);
        EXPECT_LE(window, largest_[side]);
    }

    Dice& dice_;
    Endpoint* client_ = nullptr;
    Endpoint* server_ = nullptr;
    std::string toServer_;
    std::string toClient_;
    std::int32_t windows_[2] = {};
    std::int32_t largest_[2] = {};

    Endpoint& any() { return dice_.oneIn(2) ? *client_ : *server_; }
};

class Pair : public testing::TestWithParam<unsigned> {
protected:
    static constexpr unsigned kSeeds = 8;  // each

    template <typename Client, typename Server>
    static void talk() {
        for (unsigned i = 0; i < kSeeds && !HasFailure(); ++i) {
            SCOPED_TRACE(GetParam() * kSeeds + i);
            Talk::run<Client, Server>(GetParam() * kSeeds + i);
        }
    }
};

INSTANTIATE_TEST_SUITE_P(Seeds, Pair, testing::Range(0U, 10U));

TEST_P(Pair, OurClientAndOurServer) {
    talk<MultiplexerEndpoint, MultiplexerEndpoint>();
}

TEST_P(Pair, OurClientAndTheirServer) {
    talk<MultiplexerEndpoint, Nghttp2Endpoint>();
}

TEST_P(Pair, TheirClientAndOurServer) {
    talk<Nghttp2Endpoint, MultiplexerEndpoint>();
}

}  // namespace
}  // namespace evergate::http2
