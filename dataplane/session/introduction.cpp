// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/introduction.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "dataplane/session/connection_record.hpp"

namespace evergate::session {

Introduction::Introduction(SessionContext& context, IntroductionOwner& owner,
                           ListenerState& listener, net::Socket socket,
                           const net::SocketAddress& peer)
    : Session(context, listener, peer), owner_(owner), socket_(std::move(socket)) {}

void Introduction::start() {
    context_.wheel.arm(*this, context_.settings().headTimeout);
    look();
    if (closed_)
        return;
    socket_.setRegistered();
    if (context_.poller.add(socket_.fd(), *this))
        close();
}

void Introduction::closeIfIdle() {
    if (!closed_ && !begun_)
        close();
}

void Introduction::cancel() {
    if (!closed_)
        close();
}

void Introduction::onEvents(std::uint32_t events) {
    if (closed_)
        return;
    socket_.noteEvents(events);
    look();
}

void Introduction::onTimer() {
    if (!closed_)
        fail(ProxyHeaderOutcome::timeout, "header incomplete in time");
}

// Every arrival is an event of its own, so nothing need be read to hear of the next one.
void Introduction::look() {
    char bytes[net::kMaxProxyHeader];
    ssize_t got = 0;
    do {
        got = ::recv(socket_.fd(), bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (got <= 0)  // the end, or a reset
        return fail(ProxyHeaderOutcome::closed, "closed before a header");
    begun_ = true;
    net::ProxyHeader header;
    const auto result =
        net::parseProxyHeader(std::string_view(bytes, static_cast<std::size_t>(got)), header);
    switch (result.status) {
        case net::ProxyHeaderStatus::complete:
            if (socket_.recv(bytes, header.bytes).bytes != static_cast<ssize_t>(header.bytes))
                return fail(ProxyHeaderOutcome::closed, "closed before a header");
            return handOver(header);
        case net::ProxyHeaderStatus::malformed:
            return fail(ProxyHeaderOutcome::malformed, result.problem);
        case net::ProxyHeaderStatus::incomplete:
            if (socket_.hup())
                fail(ProxyHeaderOutcome::malformed, "closed within the header");
    }
}

void Introduction::handOver(const net::ProxyHeader& header) {
    const auto outcome =
        header.hasAddresses ? ProxyHeaderOutcome::proxied : ProxyHeaderOutcome::local;
    ++context_.counters.proxyHeaders[static_cast<std::size_t>(outcome)];
    stepAside(socket_);
    net::Socket socket(socket_.release());  // as new: its first event tells what is there
    ListenerState& listener = listener_;
    IntroductionOwner& owner = owner_;
    const net::SocketAddress client = header.hasAddresses ? header.source : address();
    const net::ProxiedDestination destination{header.destination, std::string(header.uniqueId)};
    close();
    owner.onIntroduced(listener, std::move(socket), client,
                       header.hasAddresses ? &destination : nullptr);
}

void Introduction::fail(ProxyHeaderOutcome outcome, const char* problem) {
    ++context_.counters.proxyHeaders[static_cast<std::size_t>(outcome)];
    // Who left without a word is a port scan or a health check, and no event.
    if (outcome != ProxyHeaderOutcome::closed) {
        ++context_.counters.errors[static_cast<std::size_t>(http::ProxyError::badProxyHeader)];
        if (context_.log != nullptr)
            writeLog(problem);
    }
    socket_.closeWithReset();
    close();
}

void Introduction::writeLog(const char* problem) const {
    char text[net::SocketAddress::kMaxText];
    http::AccessRecord record = connectionRecord(address(), text);
    record.tcp = true;
    record.route = listener_.name;
    record.error = http::ProxyError::badProxyHeader;
    record.proxyProblem = problem;
    context_.log->write(record);
}

void Introduction::close() {
    if (closed_)
        return;
    closed_ = true;
    context_.wheel.disarm(*this);
    socket_.close();
    owner_.onSessionClosed(*this);
}

}  // namespace evergate::session
