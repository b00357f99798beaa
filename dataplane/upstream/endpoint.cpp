// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/endpoint.hpp"

#include <cassert>

namespace evergate::upstream {

EndpointState::~EndpointState() {
    // Every connection holds a reference.
    assert(idle.empty() && openConnections == 0);
}

}  // namespace evergate::upstream
