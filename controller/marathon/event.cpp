// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/event.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "controller/marathon/app_parser.hpp"
#include "controller/marathon/task_rules.hpp"

namespace evergate::controller::marathon {
namespace {

using Json = nlohmann::json;

enum class Meaning { status, app, gone, anything };

struct Row {
    std::string_view type;
    Meaning meaning;
    std::string_view field;  // that names the app
};

constexpr std::array kRows = {
    Row{"status_update_event", Meaning::status, "appId"},
    Row{"health_status_changed_event", Meaning::app, "appId"},
    Row{"instance_health_changed_event", Meaning::app, "runSpecId"},
    Row{"unknown_instance_terminated_event", Meaning::app, "runSpecId"},
    Row{"api_post_event", Meaning::app, "uri"},
    Row{"app_terminated_event", Meaning::gone, "appId"},
    Row{"deployment_success", Meaning::anything, ""},
    Row{"deployment_failed", Meaning::anything, ""},
    Row{"group_change_success", Meaning::anything, ""},
};

// A string member of an object; empty when it is not there.
std::string textIn(const Json& json, std::string_view name) {
    const auto it = json.find(name);
    const auto* text = it == json.end() ? nullptr : it->get_ptr<const Json::string_t*>();
    return text == nullptr ? std::string() : *text;
}

// "/v2/apps/shop/web?force=true" or "/v2/apps//shop/web" -> "/shop/web"
std::string appOfUri(std::string_view uri) {
    uri = uri.substr(0, uri.find('?'));
    constexpr std::string_view kPrefix = "/v2/apps/";
    if (!uri.starts_with(kPrefix)) {
        return {};
    }
    uri.remove_prefix(kPrefix.size());
    while (uri.starts_with('/')) {
        uri.remove_prefix(1);
    }
    return "/" + std::string(uri);
}

std::string appOfPost(const Json& json) {
    const auto definition = json.find("appDefinition");
    auto id = definition != json.end() && definition->is_object() ? textIn(*definition, "id")
                                                                  : std::string();
    return isAppId(id) ? id : appOfUri(textIn(json, "uri"));
}

void readStatus(const Json& json, const std::string& appId, std::vector<News>& news) {
    const auto task = textIn(json, "taskId");
    const auto state = textIn(json, "taskStatus");
    if (isPreparingState(state)) {
        return;
    }
    if (!task.empty() && isEndingState(state)) {
        news.emplace_back(TaskEnding{appId, task});
    } else if (!task.empty() && state == "TASK_RUNNING") {
        news.emplace_back(TaskAlive{appId, task});
    }
    news.emplace_back(AppChanged{appId});
}

std::vector<News> readObject(const Json& json, std::string_view type) {
    std::vector<News> news;
    const auto row = std::find_if(kRows.begin(), kRows.end(),
                                  [&](const Row& each) { return each.type == type; });
    if (row == kRows.end()) {
        return news;
    }
    const auto appId = row->field == "uri" ? appOfPost(json) : textIn(json, row->field);
    if (row->meaning == Meaning::anything || !isAppId(appId)) {
        news.emplace_back(AnythingChanged{});
    } else if (row->meaning == Meaning::status) {
        readStatus(json, appId, news);
    } else if (row->meaning == Meaning::gone) {
        news.emplace_back(AppGone{appId});
    } else {
        news.emplace_back(AppChanged{appId});
    }
    return news;
}

// Without what is nested deeper than anything we read: plans of deployments are, and abuse.
Json parseShallow(std::string_view text) {
    return Json::parse(
        text, [](int depth, Json::parse_event_t, Json&) { return depth < 4; }, false);
}

}  // namespace

std::vector<News> newsOf(const StreamEvent& event) {
    std::vector<News> news;
    const auto read = [&](const Json& json) {
        const auto type = textIn(json, "eventType");
        auto more = readObject(json, type.empty() ? event.type : type);
        std::move(more.begin(), more.end(), std::back_inserter(news));
    };
    if (const auto whole = parseShallow(event.data); whole.is_object()) {
        read(whole);
        return news;
    }
    // Some versions packed several documents into one event, a line each.
    std::string_view rest = event.data;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        if (const auto json = parseShallow(rest.substr(0, end)); json.is_object()) {
            read(json);
        } else {
            news.emplace_back(AnythingChanged{});
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return news;
}

std::string eventQuery() {
    std::string query = "plan-format=light";
    for (const auto& row : kRows) {
        query += "&event_type=" + std::string(row.type);
    }
    return query;
}

}  // namespace evergate::controller::marathon
