// SPDX-License-Identifier: Apache-2.0
// gRPC health checks: whatever an endpoint answers, there is one verdict, and it is not "good" by
// accident of a message that is none.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dataplane/health/grpc_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace evergate::health;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const int status = parseHealthResponse(bytes);
    if (status < -1 || (status >= 0 && bytes.size() < 5))
        std::abort();
    GrpcCheck check({"a", std::string(bytes.substr(0, 256)), false, {}});
    check.output();
    for (std::size_t at = 0; at < size && !check.done();) {
        const std::size_t part = 1 + data[at] % 64;
        check.take(bytes.substr(at, part));
        check.output();
        at += part;
    }
    const ProbeResult before = check.result();
    check.take(bytes);
    if (check.done() && !before.detail.empty() &&
        (before.good != check.result().good || before.detail != check.result().detail))
        std::abort();
    return 0;
}
