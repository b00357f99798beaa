// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/lease_record.hpp"

#include <nlohmann/json.hpp>

namespace evergate::controller::writeback {
namespace {

using Json = nlohmann::json;

std::string textOf(const Json& object, const char* name) {
    const auto it = object.find(name);
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::int64_t numberOf(const Json& object, const char* name) {
    const auto it = object.find(name);
    return it != object.end() && it->is_number_integer() ? it->get<std::int64_t>() : 0;
}

void putRecord(Json& lease, const LeaseRecord& record) {
    Json& spec = lease["spec"];
    if (!spec.is_object()) {
        spec = Json::object();
    }
    spec["holderIdentity"] = record.holder;
    spec["leaseDurationSeconds"] = record.durationSeconds;
    spec["acquireTime"] = record.acquireTime;
    spec["renewTime"] = record.renewTime;
    spec["leaseTransitions"] = record.transitions;
}

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::optional<StoredLease> parseLease(std::string_view json) {
    const auto tree = Json::parse(json, nullptr, false);
    if (!tree.is_object() || textOf(tree, "kind") != "Lease") {
        return std::nullopt;
    }
    StoredLease stored{{}, std::string(json)};
    const auto spec = tree.find("spec");
    if (spec != tree.end() && spec->is_object()) {
        stored.record = {textOf(*spec, "holderIdentity"), numberOf(*spec, "leaseDurationSeconds"),
                         textOf(*spec, "acquireTime"), textOf(*spec, "renewTime"),
                         numberOf(*spec, "leaseTransitions")};
    }
    return stored;
}

std::string newLeaseJson(const std::string& nameSpace, const std::string& name,
                         const LeaseRecord& record) {
    Json lease{{"apiVersion", "coordination.k8s.io/v1"},
               {"kind", "Lease"},
               {"metadata", {{"namespace", nameSpace}, {"name", name}}}};
    putRecord(lease, record);
    return dump(lease);
}

std::string changedLeaseJson(const StoredLease& stored, const LeaseRecord& record) {
    auto lease = Json::parse(stored.text, nullptr, false);
    if (!lease.is_object()) {
        lease = Json::object();
    }
    putRecord(lease, record);
    return dump(lease);
}

}  // namespace evergate::controller::writeback
