// SPDX-License-Identifier: Apache-2.0
#include "tests/support/ocsp_responder.hpp"

#include <cstdlib>
#include <utility>

namespace evergate::test {
namespace {

std::size_t lengthOf(const std::string& head) {
    const std::string name = "Content-Length: ";
    const std::size_t at = head.find(name);
    return at == std::string::npos ? 0 : std::stoul(head.substr(at + name.size()));
}

}  // namespace

OcspResponder::OcspResponder(Answer answer)
    : answer_(std::move(answer)),
      endpoint_([this](RawConnection& connection, int) { serve(connection); }) {}

void OcspResponder::serve(RawConnection& connection) {
    const std::string head = connection.readUntil("\r\n\r\n");
    const std::string question = connection.readExactly(lengthOf(head));
    if (question.empty()) {
        return;
    }
    std::string response;
    {
        const std::lock_guard lock(mutex_);
        ++asked_;
        head_ = head;
        response = answer_(question);
    }
    connection.send(response);
}

int OcspResponder::asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
}

std::string OcspResponder::lastHead() {
    const std::lock_guard lock(mutex_);
    return head_;
}

std::string OcspResponder::ok(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace evergate::test
