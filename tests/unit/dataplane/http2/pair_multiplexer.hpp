// SPDX-License-Identifier: Apache-2.0
// For tests: a Multiplexer as one side of a conversation of random messages.
#pragma once

#include <charconv>
#include <cstring>

#include "dataplane/http2/multiplexer.hpp"
#include "tests/unit/dataplane/http2/pair_endpoint.hpp"

namespace evergate::http2 {

class MultiplexerEndpoint final : public Endpoint, private Multiplexer::Handler {
public:
    MultiplexerEndpoint(Dice& random, bool server, std::int32_t stream, std::int32_t connection,
                        std::uint32_t maxStreams)
        : Endpoint(random, server),
          multiplexer_(server ? Multiplexer::Role::server : Multiplexer::Role::client, *this,
                       pool_) {
        const Setting forServer[] = {{SettingId::maxConcurrentStreams, maxStreams},
                                     {SettingId::noRfc7540Priorities, 1}};
        const Setting forClient[] = {{SettingId::enablePush, 0}};
        multiplexer_.limitStreams(maxStreams);
        server ? multiplexer_.start(forServer, stream, connection)
               : multiplexer_.start(forClient, stream, connection);
    }

    Multiplexer& multiplexer() { return multiplexer_; }

    void receive(std::string_view bytes) override {
        while (!bytes.empty())
            bytes.remove_prefix(multiplexer_.receive(bytes));
    }

    std::string send(std::size_t room) override {
        std::string text(room, '\0');
        text.resize(multiplexer_.send(text.data(), room));
        return text;
    }

    std::uint32_t request(const Message& message) override {
        Stream* const stream = multiplexer_.request(
            nullptr, views(message.head), !message.body.empty() || !message.trailers.empty());
        return stream != nullptr ? stream->id : 0;
    }

    void respond(std::uint32_t id) override {
        const Message& message = exchanges[id].said;
        for (const FieldTexts& interim : message.interims)
            multiplexer_.respond(at(id), views(interim), false);
        if (exchanges[id].hasBody())
            multiplexer_.respondWithBody(at(id), views(message.head));
        else
            multiplexer_.respond(at(id), views(message.head), true);
    }

    void resume(std::uint32_t id) override { multiplexer_.resume(at(id)); }

    void reset(std::uint32_t id, ErrorCode code) override { multiplexer_.reset(at(id), code); }

    void consume(std::uint32_t id, std::size_t size) override {
        if (multiplexer_.find(id) != nullptr)
            multiplexer_.consume(at(id), size);
        else
            multiplexer_.consumeConnection(size);
    }

    void changeWindows(std::int32_t stream, std::int32_t connection) override {
        multiplexer_.changeWindows(stream, connection);
    }

    void prioritize(std::uint32_t id) override {
        multiplexer_.prioritize(at(id), {static_cast<std::uint8_t>(dice.below(8)), dice.oneIn(2)});
    }

    void rest() override { multiplexer_.rest(); }

    std::size_t streams() override { return multiplexer_.streams(); }

    std::int64_t sendWindow() override { return multiplexer_.sendWindow(); }

private:
    Stream& at(std::uint32_t id) { return const_cast<Stream&>(*multiplexer_.find(id)); }

    static std::vector<hpack::Field> views(const FieldTexts& texts) {
        std::vector<hpack::Field> fields;
        for (const auto& [name, value] : texts)
            fields.push_back({name, value, name != "x-1"});
        return fields;
    }

    void onSettings(bool) override {}

    void onFieldsBegin(Stream& stream, bool opens) override {
        if (opens != (isServer && !exchanges.contains(stream.id)))
            complaint = "a stream that opens, or not";
        if (opens)
            live.push_back(stream.id);
        exchanges[stream.id].fields.clear();
    }

    bool onField(Stream& stream, std::string_view name, std::string_view value) override {
        hearField(stream.id, name, value);
        std::uint64_t length = 0;
        if (name == "content-length" &&
            std::from_chars(value.data(), value.data() + value.size(), length).ec == std::errc())
            stream.expect(length);
        return true;
    }

    void onFieldsEnd(Stream& stream, bool last) override { hearFields(stream.id, last); }

    void onData(Stream& stream, std::string_view bytes) override { hearData(stream.id, bytes); }

    void onEnd(Stream& stream) override { hearEnd(stream.id); }

    void onClosed(Stream& stream, ErrorCode code) override {
        multiplexer_.consumeConnection(std::exchange(exchanges[stream.id].held, 0));
        hearClosed(stream.id, static_cast<std::uint32_t>(code));
    }

    void onBreach(Multiplexer::Breach breach, Stream* stream) override {
        complaint = "breach " + std::to_string(static_cast<int>(breach)) + " of stream " +
                    std::to_string(stream != nullptr ? stream->id : 0);
    }

    Multiplexer::Piece onRead(Stream& stream, char* into, std::size_t room) override {
        using What = Multiplexer::Piece::What;
        Exchange& exchange = exchanges[stream.id];
        const std::size_t size = std::min(room, exchange.left());
        std::memcpy(into, exchange.said.body.data() + exchange.sent, size);
        exchange.sent += size;
        if (exchange.lastPiece(0)) {
            if (!exchange.said.trailers.empty())
                multiplexer_.sendTrailers(stream, views(exchange.said.trailers));
            return {What::last, size};
        }
        if (size != 0 || exchange.left() != 0)
            return {What::some, size};
        exchange.waiting = true;
        return {What::none, 0};
    }

    StreamPool pool_;
    Multiplexer multiplexer_;
};

}  // namespace evergate::http2
