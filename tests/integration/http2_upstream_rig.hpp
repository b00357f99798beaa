// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 client, the proxy, and HTTP/2 endpoints that do what a test wants done.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/http2_endpoint.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {

class Http2Upstream : public testing::Test {
protected:
    Http2Upstream() { backend.protocol = model::BackendProtocol::h2c; }

    ScriptedEndpoint& start(ScriptedEndpoint::Script script) {
        endpoints.push_back(std::make_unique<ScriptedEndpoint>(std::move(script)));
        return *endpoints.back();
    }

    // Serves every connection like this.
    ScriptedEndpoint& serve(Http2Endpoint::Options options) {
        ScriptedEndpoint& endpoint = start(Http2Endpoint::script(std::move(options)));
        proxy.serve({endpoint.port()}, backend);
        return endpoint;
    }

    ScriptedEndpoint& answer(Http2Endpoint::Handler onEnd) {
        Http2Endpoint::Options options;
        options.onEnd = std::move(onEnd);
        return serve(std::move(options));
    }

    static std::string get(const std::string& target = "/", const std::string& fields = "") {
        return "GET " + target + " HTTP/1.1\r\nHost: shop.test\r\n" + fields + "\r\n";
    }

    RawConnection::Response ask(RawConnection& client, const std::string& request,
                                bool head = false) {
        EXPECT_TRUE(client.send(request));
        return client.readResponse(head);
    }

    RawConnection::Response ask(const std::string& request) {
        RawConnection client = proxy.client();
        return ask(client, request);
    }

    std::uint64_t errors(http::ProxyError error) {
        return proxy.counters().errors[static_cast<std::size_t>(error)];
    }

    model::Backend backend;
    // What scripts share with the test; outlives their threads.
    std::atomic<int> asked{0};
    std::atomic<int> closed{0};
    std::atomic<std::uint32_t> resetCode{0};
    std::promise<void> released;
    std::shared_future<void> release{released.get_future()};
    std::vector<std::int32_t> ids;
    std::string large;
    std::vector<std::unique_ptr<ScriptedEndpoint>> endpoints;
    ProxyFixture proxy;
};

// Tells what was asked, in the body.
inline void tell(Http2Endpoint& peer, Http2Request& request) {
    std::string body;
    for (const auto& [name, value] : request.fields)
        body.append(name).append("=").append(value).append("\n");
    for (const auto& [name, value] : request.trailers)
        body.append("trailer ").append(name).append("=").append(value).append("\n");
    peer.respond(request.id, "200", {{"content-length", std::to_string(body.size())}}, body);
}

inline void echo(Http2Endpoint& peer, Http2Request& request) {
    peer.respond(request.id, "200", {{"x-size", std::to_string(request.body.size())}},
                 request.body);
}

}  // namespace evergate::test
