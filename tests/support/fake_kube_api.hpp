// SPDX-License-Identifier: Apache-2.0
// A fake Kubernetes API server with the semantics of a real one, and faults on demand.
//
// Runs on the io_context it is given; every method is called on that thread. Plain HTTP, or TLS
// when a certificate is given. Ordinary REST drives it (list, watch, create, replace, merge-patch,
// delete, status), and POST /fake/<fault> injects faults, see fake_kube_api_control.hpp.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tests/support/fake_kube_api_rest.hpp"
#include "tests/support/fake_kube_api_state.hpp"
#include "tests/support/fake_kube_api_store.hpp"

namespace evergate::test {

struct FakeKubeTls {
    std::string certificatePem;
    std::string keyPem;
    std::string clientAuthorityPem;  // clients must show a certificate of it; empty: none asked for
};

class FakeKubeApi {
public:
    using Duration = std::chrono::steady_clock::duration;

    // Port 0: any free one. Empty tls: plain HTTP.
    explicit FakeKubeApi(boost::asio::io_context& context, std::uint16_t port = 0,
                         const FakeKubeTls& tls = {}, const std::string& address = "127.0.0.1");
    ~FakeKubeApi();
    FakeKubeApi(const FakeKubeApi&) = delete;
    FakeKubeApi& operator=(const FakeKubeApi&) = delete;

    std::uint16_t port() const noexcept;
    std::string url() const;

    // Changes made by the test itself.
    FakeAnswer request(const std::string& method, const std::string& target,
                       const std::string& body = "");
    void upsert(nlohmann::json object);

    FakeKubeStore& store() noexcept { return state_->store; }

    FakeFaults& faults() noexcept { return state_->faults; }

    const FakeKubeStats& stats() const noexcept { return state_->stats; }

    std::size_t openWatches() const noexcept { return state_->watches.size(); }

    std::size_t openConnections() const noexcept { return state_->sockets.size(); }

    void dropConnections() { state_->dropConnections(nullptr); }

    void dropEvery(Duration interval);

    // Refuses connections, and drops those there are, until goUp() or for so long.
    void goDown() { state_->goDown(nullptr); }

    void goDownFor(Duration time);
    void goUp();
    void compact();
    void sendHalfEvents();
    void setWatchesSilent(bool silent);

private:
    std::shared_ptr<FakeKubeState> state_;  // sessions hold it too
};

}  // namespace evergate::test
