// SPDX-License-Identifier: Apache-2.0
// For tests: one side of a connection that says and hears random messages, whoever implements it.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/unit/dataplane/http2/frame_texts.hpp"

namespace evergate::http2 {

struct Message {
    std::vector<FieldTexts> interims;
    FieldTexts head;
    std::string body;
    FieldTexts trailers;

    bool operator==(const Message&) const = default;
};

class Dice {
public:
    explicit Dice(unsigned seed) : engine_(seed) {}

    std::uint32_t below(std::size_t most) { return static_cast<std::uint32_t>(engine_() % most); }

    bool oneIn(std::size_t most) { return below(most) == 0; }

private:
    std::mt19937 engine_;
};

// A stream, as one side has it.
struct Exchange {
    Message said;
    std::size_t revealed = 0;  // of the body: more is not there yet
    std::size_t sent = 0;
    bool speaking = false;
    bool waiting = false;
    Message heard;
    FieldTexts fields;  // of a block that is being read
    bool hasHead = false;
    std::size_t held = 0;  // not consumed
    bool ended = false;    // the other side's message
    bool closed = false;
    bool reset = false;  // by this side
    std::uint32_t code = 0;

    // What there is to be sent now, and whether its end is.
    std::size_t left() const { return revealed - sent; }

    bool lastPiece(std::size_t size) const { return sent + size == said.body.size(); }

    bool hasBody() const { return !said.body.empty() || !said.trailers.empty(); }
};

class Endpoint {
public:
    Endpoint(Dice& random, bool server) : dice(random), isServer(server) {}

    virtual ~Endpoint() = default;
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;

    virtual void receive(std::string_view bytes) = 0;
    virtual std::string send(std::size_t room) = 0;
    virtual std::uint32_t request(const Message& message) = 0;  // 0: not now
    virtual void respond(std::uint32_t id) = 0;                 // says exchanges[id].said
    virtual void resume(std::uint32_t id) = 0;
    virtual void reset(std::uint32_t id, ErrorCode code) = 0;
    virtual void consume(std::uint32_t id, std::size_t size) = 0;
    virtual void changeWindows(std::int32_t stream, std::int32_t connection) = 0;
    virtual void prioritize(std::uint32_t id) = 0;

    virtual void rest() {}

    virtual std::size_t streams() = 0;
    virtual std::int64_t sendWindow() = 0;  // of the connection

    // The script

    Exchange* pick() {
        std::erase_if(live, [this](std::uint32_t id) { return exchanges[id].closed; });
        if (live.empty())
            return nullptr;
        picked = live[dice.below(live.size())];
        return &exchanges[picked];
    }

    void start(std::uint32_t id) {
        Exchange& exchange = exchanges[id];
        exchange.said = randomMessage();
        exchange.speaking = true;
        respond(id);
    }

    void reveal(std::uint32_t id, std::size_t size) {
        Exchange& exchange = exchanges[id];
        exchange.revealed = std::min(exchange.said.body.size(), exchange.revealed + size);
        if (exchange.speaking && exchange.waiting && !exchange.reset && !exchange.closed) {
            exchange.waiting = false;
            resume(id);
        }
    }

    void giveUp(std::uint32_t id) {
        Exchange& exchange = exchanges[id];
        if (exchange.closed || std::exchange(exchange.reset, true))
            return;
        exchange.code = static_cast<std::uint32_t>(ErrorCode::cancel);
        reset(id, ErrorCode::cancel);
    }

    void consumeSome(std::uint32_t id, std::size_t size) {
        Exchange& exchange = exchanges[id];
        size = std::min(size, exchange.held);
        exchange.held -= size;
        if (size != 0)
            consume(id, size);
    }

    Message randomMessage() {
        Message message;
        if (isServer) {
            for (int i = dice.oneIn(4) ? 2 : 0; i > 0; --i)
                message.interims.push_back({{":status", "103"}, {"link", randomText(30)}});
            message.head.emplace_back(":status", dice.oneIn(3) ? "404" : "200");
        } else {
            message.head = {{":method", "POST"}, {":scheme", "http"}, {":authority", "a.example"}};
            message.head.emplace_back(":path", "/" + randomText(20));
        }
        addFields(message.head);
        if (!dice.oneIn(3))
            message.body = randomBody();
        if (!message.body.empty() && dice.oneIn(3))
            message.head.emplace_back("content-length", std::to_string(message.body.size()));
        if (dice.oneIn(4)) {
            message.trailers.emplace_back("sum", randomText(8));
            addFields(message.trailers);
        }
        return message;
    }

    // What the implementations hear

    void hearField(std::uint32_t id, std::string_view name, std::string_view value) {
        exchanges[id].fields.emplace_back(name, value);
    }

    void hearFields(std::uint32_t id, bool last) {
        Exchange& exchange = exchanges[id];
        FieldTexts fields = std::exchange(exchange.fields, {});
        const bool interim = !exchange.hasHead && !fields.empty() && fields[0].second == "103";
        if (interim) {
            exchange.heard.interims.push_back(std::move(fields));
        } else if (!std::exchange(exchange.hasHead, true)) {
            exchange.heard.head = std::move(fields);
        } else {
            exchange.heard.trailers = std::move(fields);
        }
        if (last)
            hearEnd(id);
        else
            react(id);
        if (isServer && !exchange.speaking && !exchange.reset && dice.oneIn(2))
            start(id);
    }

    void hearData(std::uint32_t id, std::string_view bytes) {
        Exchange& exchange = exchanges[id];
        exchange.heard.body.append(bytes);
        exchange.held += bytes.size();
        if (dice.oneIn(2))
            consumeSome(id, bytes.size());
        react(id);
    }

    void hearEnd(std::uint32_t id) {
        exchanges[id].ended = true;
        react(id);
    }

    void hearClosed(std::uint32_t id, std::uint32_t code) {
        Exchange& exchange = exchanges[id];
        exchange.closed = true;
        exchange.code = code;
    }

    Dice& dice;
    const bool isServer;
    std::map<std::uint32_t, Exchange> exchanges;
    std::vector<std::uint32_t> live;
    std::uint32_t picked = 0;
    std::string complaint;  // a breach of the other side's
    bool calm = false;      // nobody resets any more

private:
    // In the middle of a call.
    void react(std::uint32_t id) {
        if (!calm && dice.oneIn(300))
            giveUp(id);
    }

    std::string randomText(std::size_t most) {
        std::string text(1 + dice.below(most), 'a');
        for (char& letter : text)
            letter = static_cast<char>('a' + dice.below(26));
        return text;
    }

    void addFields(FieldTexts& fields) {
        for (std::uint32_t i = dice.below(6); i > 0; --i)
            fields.emplace_back("x-" + std::to_string(dice.below(20)), randomText(40));
        if (dice.oneIn(40))
            fields.emplace_back("x-large", std::string(10'000 + dice.below(20'000), '~'));
    }

    std::string randomBody() {
        const std::size_t most = dice.oneIn(20) ? 200'000 : dice.oneIn(4) ? 20'000 : 300;
        std::string body(dice.below(most), ' ');
        const auto first = static_cast<unsigned char>(dice.below(256));
        for (std::size_t i = 0; i < body.size(); ++i)
            body[i] = static_cast<char>(first + i % 251);
        return body;
    }
};

}  // namespace evergate::http2
