// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon_settings.hpp"

namespace evergate::controller {

void addMarathonRows(process::SettingsTable& table, MarathonSettings& settings) {
    table.add("marathon-url", "URL[,URL]",
              "Masters of the Marathon to watch; for --source=marathon", settings.urls);
    table.add("marathon-group", "NAME[,NAME]",
              "Serve apps whose HAPROXY_GROUP names one of these; *: every app", settings.groups);
    table.add("marathon-auth-file", "FILE",
              "user:password for Marathon (HTTP Basic); read again for each request",
              settings.authFile);
    table.add("marathon-ca", "FILE",
              "The authority masters' certificates must come from, PEM; empty: the system's",
              settings.authorityFile);
    table
        .add("marathon-heartbeat-timeout", "DURATION",
             "An event stream without a byte for so long is dead; Marathon sends one each 10s",
             settings.heartbeatTimeout)
        .check([&settings](std::string_view) {
            return settings.heartbeatTimeout.count() > 0 ? "" : "must be more than 0";
        });
    table
        .add("marathon-request-timeout", "DURATION",
             "How long a master may take to begin an answer; then the next is asked",
             settings.requestTimeout)
        .check([&settings](std::string_view) {
            return settings.requestTimeout.count() > 0 ? "" : "must be more than 0";
        });
    table
        .add("marathon-resync", "DURATION", "Time between two full lists, give or take a fifth",
             settings.resync)
        .check([&settings](std::string_view) {
            return settings.resync.count() >= 1000 ? "" : "must be at least 1s";
        });
    table.add("marathon-patience", "DURATION",
              "How long lists must agree that most apps, or all tasks, are gone before it is "
              "believed; events are believed at once",
              settings.patience);
}

std::string checkMarathon(const MarathonSettings& settings, bool used) {
    if (!used) {
        return settings.urls.empty() && settings.groups.empty()
                   ? ""
                   : "--marathon-url and --marathon-group are for --source=marathon";
    }
    if (settings.urls.empty()) {
        return "--source=marathon needs --marathon-url";
    }
    return settings.groups.empty() ? "--source=marathon needs --marathon-group (*: every app)" : "";
}

MarathonOptions marathonOptions(const MarathonSettings& settings) {
    MarathonOptions options;
    options.urls = settings.urls;
    options.groups = settings.groups;
    options.authFile = settings.authFile;
    options.authorityFile = settings.authorityFile;
    options.tuning.heartbeatTimeout = settings.heartbeatTimeout;
    options.tuning.deadlines.head = settings.requestTimeout;
    options.tuning.resync = settings.resync;
    options.tuning.patience = settings.patience;
    return options;
}

}  // namespace evergate::controller
