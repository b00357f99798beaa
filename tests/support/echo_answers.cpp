// SPDX-License-Identifier: Apache-2.0
// What the echo server answers to which path.
#include <array>
#include <charconv>
#include <string>

#include "tests/support/echo_connection.hpp"

namespace evergate::test {

void EchoConnection::requestDone() {
    state_ = keepAlive_ ? State::head : State::flush;
}

void EchoConnection::appendHead(std::string_view status, std::string_view headers) {
    out_.append("HTTP/1.1 ").append(status).append("\r\nX-Backend: ").append(host_.name());
    out_.append("\r\nContent-Type: text/plain\r\n").append(headers);
    if (!keepAlive_)
        out_.append("Connection: close\r\n");
}

void EchoConnection::respond(std::string_view status, std::string_view body,
                             std::string_view headers) {
    appendHead(status, headers);
    std::array<char, 24> number;
    const auto end = std::to_chars(number.data(), number.data() + number.size(), body.size()).ptr;
    out_.append("Content-Length: ").append(number.data(), end).append("\r\n\r\n");
    if (!headOnly_)
        out_.append(body);
}

void EchoConnection::dispatch(const EchoRequest& request) {
    if (request.path.size() > 1) {
        if (dispatchSized(request) || dispatchOdd(request))
            return;
        if (request.path == "/upload" || request.path == "/continue") {
            respond("200 OK", std::to_string(bodyBytes_) + "\n");
            return requestDone();
        }
        if (request.path == "/headers") {
            respond("200 OK", request.head);
            return requestDone();
        }
        if (request.path == "/connection") {
            respond("200 OK", std::to_string(id_) + " " + std::to_string(requests_) + "\n");
            return requestDone();
        }
        if (request.path == "/stats") {
            respond("200 OK", host_.statistics());
            return requestDone();
        }
    }
    std::string body(host_.name());
    body.append(" ").append(request.method).append(" ").append(request.target).append("\n");
    respond("200 OK", body);
    requestDone();
}

// Paths with a number in them.
bool EchoConnection::dispatchSized(const EchoRequest& request) {
    if (const auto count = request.number("/bytes/")) {
        beginBytes(*count);
        return true;
    }
    if (const auto count = request.number("/chunked/")) {
        beginChunks(*count);
        return true;
    }
    if (const auto time = request.number("/delay/")) {
        state_ = State::delayed;
        host_.delay(*this, std::chrono::milliseconds(*time));
        return true;
    }
    const auto code = request.number("/status/");
    if (!code)
        return false;
    const std::string status = std::to_string(*code) + " Status";
    if (*code == 204 || *code == 304) {
        appendHead(status, "");
        out_.append("\r\n");
    } else {
        respond(status, status + "\n");
    }
    requestDone();
    return true;
}

void EchoConnection::beginBytes(std::uint64_t count) {
    appendHead("200 OK", "Content-Length: " + std::to_string(count) + "\r\n");
    out_.append("\r\n");
    fill_ = headOnly_ ? 0 : count;
    chunksLeft_ = 0;
    state_ = State::generate;
}

void EchoConnection::beginChunks(std::uint64_t count) {
    appendHead("200 OK", "Transfer-Encoding: chunked\r\n");
    out_.append("\r\n");
    fill_ = 0;
    chunksLeft_ = headOnly_ ? 0 : count;
    if (count == 0 && !headOnly_)
        out_.append("0\r\n\r\n");
    state_ = State::generate;
}

void EchoConnection::beginEcho(const EchoRequest& request) {
    appendHead("200 OK", request.chunked
                             ? "Transfer-Encoding: chunked\r\n"
                             : "Content-Length: " + std::to_string(request.contentLength) + "\r\n");
    out_.append("\r\n");
}

void EchoConnection::beginUpgrade(const EchoRequest& request) {
    out_.append("HTTP/1.1 101 Switching Protocols\r\nX-Backend: ").append(host_.name());
    out_.append("\r\nConnection: Upgrade\r\nUpgrade: ").append(request.upgrade);
    out_.append("\r\n\r\n");
    state_ = State::tunnel;
}

// Answers that end, or break, in unusual ways.
bool EchoConnection::dispatchOdd(const EchoRequest& request) {
    if (request.path == "/upgrade" && !request.upgrade.empty()) {
        beginUpgrade(request);
        return true;
    }
    if (request.path == "/close") {
        keepAlive_ = false;
        respond("200 OK", host_.name() + " closes\n");
    } else if (request.path == "/silent-close") {  // does not say so
        respond("200 OK", host_.name() + " closes\n");
        keepAlive_ = false;
    } else if (request.path == "/eof") {  // the close ends the body
        keepAlive_ = false;
        appendHead("200 OK", "");
        out_.append("\r\n").append(host_.name()).append(" until the end\n");
    } else if (request.path == "/truncate") {
        keepAlive_ = false;
        out_.append("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nnot all of it");
    } else if (request.path == "/garbage") {
        keepAlive_ = false;
        out_.append("this is not HTTP\r\n\r\n");
    } else if (request.path == "/trailers") {
        appendHead("200 OK", "Trailer: X-Checksum\r\nTransfer-Encoding: chunked\r\n");
        out_.append("\r\n6\r\nhello\n\r\n0\r\nX-Checksum: 42\r\n\r\n");
    } else if (request.path == "/hints") {
        out_.append("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n");
        respond("200 OK", "hinted\n");
    } else if (request.path == "/reset") {
        close(/*reset=*/true);
        return true;
    } else if (request.path == "/never") {
        state_ = State::delayed;
        return true;
    } else {
        return false;
    }
    requestDone();
    return true;
}

}  // namespace evergate::test
