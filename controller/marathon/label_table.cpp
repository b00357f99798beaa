// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/label_table.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace evergate::controller::marathon {
namespace {

constexpr std::string_view kPrefix = "HAPROXY_";

constexpr std::array<std::string_view, 13> kActedOn = {
    "GROUP",  "ENABLED",           "VHOST",          "PATH",
    "PORT",   "BIND_ADDR",         "MODE",           "BALANCE",
    "STICKY", "REDIRECT_TO_HTTPS", "BACKEND_WEIGHT", "BACKEND_NETWORK_ALLOWED_ACL",
    "AUTH"};

// Of marathon-lb, and not of ours (yet). AUTH, SSL_CERT and BIND_OPTIONS have their own words.
constexpr std::array<std::string_view, 6> kNotActedOn = {"USE_HSTS",
                                                         "BACKEND_HEALTHCHECK_PORT_INDEX",
                                                         "HTTP_BACKEND_PROXYPASS_PATH",
                                                         "HTTP_BACKEND_REVPROXY_PATH",
                                                         "HTTP_BACKEND_REDIR",
                                                         "DEPLOYMENT_GROUP"};

// Facts that tools leave for themselves.
constexpr std::array<std::string_view, 6> kNotes = {"HAPROXY_APP_ID",
                                                    "HAPROXY_DEPLOYMENT_ALT_PORT",
                                                    "HAPROXY_DEPLOYMENT_COLOUR",
                                                    "HAPROXY_DEPLOYMENT_STARTED_AT",
                                                    "HAPROXY_DEPLOYMENT_TARGET_INSTANCES",
                                                    "HAPROXY_DEPLOYMENT_NEW_INSTANCES"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

bool isTemplate(std::string_view name) {
    return name.ends_with("_OPTIONS") || name.ends_with("_HEAD") || name.ends_with("_GLUE") ||
           name.find("_ACL") != std::string_view::npos ||
           name.find("_ROUTING_ONLY") != std::string_view::npos ||
           name.starts_with("BACKEND_REDIRECT_HTTP_TO_HTTPS") || name == "HEAD";
}

std::string complaintAboutPort(std::string_view name, std::size_t index, std::size_t ports) {
    if (index >= ports) {
        return "the app has " + std::to_string(ports) + " service ports, counted from 0; ignored";
    }
    if (contains(kActedOn, name) || name == "SSL_CERT" || name == "BIND_OPTIONS") {
        return {};
    }
    if (contains(kNotActedOn, name)) {
        return "is not supported; ignored";
    }
    return isTemplate(name) ? "is text for HAProxy, which cannot be used; ignored"
                            : "is no label we know; ignored";
}

}  // namespace

std::optional<PortLabel> splitPortLabel(std::string_view label) noexcept {
    if (!label.starts_with(kPrefix)) {
        return std::nullopt;
    }
    label.remove_prefix(kPrefix.size());
    const auto line = label.find('_');
    if (line == std::string_view::npos || line == 0 || line > 6) {
        return std::nullopt;
    }
    PortLabel split;
    const auto [stopped, error] = std::from_chars(label.data(), label.data() + line, split.index);
    if (error != std::errc{} || stopped != label.data() + line) {
        return std::nullopt;
    }
    split.name = label.substr(line + 1);
    return split;
}

std::string complaintAbout(std::string_view label, std::size_t ports) {
    if (const auto split = splitPortLabel(label)) {
        return complaintAboutPort(split->name, split->index, ports);
    }
    if (label == "HAPROXY_GROUP" || contains(kNotes, label)) {
        return {};
    }
    if (label == "HAPROXY_DEPLOYMENT_GROUP") {
        return "apps are not merged to deployment groups; ignored";
    }
    if (label.starts_with("HAPROXY_{")) {
        return "the braces stand for a number: HAPROXY_0_...; ignored";
    }
    return "is no label we know; ignored";
}

}  // namespace evergate::controller::marathon
