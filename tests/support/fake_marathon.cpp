// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_marathon.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <utility>

#include "tests/support/fake_marathon_session.hpp"

namespace evergate::test {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

namespace {

void acceptNext(const std::shared_ptr<FakeMarathonState>& state, std::size_t master) {
    auto& acceptor = state->acceptors[master];
    if (state->stopped || acceptor == nullptr) {
        return;
    }
    acceptor->async_accept([state, master](ErrorCode error, tcp::socket socket) {
        if (error == asio::error::operation_aborted || state->stopped) {
            return;
        }
        if (!error) {
            serveFakeMarathon(state, master, std::move(socket));
        }
        acceptNext(state, master);
    });
}

}  // namespace

void takeDown(const std::shared_ptr<FakeMarathonState>& state, std::size_t master) {
    state->acceptors.at(master).reset();
    for (auto* socket : state->sockets) {
        ErrorCode ignored;
        if (socket->local_endpoint(ignored).port() == state->endpoints[master].port()) {
            socket->close(ignored);
        }
    }
    state->wakeStreams();
}

void bringUp(const std::shared_ptr<FakeMarathonState>& state, std::size_t master) {
    if (state->acceptors.at(master) == nullptr) {
        state->acceptors[master] =
            std::make_unique<tcp::acceptor>(state->context, state->endpoints[master], true);
        acceptNext(state, master);
    }
}

FakeMarathon::FakeMarathon(asio::io_context& context, const std::vector<std::uint16_t>& ports,
                           const FakeMarathonTls& tls)
    : state_(std::make_shared<FakeMarathonState>(context)) {
    if (!tls.certificatePem.empty()) {
        state_->tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
        state_->tls->use_certificate_chain(asio::buffer(tls.certificatePem));
        state_->tls->use_private_key(asio::buffer(tls.keyPem), asio::ssl::context::pem);
    }
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const tcp::endpoint wanted(asio::ip::make_address("127.0.0.1"), ports[i]);
        state_->acceptors.push_back(std::make_unique<tcp::acceptor>(context, wanted, true));
        state_->endpoints.push_back(state_->acceptors.back()->local_endpoint());
        acceptNext(state_, i);
    }
}

FakeMarathon::~FakeMarathon() {
    state_->stopped = true;
    state_->dropConnections();
    state_->acceptors.clear();
}

std::uint16_t FakeMarathon::port(std::size_t master) const {
    return state_->endpoints.at(master).port();
}

std::string FakeMarathon::url(std::size_t master) const {
    return (state_->tls ? "https://127.0.0.1:" : "http://127.0.0.1:") +
           std::to_string(port(master));
}

}  // namespace evergate::test
