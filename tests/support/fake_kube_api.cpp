// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_kube_api.hpp"

#include <boost/asio/buffer.hpp>
#include <utility>

#include "tests/support/fake_kube_api_control.hpp"
#include "tests/support/fake_kube_api_session.hpp"

namespace evergate::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

std::unique_ptr<asio::ssl::context> contextOf(const FakeKubeTls& tls) {
    if (tls.certificatePem.empty()) {
        return nullptr;
    }
    auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
    context->use_certificate_chain(asio::buffer(tls.certificatePem));
    context->use_private_key(asio::buffer(tls.keyPem), asio::ssl::context::pem);
    if (!tls.clientAuthorityPem.empty()) {
        context->add_certificate_authority(asio::buffer(tls.clientAuthorityPem));
        context->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    }
    return context;
}

}  // namespace

FakeKubeState::FakeKubeState(asio::io_context& io)
    : context(io), acceptor(io), dropTimer(io), upTimer(io) {}

void FakeKubeState::open() {
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen();
    endpoint = acceptor.local_endpoint();
}

void FakeKubeState::wakeWatches() {
    for (auto* watch : watches) {
        watch->cancel();
    }
}

void FakeKubeState::dropConnections(const tcp::socket* except) {
    for (auto* socket : sockets) {
        if (socket != except) {
            ErrorCode ignored;
            socket->close(ignored);
        }
    }
    wakeWatches();
}

void FakeKubeState::goDown(const tcp::socket* except) {
    ErrorCode ignored;
    acceptor.close(ignored);
    dropConnections(except);
}

void acceptConnections(std::shared_ptr<FakeKubeState> state) {
    state->acceptor.async_accept([state](ErrorCode error, tcp::socket socket) {
        if (!error) {
            ++state->stats.connections;
            socket.set_option(tcp::no_delay(true), error);
            serveFakeConnection(state, std::move(socket));
        }
        if (state->acceptor.is_open()) {
            acceptConnections(state);
        }
    });
}

void dropEvery(const std::shared_ptr<FakeKubeState>& state, std::chrono::milliseconds interval) {
    state->dropTimer.cancel();
    if (interval.count() == 0) {
        return;
    }
    state->dropTimer.expires_after(interval);
    state->dropTimer.async_wait([state, interval](ErrorCode error) {
        if (!error) {
            state->dropConnections(nullptr);
            dropEvery(state, interval);
        }
    });
}

void goUpAfter(const std::shared_ptr<FakeKubeState>& state, std::chrono::milliseconds delay) {
    state->upTimer.expires_after(delay);
    state->upTimer.async_wait([state](ErrorCode error) {
        if (!error && !state->acceptor.is_open() && !state->stopped) {
            state->open();
            acceptConnections(state);
        }
    });
}

FakeKubeApi::FakeKubeApi(asio::io_context& context, std::uint16_t port, const FakeKubeTls& tls,
                         const std::string& address)
    : state_(std::make_shared<FakeKubeState>(context)) {
    state_->tls = contextOf(tls);
    state_->endpoint = tcp::endpoint(asio::ip::make_address(address), port);
    goUp();
}

FakeKubeApi::~FakeKubeApi() {
    state_->stopped = true;
    state_->dropTimer.cancel();
    state_->upTimer.cancel();
    goDown();
}

std::uint16_t FakeKubeApi::port() const noexcept {
    return state_->endpoint.port();
}

std::string FakeKubeApi::url() const {
    const bool v6 = state_->endpoint.address().is_v6();
    const auto host = state_->endpoint.address().to_string();
    return (state_->tls ? "https://" : "http://") + (v6 ? "[" + host + "]" : host) + ":" +
           std::to_string(port());
}

FakeAnswer FakeKubeApi::request(const std::string& method, const std::string& target,
                                const std::string& body) {
    auto answer = answerFakeRequest(
        state_->store, {method, parseFakeTarget(target), "application/merge-patch+json", body});
    state_->wakeWatches();
    return answer;
}

void FakeKubeApi::upsert(nlohmann::json object) {
    state_->store.upsert(std::move(object));
    state_->wakeWatches();
}

void FakeKubeApi::dropEvery(Duration interval) {
    test::dropEvery(state_, std::chrono::duration_cast<std::chrono::milliseconds>(interval));
}

void FakeKubeApi::goDownFor(Duration time) {
    goDown();
    goUpAfter(state_, std::chrono::duration_cast<std::chrono::milliseconds>(time));
}

void FakeKubeApi::goUp() {
    state_->open();
    acceptConnections(state_);
}

void FakeKubeApi::compact() {
    state_->store.compact();
    state_->wakeWatches();
}

void FakeKubeApi::sendHalfEvents() {
    ++state_->halfEvents;
    state_->wakeWatches();
}

void FakeKubeApi::setWatchesSilent(bool silent) {
    state_->faults.silentWatches = silent;
    state_->wakeWatches();
}

}  // namespace evergate::test
