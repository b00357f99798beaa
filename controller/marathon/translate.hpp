// SPDX-License-Identifier: Apache-2.0
// Marathon apps -> the whole desired configuration. Pure and deterministic.
//
// One app's mistake costs that app (or the label that is wrong) and is reported. Apps that want the
// same port, host or path are served in the order marathon-lb would: the first by app id and port,
// of routes by weight first. docs/labels.md states the semantics for users.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/marathon/app_parser.hpp"
#include "controller/marathon/labels.hpp"
#include "controller/marathon/marathon_app.hpp"
#include "controller/marathon/task_rules.hpp"
#include "controller/source.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller::marathon {

struct MarathonTranslate {
    std::vector<std::string> groups;
    TranslateOptions common;  // its Kubernetes-only members mean nothing here
};

using Apps = std::map<std::string, App>;  // by id; tasks have been admitted

// Where the endpoints of a backend come from.
struct BackendOwner {
    std::string appId;
    std::size_t port = 0;  // index of the service port

    friend bool operator==(const BackendOwner&, const BackendOwner&) = default;
};

struct Translated {
    Desired desired;  // `fullList` is left at 0 for the source to set
    std::map<std::string, BackendOwner> owners;
};

Translated translate(const Apps& apps, const std::vector<AppProblem>& malformed,
                     const MarathonTranslate& options, const HostLookup& lookup);

}  // namespace evergate::controller::marathon
