// SPDX-License-Identifier: Apache-2.0
#include "ctl/reports.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "ctl/table.hpp"

namespace evergate::ctl {
namespace {

using Json = nlohmann::json;

// A member of an object as text; "" when it is absent or no scalar.
std::string text(const Json& object, const char* name) {
    if (!object.is_object()) {
        return {};
    }
    const auto it = object.find(name);
    if (it == object.end() || it->is_null() || it->is_structured()) {
        return {};
    }
    if (const auto* found = it->get_ptr<const std::string*>()) {
        return *found;
    }
    return it->is_boolean() ? (it->get<bool>() ? "yes" : "no") : it->dump();
}

const Json& list(const Json& object, const char* name) {
    static const Json kEmpty = Json::array();
    if (!object.is_object()) {
        return kEmpty;
    }
    const auto it = object.find(name);
    return it != object.end() && it->is_array() ? *it : kEmpty;
}

std::string joined(const Json& items) {
    std::string all;
    for (const Json& item : items) {
        if (const auto* each = item.get_ptr<const std::string*>()) {
            all += (all.empty() ? "" : ",") + *each;
        }
    }
    return all;
}

std::string addressOf(const Json& endpoint) {
    const std::string address = text(endpoint, "address");
    const bool v6 = address.find(':') != std::string::npos;
    return (v6 ? '[' + address + ']' : address) + ':' + text(endpoint, "port");
}

void addEndpoint(Table& table, const std::string& backend, const std::string& balance,
                 const Json& endpoint) {
    table.add({backend, balance, addressOf(endpoint), text(endpoint, "weight"),
               text(endpoint, "state"), text(endpoint, "active"), text(endpoint, "idle"),
               text(endpoint, "requests"), text(endpoint, "failures"), text(endpoint, "check")});
}

bool mentions(const Json& route, std::string_view filter) {
    for (const char* field : {"name", "host", "path", "backend", "origin"}) {
        if (text(route, field).find(filter) != std::string::npos) {
            return true;
        }
    }
    return false;
}

std::string shortHash(const Json& object) {
    return text(object, "rootHash").substr(0, 12);
}

void addFact(Table& table, std::string label, std::string value) {
    if (!value.empty()) {
        table.add({std::move(label), std::move(value)});
    }
}

}  // namespace

void printFacts(std::string_view title, const Json& answer, std::ostream& out) {
    Table table({std::string(title), ""});
    for (const auto& [name, value] : answer.items()) {
        if (!value.is_object()) {
            addFact(table, name, text(answer, name.c_str()));
            continue;
        }
        for (const auto& [inner, each] : value.items()) {
            addFact(table, name + '.' + inner, text(value, inner.c_str()));
        }
    }
    table.print(out);
}

void printLeader(const Json& answer, std::ostream& out) {
    if (text(answer, "identity").empty()) {
        return;
    }
    const bool election = text(answer, "election") == "yes";
    const std::string holder = text(answer, "holder");
    out << '\n';
    Table table({"LEADER", ""});
    addFact(table, "leading", text(answer, "leading"));
    addFact(table, "identity", text(answer, "identity"));
    if (election) {
        addFact(table, "candidate", text(answer, "candidate"));
        addFact(table, "holder", holder.empty() ? "nobody known" : holder);
        addFact(table, "lease", text(answer, "namespace") + '/' + text(answer, "lease"));
        addFact(table, "trouble", text(answer, "trouble"));
    } else {
        addFact(table, "lease", "none: --leader-election=false");
    }
    addFact(table, "addresses", joined(list(answer, "addresses")));
    table.print(out);
}

void printStatus(const Json& answer, std::ostream& out) {
    Table table({"DATA PLANE", ""});
    addFact(table, "ready", text(answer, "ready"));
    addFact(table, "reason", text(answer, "reason"));
    addFact(table, "draining", text(answer, "draining"));
    addFact(table, "connected", text(answer, "connected"));
    addFact(table, "last error", text(answer, "lastError"));
    addFact(table, "stale", text(answer, "stale"));
    addFact(table, "controller heard (s ago)", text(answer, "ageSeconds"));
    addFact(table, "version", text(answer, "version"));
    addFact(table, "root hash", shortHash(answer));
    addFact(table, "endpoints version", text(answer, "endpointsVersion"));
    addFact(table, "listeners", text(answer, "listeners"));
    addFact(table, "routes", text(answer, "routes"));
    addFact(table, "backends", text(answer, "backends"));
    addFact(table, "workers", text(answer, "workers"));
    addFact(table, "uptime (s)", text(answer, "uptimeSeconds"));
    addFact(table, "build", text(answer, "build"));
    addFact(table, "node", text(answer, "nodeId"));
    if (answer.is_object() && answer.contains("counters")) {
        const Json& counters = answer["counters"];
        addFact(table, "connections", text(counters, "connections"));
        addFact(table, "active requests", text(counters, "activeRequests"));
        addFact(table, "requests", text(counters, "requests"));
    }
    table.print(out);
}

void printRoutes(const Json& answer, std::string_view filter, std::ostream& out) {
    Table table({"HOST", "PATH", "TYPE", "BACKEND", "LISTENERS", "ORIGIN", "POLICY"});
    for (const Json& route : list(answer, "routes")) {
        if (mentions(route, filter)) {
            const std::string host = text(route, "host");
            table.add({host.empty() ? "*" : host, text(route, "path"), text(route, "pathType"),
                       text(route, "backend"), joined(list(route, "listeners")),
                       text(route, "origin"), joined(list(route, "policy"))});
        }
    }
    table.print(out);
}

void printBackends(const Json& answer, std::ostream& out) {
    Table table({"BACKEND", "BALANCE", "ENDPOINT", "WEIGHT", "STATE", "ACTIVE", "IDLE", "REQUESTS",
                 "FAILURES", "CHECK"});
    for (const Json& backend : list(answer, "backends")) {
        const std::string name = text(backend, "name");
        const std::string balance = text(backend, "balance");
        const Json& endpoints = list(backend, "endpoints");
        if (endpoints.empty()) {
            table.add({name, balance, "none", "", "", "", "", "", "", ""});
        }
        for (const Json& endpoint : endpoints) {
            addEndpoint(table, name, balance, endpoint);
        }
    }
    table.print(out);
}

void printListeners(const Json& answer, std::ostream& out) {
    Table table({"LISTENER", "ADDRESS", "PROTOCOL", "BACKEND", "ACCEPTED", "ACTIVE"});
    for (const Json& listener : list(answer, "listeners")) {
        table.add({text(listener, "name"), addressOf(listener), text(listener, "protocol"),
                   text(listener, "backend"), text(listener, "accepted"),
                   text(listener, "active")});
    }
    table.print(out);
}

void printRevisions(const Json& answer, std::ostream& out) {
    Table table({"VERSION", "LANE", "APPLIED AT", "UPSERTS", "DELETES", "MICROS", "RESULT",
                 "ROOT HASH", "PROBLEMS"});
    for (const Json& revision : list(answer, "revisions")) {
        table.add({text(revision, "version"), text(revision, "lane"), text(revision, "appliedAt"),
                   text(revision, "upserts"), text(revision, "deletes"), text(revision, "micros"),
                   text(revision, "result"), shortHash(revision),
                   joined(list(revision, "problems"))});
    }
    table.print(out);
}

void printProblems(const Json& answer, std::ostream& out) {
    Table table({"OBJECT", "WHERE", "PROBLEM"});
    for (const Json& problem : list(answer, "problems")) {
        table.add({text(problem, "object"), text(problem, "where"), text(problem, "what")});
    }
    table.print(out);
}

void printDataplanes(const Json& answer, std::ostream& out) {
    Table table({"DATA PLANE", "BUILD", "CONFIG", "ENDPOINTS", "CONVERGED", "REFUSED KEYS"});
    for (const Json& each : list(answer, "dataplanes")) {
        const Json config = each.is_object() ? each.value("config", Json()) : Json();
        const Json endpoints = each.is_object() ? each.value("endpoints", Json()) : Json();
        const bool both =
            text(config, "converged") == "yes" && text(endpoints, "converged") == "yes";
        table.add({text(each, "nodeId"), text(each, "build"), text(config, "version"),
                   text(endpoints, "version"), both ? "yes" : "no",
                   joined(list(each, "refusedKeys"))});
    }
    table.print(out);
}

void printExplanation(const Json& answer, std::ostream& out) {
    Table facts({"REQUEST", ""});
    for (const char* field : {"listener", "host", "path", "route", "origin", "backend"}) {
        facts.add({field, text(answer, field)});
    }
    if (const std::string status = text(answer, "status"); !status.empty() && status != "0") {
        facts.add({"answered here with", status});
    }
    facts.print(out);
    out << '\n';
    Table steps({"STEP", "WHY"});
    int number = 0;
    for (const Json& step : list(answer, "steps")) {
        if (const auto* why = step.get_ptr<const std::string*>()) {
            steps.add({std::to_string(++number), *why});
        }
    }
    steps.print(out);
    if (!list(answer, "endpoints").empty()) {
        Table endpoints({"ENDPOINT", "STATE", "ACTIVE"});
        for (const Json& endpoint : list(answer, "endpoints")) {
            endpoints.add({addressOf(endpoint), text(endpoint, "state"), text(endpoint, "active")});
        }
        out << '\n';
        endpoints.print(out);
    }
}

bool saysProblems(const Json& problems) {
    return !list(problems, "problems").empty();
}

bool saysReady(const Json& status) {
    return text(status, "ready") == "yes";
}

bool saysRouted(const Json& explanation) {
    const std::string status = text(explanation, "status");
    return !text(explanation, "backend").empty() && (status.empty() || status == "0");
}

}  // namespace evergate::ctl
