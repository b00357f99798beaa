// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/http2_pool.hpp"

#include <utility>

#include "dataplane/upstream/connection_pool.hpp"
#include "dataplane/upstream/endpoint.hpp"

namespace evergate::upstream {
namespace {

// Spare texts are kept when they have about the size of a head.
constexpr std::size_t kSpareTexts = 128;
constexpr std::size_t kLeastSpare = 64;
constexpr std::size_t kMostSpare = 2048;

// The first that suits; `standing`: and needs not be waited for.
Http2Connection* firstOf(EndpointState& endpoint, const Security& security,
                         bool standing) noexcept {
    for (Http2Connection* at = endpoint.http2; at != nullptr; at = at->next) {
        if (at->hasRoom() && (at->standing() || !standing) && at->suits(security))
            return at;
    }
    return nullptr;
}

}  // namespace

Http2Pool::Http2Pool(ConnectionPool& connections)
    : connections_(connections),
      input_(std::make_unique<char[]>(kReadSize)),
      output_(std::make_unique<char[]>(kFlushSize)) {
    spareTexts_.reserve(kSpareTexts);
}

std::string Http2Pool::takeText() noexcept {
    if (spareTexts_.empty())
        return {};
    std::string text = std::move(spareTexts_.back());
    spareTexts_.pop_back();
    return text;
}

void Http2Pool::keepText(std::string text) noexcept {
    if (text.capacity() < kLeastSpare || text.capacity() > kMostSpare ||
        spareTexts_.size() == spareTexts_.capacity())
        return;
    text.clear();
    spareTexts_.push_back(std::move(text));
}

Http2Pool::~Http2Pool() {
    closeAllIdle();
}

std::unique_ptr<Connection> Http2Pool::take(EndpointState& endpoint, ConnectionUser& user,
                                            const Security& security) {
    Http2Connection* const found = firstOf(endpoint, security, true);
    return found != nullptr ? found->openStream(user, true) : nullptr;
}

std::unique_ptr<Connection> Http2Pool::connect(EndpointState& endpoint, ConnectionUser& user,
                                               std::error_code& error, const Security& security) {
    Http2Connection* const found = find(endpoint, security, error);
    return found != nullptr ? found->openStream(user, false) : nullptr;
}

Http2Connection* Http2Pool::find(EndpointState& endpoint, const Security& security,
                                 std::error_code& error) {
    if (Http2Connection* const found = firstOf(endpoint, security, false))
        return found;
    auto made = std::make_unique<Http2Connection>(*this, endpoint);
    if (!made->start(security, error))
        return nullptr;
    Http2Connection& connection = *made.release();  // its own from here on
    all_.push_back(connection);
    connection.next = std::exchange(endpoint.http2, &connection);
    return &connection;
}

void Http2Pool::unlink(EndpointState& endpoint, Http2Connection& connection) noexcept {
    for (Http2Connection** at = &endpoint.http2; *at != nullptr; at = &(*at)->next) {
        if (*at == &connection) {
            *at = connection.next;
            return;
        }
    }
}

void Http2Pool::closeIdle(EndpointState& endpoint) {
    for (Http2Connection* at = endpoint.http2; at != nullptr;) {
        Http2Connection& connection = *std::exchange(at, at->next);
        connection.stopTaking();
        connection.endIfUnused();
    }
}

void Http2Pool::closeAllIdle() {
    for (auto at = all_.begin(); at != all_.end();) {
        Http2Connection& connection = *at++;
        connection.endIfUnused();
    }
}

}  // namespace evergate::upstream
