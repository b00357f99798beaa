// SPDX-License-Identifier: Apache-2.0
// Listeners that Services ask for by annotation: evergate.io/tcp-port (behind TLS with tcp-tls) and
// evergate.io/http-port. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/model/config.hpp"
#include "controller/objects/object_store.hpp"
#include "controller/translate/annotations.hpp"
#include "controller/translate/backend_reference.hpp"
#include "controller/translate/problem_list.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller {

struct ListenerRequest {
    const Service* service = nullptr;
    std::string annotation;  // the key it was asked with
    model::ListenerProtocol protocol = model::ListenerProtocol::tcp;
    std::uint16_t port = 0;
    BackendReference target;

    std::string listenerName() const;  // "tcp/shop/db/5432", "http/shop/web"
};

// The well-formed requests of one Service. `problems` may be null.
std::vector<ListenerRequest> listenerRequests(const Service& service, ProblemList* problems);

// Every well-formed request of the store, oldest Service first.
std::vector<ListenerRequest> listenerRequests(const ObjectStore& store, ProblemList& problems);

// Puts the listeners (and the routes of the http ones) whose port is free, with the policy of their
// Services; the rest are problems.
void emitListeners(const std::vector<ListenerRequest>& requests, const TranslateOptions& options,
                   const ServiceAnnotations& services, model::Config& config,
                   ProblemList& problems);

}  // namespace evergate::controller
