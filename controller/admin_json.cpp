// SPDX-License-Identifier: Apache-2.0
#include "controller/admin_json.hpp"

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "common/model/json.hpp"
#include "common/model/public_json.hpp"
#include "common/rpc/codec.hpp"

namespace evergate::controller {

namespace {

using Json = nlohmann::ordered_json;
using model::Lane;

std::string text(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string timeText(std::chrono::system_clock::time_point at) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(at);
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(at - whole).count();
    const std::time_t seconds = std::chrono::system_clock::to_time_t(whole);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char buffer[40];
    const std::size_t length = std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%S", &parts);
    std::string fraction = std::to_string(1000 + millis);
    fraction[0] = '.';
    return std::string(buffer, length) + fraction + "Z";
}

bool isKind(std::string_view text) {
    using model::Kind;
    for (const Kind kind : {Kind::settings, Kind::certificate, Kind::listener, Kind::backend,
                            Kind::endpoints, Kind::route}) {
        if (model::name(kind) == text) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::optional<std::string> configJson(const PublishedState& state, std::string_view kind) {
    if (!kind.empty() && !isKind(kind)) {
        return std::nullopt;
    }
    std::string out = "{\"version\":" + std::to_string(state.version(Lane::config)) +
                      ",\"endpointsVersion\":" + std::to_string(state.version(Lane::endpoints)) +
                      ",\"entries\":{";
    bool first = true;
    for (const auto& [key, entry] : state.config().entries()) {
        if (!kind.empty() && model::name(key.kind) != kind) {
            continue;
        }
        out += first ? "" : ",";
        out += rpc::jsonText(model::encodeKey(key));
        out += ":{\"hash\":\"" + rpc::toHex(entry.hash) + "\",\"value\":";
        out += model::encodePublic(*entry.value) + "}";
        first = false;
    }
    return out + "}}";
}

std::string sourceJson(const SourceStatus& status, bool braking) {
    return text(Json{{"synced", status.synced},
                     {"state", status.state},
                     {"objects", status.objects},
                     {"events", status.events},
                     {"lists", status.lists},
                     {"errors", status.errors},
                     {"braking", braking}});
}

std::string dataplanesJson(const Publisher& publisher) {
    Json list = Json::array();
    const auto lane = [](const DataplaneStatus& status, Lane which) {
        const auto i = static_cast<std::size_t>(which);
        return Json{{"version", status.applied[i].version},
                    {"rootHash", status.applied[i].root.toHex()},
                    {"converged", status.converged[i]}};
    };
    for (const DataplaneStatus& status : publisher.dataplanes()) {
        list.push_back(Json{{"nodeId", status.nodeId},
                            {"build", status.build},
                            {"config", lane(status, Lane::config)},
                            {"endpoints", lane(status, Lane::endpoints)},
                            {"refusedKeys", status.rejected}});
    }
    const PublishedState& state = publisher.state();
    return text(Json{{"epoch", state.epoch()},
                     {"version", state.version(Lane::config)},
                     {"rootHash", state.config().root(Lane::config).toHex()},
                     {"endpointsVersion", state.version(Lane::endpoints)},
                     {"endpointsRootHash", state.config().root(Lane::endpoints).toHex()},
                     {"dataplanes", std::move(list)}});
}

std::string revisionsJson(const Publisher& publisher) {
    Json list = Json::array();
    const auto& revisions = publisher.revisions();
    for (auto it = revisions.rbegin(); it != revisions.rend(); ++it) {
        list.push_back(Json{{"version", it->version},
                            {"lane", name(it->lane)},
                            {"publishedAt", timeText(it->at)},
                            {"upserts", it->upserts},
                            {"deletes", it->deletes}});
    }
    return text(Json{{"revisions", std::move(list)}});
}

std::string leaderJson(const writeback::LeaderStatus* status) {
    if (status == nullptr) {
        return text(Json{{"election", false}, {"leading", false}});
    }
    Json addresses = Json::array();
    for (const PublishedAddress& address : status->addresses) {
        addresses.push_back(address.ip.empty() ? address.hostname : address.ip);
    }
    const auto& counters = status->counters;
    return text(Json{{"election", status->election},
                     {"leading", status->leading},
                     {"candidate", status->candidate},
                     {"holder", status->holder},
                     {"identity", status->identity},
                     {"namespace", status->nameSpace},
                     {"lease", status->lease},
                     {"trouble", status->trouble},
                     {"addresses", std::move(addresses)},
                     {"statuses",
                      {{"written", counters.statusWritten},
                       {"conflicts", counters.statusConflicts},
                       {"failed", counters.statusFailed}}},
                     {"events",
                      {{"created", counters.eventsCreated},
                       {"repeated", counters.eventsRepeated},
                       {"failed", counters.eventsFailed},
                       {"dropped", counters.eventsDropped}}}});
}

std::string problemsJson(const std::vector<ObjectProblem>& problems) {
    Json list = Json::array();
    for (const ObjectProblem& problem : problems) {
        list.push_back(
            Json{{"object", problem.object}, {"where", problem.where}, {"what", problem.what}});
    }
    return text(Json{{"problems", std::move(list)}});
}

}  // namespace evergate::controller
