// SPDX-License-Identifier: Apache-2.0
// An authority's OCSP responder on a port of the loopback: answers what it is told to, and
// remembers how often it was asked.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "tests/support/raw_connection.hpp"

namespace evergate::test {

class OcspResponder {
public:
    // From the question (DER) to the whole HTTP response; empty: the connection is closed. Runs on
    // threads of its own, one call at a time.
    using Answer = std::function<std::string(const std::string& question)>;

    explicit OcspResponder(Answer answer);

    // What certificates say about us.
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port()) + "/ocsp"; }

    std::uint16_t port() const noexcept { return endpoint_.port(); }

    int asked();
    std::string lastHead();

    static std::string ok(const std::string& body);

private:
    void serve(RawConnection& connection);

    Answer answer_;
    std::mutex mutex_;
    int asked_ = 0;
    std::string head_;
    ScriptedEndpoint endpoint_;  // last: its threads use the others
};

}  // namespace evergate::test
