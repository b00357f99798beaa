// SPDX-License-Identifier: Apache-2.0
// Plays one case through a real proxy: one client and one endpoint, both scripted, in one thread.
// Every read has the deadline of RawConnection, so that a hang is a failure; nothing depends on how
// fast anybody is.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "tests/integration/http1/script.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {

inline model::Settings settingsOf(const Case& tested) {
    using model::HeaderUnderscores;
    static const std::map<std::string, HeaderUnderscores> kRules = {
        {"allow", HeaderUnderscores::allow},
        {"remove", HeaderUnderscores::remove},
        {"refuse", HeaderUnderscores::refuse}};
    model::Settings settings;
    for (const auto& [name, value] : tested.settings) {
        const auto number = static_cast<std::uint32_t>(std::atol(value.c_str()));
        if (name == "headerUnderscores") {
            settings.headerUnderscores = kRules.at(value);
        } else if (name == "via") {
            settings.via = value;
        } else if (name == "serverName") {
            settings.serverName = value;
        } else if (name == "maxInterimResponses") {
            settings.maxInterimResponses = number;
        } else if (name == "http2") {
            settings.http2 = value == "false" ? model::ClientHttp2::off : model::ClientHttp2::on;
        } else if (name == "maxHeadBytes") {
            settings.maxHeadBytes = number;
        } else if (name == "maxHeaders") {
            settings.maxHeaders = number;
        } else {
            throw std::runtime_error("unknown setting " + name);
        }
    }
    return settings;
}

// One message as a peer got it.
struct Message {
    std::string head;  // with the line ends
    std::string body;  // chunks are joined
    std::string trailers;
    bool complete = false;

    std::string firstLine() const { return head.substr(0, head.find("\r\n")); }

    bool has(const std::string& line) const {
        return head.find("\r\n" + line + "\r\n") != std::string::npos;
    }

    int count(const std::string& name) const {
        const auto lower = [](std::string text) {
            std::transform(text.begin(), text.end(), text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            return text;
        };
        const std::string in = lower(head);
        const std::string line = "\r\n" + lower(name) + ":";
        int found = 0;
        for (auto at = in.find(line); at != std::string::npos; at = in.find(line, at + 1))
            ++found;
        return found;
    }

    std::string value(const std::string& name) const {
        const auto at = head.find("\r\n" + name + ": ");
        if (at == std::string::npos)
            return {};
        const auto begin = at + name.size() + 4;
        return head.substr(begin, head.find("\r\n", begin) - begin);
    }
};

class Peer {
public:
    RawConnection connection;
    Message last;

    // With `dripping`, in small pieces that may reach the proxy one by one.
    void send(std::string_view bytes, bool dripping) {
        if (!dripping) {
            connection.send(bytes);
            return;
        }
        const int yes = 1;
        ::setsockopt(connection.fd(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        const std::size_t piece = bytes.size() / 400 + 1;
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            if (!connection.send(bytes.substr(at, piece)))
                return;  // it was refused before its end
        }
    }

    void readHead() {
        last = {};
        last.head = connection.readUntil("\r\n\r\n");
        last.complete = last.head.ends_with("\r\n\r\n");
    }

    // `ends`: a body without length goes on to the close of the connection; else there is none.
    void readMessage(bool ends) {
        readHead();
        if (!last.complete || hasNoBody())
            return;
        const std::string length = last.value("Content-Length");
        if (last.has("Transfer-Encoding: chunked")) {
            readChunks();
        } else if (!length.empty()) {
            const auto size = static_cast<std::size_t>(std::atoll(length.c_str()));
            last.body = connection.readExactly(size);
            last.complete = last.body.size() == size;
        } else if (ends) {
            last.body = connection.readAll();
        }
    }

private:
    bool hasNoBody() const {
        const std::string line = last.firstLine();
        if (!line.starts_with("HTTP/1."))
            return false;
        const std::string status = line.substr(9, 3);
        return status[0] == '1' || status == "204" || status == "304";
    }

    void readChunks() {
        last.complete = false;
        for (;;) {
            const std::string line = connection.readUntil("\r\n");
            if (!line.ends_with("\r\n"))
                return;
            const auto size = static_cast<std::size_t>(std::strtoull(line.c_str(), nullptr, 16));
            if (size == 0)
                break;
            last.body += connection.readExactly(size);
            if (connection.readExactly(2) != "\r\n")
                return;
        }
        for (;;) {
            const std::string line = connection.readUntil("\r\n");
            if (!line.ends_with("\r\n"))
                return;
            if (line == "\r\n")
                break;
            last.trailers += line;
        }
        last.complete = true;
    }
};

class Player {
public:
    Player(const Case& tested, bool dripping)
        : case_(tested), dripping_(dripping), proxy_(settingsOf(tested)) {
        proxy_.serve({listener_.port()});
        client_.connection = proxy_.client();
    }

    void play() {
        for (const Step& step : case_.steps) {
            step_ = &step;
            if (step.side == Side::none) {
                same(std::to_string(proxy_.counters().upstreamConnects), step.argument);
            } else if (!common(peer()) && !(step.side == Side::client ? client() : endpoint())) {
                report("unknown verb " + step.verb);
            }
            if (::testing::Test::HasFailure())
                return;
        }
    }

private:
    using Next = RawConnection::Next;

    void report(const std::string& what) const {
        const std::string where = std::string(EVERGATE_SOURCE_DIR) + "/tests/integration/http1/";
        ADD_FAILURE_AT((where + case_.file).c_str(), step_->line)
            << case_.name << ", " << static_cast<char>(step_->side) << ' ' << step_->verb << ": "
            << what << "\nclient has: " << client_.last.head << client_.last.body
            << "\nendpoint has: " << endpoint_.last.head << endpoint_.last.body;
    }

    void require(bool holds, const std::string& what) const {
        if (!holds)
            report(what);
    }

    void same(const std::string& got, const std::string& wanted) const {
        require(got == wanted, "got \"" + got + "\", not \"" + wanted + '"');
    }

    Peer& peer() {
        if (step_->side == Side::client)
            return client_;
        if (!endpoint_.connection.open() && step_->verb != "none" && step_->verb != "new")
            endpoint_.connection = listener_.accept();
        return endpoint_;
    }

    // What both sides know. False: not one of these.
    bool common(Peer& peer) {
        const std::string& argument = step_->argument;
        const std::map<std::string_view, std::function<void()>> verbs = {
            {"send", [&] { peer.send(argument, dripping_); }},
            {"has", [&] { require(peer.last.has(argument), "no such line"); }},
            {"lacks", [&] { require(peer.last.count(argument) == 0, "has " + argument); }},
            {"once", [&] { same(std::to_string(peer.last.count(argument)), "1"); }},
            {"body", [&] { same(peer.last.body, argument); }},
            {"length", [&] { same(std::to_string(peer.last.body.size()), argument); }},
            {"trailers", [&] { same(peer.last.trailers, argument); }},
            {"bytes", [&] { same(peer.connection.readExactly(argument.size()), argument); }},
            {"closed", [&] { expectNext(peer, Next::end, Next::end); }},
            {"cut", [&] { expectNext(peer, Next::end, Next::reset); }},
            {"torn", [&] { expectTorn(peer); }},
            {"close", [&] { peer.connection.close(); }},
            {"reset", [&] { peer.connection.reset(); }}};
        const auto found = verbs.find(step_->verb);
        if (found != verbs.end())
            found->second();
        return found != verbs.end();
    }

    void expectNext(Peer& peer, Next one, Next other) const {
        const Next next = peer.connection.next();
        require(next == one || next == other, next == Next::data
                                                  ? "more bytes: " + peer.connection.readAll()
                                              : next == Next::nothing ? "still open"
                                                                      : "closed in another way");
    }

    // The body behind the last head stops before its end.
    void expectTorn(Peer& peer) const {
        const std::string rest = peer.connection.readAll();
        const std::string length = peer.last.value("Content-Length");
        const bool whole =
            length.empty() ? rest.ends_with("0\r\n\r\n")
                           : rest.size() >= static_cast<std::size_t>(std::atoll(length.c_str()));
        require(!whole, "complete: " + rest);
    }

    bool client() {
        const std::string& argument = step_->argument;
        const std::string& verb = step_->verb;
        if (verb == "get") {
            const std::string extra = argument.empty() ? "" : argument + "\r\n";
            client_.send("GET / HTTP/1.1\r\nHost: a\r\n" + extra + "\r\n", dripping_);
        } else if (verb == "ok") {
            readStatus("200");
            same(client_.last.body, "ok");
        } else if (verb == "head") {
            client_.readHead();
            require(client_.last.complete, "incomplete");
            same(status(), argument);
        } else if (verb == "message") {
            readStatus(argument);
        } else if (verb == "broken") {
            client_.readMessage(true);
            same(status(), argument);
            require(!client_.last.complete, "complete");
        } else if (verb == "refused") {
            readStatus(argument);
            require(client_.last.has("Connection: close"), "no Connection: close");
            require(client_.last.body.starts_with(argument), "another body");
            expectNext(client_, Next::end, Next::end);
        } else if (verb == "kept") {
            client_.send("OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n", dripping_);
            readStatus("200");
        } else if (verb == "new") {
            client_.connection = proxy_.client();
        } else {
            return false;
        }
        return true;
    }

    bool endpoint() {
        const std::string& argument = step_->argument;
        const std::string& verb = step_->verb;
        if (verb == "ok") {
            const std::string extra = argument.empty() ? "" : argument + "\r\n";
            endpoint_.send("HTTP/1.1 200 OK\r\n" + extra + "Content-Length: 2\r\n\r\nok",
                           dripping_);
        } else if (verb == "head" || verb == "message") {
            if (verb == "head") {
                endpoint_.readHead();
            } else {
                endpoint_.readMessage(false);
            }
            require(endpoint_.last.complete, "incomplete");
            if (!argument.empty())
                same(endpoint_.last.firstLine(), argument);
        } else if (verb == "new") {
            endpoint_.connection = listener_.accept();
            require(endpoint_.connection.open(), "nobody connects");
        } else if (verb == "none") {
            same(std::to_string(proxy_.counters().upstreamConnects), "0");
        } else {
            return false;
        }
        return true;
    }

    std::string status() const {
        const std::string line = client_.last.firstLine();
        return line.starts_with("HTTP/1.1 ") ? line.substr(9, 3) : line;
    }

    void readStatus(const std::string& wanted) {
        client_.readMessage(true);
        same(status(), wanted);
        require(client_.last.complete, "incomplete");
    }

    const Case& case_;
    const bool dripping_;
    const Step* step_ = nullptr;
    RawListener listener_;
    ProxyFixture proxy_;
    Peer client_;
    Peer endpoint_;
};

}  // namespace evergate::test
