// SPDX-License-Identifier: Apache-2.0
// Apps for the tests of the Marathon source.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "controller/marathon/app_parser.hpp"
#include "controller/marathon/translate.hpp"

namespace evergate::controller::marathon {

inline App appOf(const std::string& json) {
    auto parsed = parseOneApp(R"({"app":)" + json + "}");
    auto* list = std::get_if<AppList>(&parsed);
    if (list == nullptr || list->apps.size() != 1) {
        ADD_FAILURE() << "no app: "
                      << (list == nullptr
                              ? std::get<std::string>(parsed)
                              : list->malformed.at(0).where + " " + list->malformed.at(0).what);
        return {};
    }
    return std::move(list->apps[0]);
}

// In host mode, with the service ports given, in group "external".
inline App appWith(const std::string& id, std::vector<std::uint16_t> ports,
                   std::map<std::string, std::string> labels = {}) {
    App app;
    app.id = id;
    app.shape.labels = std::move(labels);
    app.shape.labels.try_emplace("HAPROXY_GROUP", "external");
    for (const auto port : ports) {
        app.shape.ports.push_back({port, port, app.shape.ports.size(), true});
    }
    return app;
}

inline Task taskAt(const std::string& id, const std::string& host,
                   std::vector<std::uint16_t> ports) {
    Task task;
    task.id = id;
    task.host = host;
    task.ports = std::move(ports);
    task.state = "TASK_RUNNING";
    return task;
}

inline MarathonTranslate options() {
    MarathonTranslate options;
    options.groups = {"external"};
    return options;
}

inline Translated translated(const std::vector<App>& apps,
                             const MarathonTranslate& how = options()) {
    Apps all;
    for (const auto& app : apps) {
        all.emplace(app.id, app);
    }
    return translate(all, {}, how, [](const std::string&) { return std::string(); });
}

// "App /a HAPROXY_0_PORT: what"
inline std::vector<std::string> textsOf(const std::vector<ObjectProblem>& problems) {
    std::vector<std::string> texts;
    for (const auto& each : problems) {
        texts.push_back(each.object + " " + each.where + ": " + each.what);
    }
    return texts;
}

inline std::string textOf(const model::Endpoints& endpoints) {
    std::string text;
    for (const auto& each : endpoints.endpoints) {
        text += (text.empty() ? "" : " ") + each.address + ":" + std::to_string(each.port);
    }
    return text;
}

}  // namespace evergate::controller::marathon
