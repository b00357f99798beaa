// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/access_log.hpp"

#include <charconv>
#include <chrono>

#include "dataplane/http/head.hpp"
#include "dataplane/http/log_text.hpp"

namespace evergate::http {

namespace {

constexpr std::size_t kMaxTargetBytes = 1'024;

void appendNumber(std::uint64_t value, std::string& out) {
    char digits[20];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void appendPadded(std::uint64_t value, int width, std::string& out) {
    for (std::uint64_t limit = 10; --width > 0; limit *= 10) {
        if (value < limit) {
            out.append(static_cast<std::size_t>(width), '0');
            break;
        }
    }
    appendNumber(value, out);
}

// "2026-11-21T05:16:15.123456Z"
void appendTime(std::int64_t unixMicros, std::string& out) {
    namespace chrono = std::chrono;
    const chrono::sys_time<chrono::microseconds> time{chrono::microseconds{unixMicros}};
    const auto day = chrono::floor<chrono::days>(time);
    const chrono::year_month_day date{day};
    const chrono::hh_mm_ss clock{time - day};
    appendPadded(static_cast<std::uint64_t>(static_cast<int>(date.year())), 4, out);
    out += '-';
    appendPadded(static_cast<unsigned>(date.month()), 2, out);
    out += '-';
    appendPadded(static_cast<unsigned>(date.day()), 2, out);
    out += 'T';
    appendPadded(static_cast<std::uint64_t>(clock.hours().count()), 2, out);
    out += ':';
    appendPadded(static_cast<std::uint64_t>(clock.minutes().count()), 2, out);
    out += ':';
    appendPadded(static_cast<std::uint64_t>(clock.seconds().count()), 2, out);
    out += '.';
    appendPadded(static_cast<std::uint64_t>(clock.subseconds().count()), 6, out);
    out += 'Z';
}

void textField(std::string_view key, std::string_view value, std::string& out) {
    out.append(1, ' ').append(key).append(1, '=');
    appendQuoted(value, out);
}

void textField(std::string_view key, std::uint64_t value, std::string& out) {
    out.append(1, ' ').append(key).append(1, '=');
    appendNumber(value, out);
}

void jsonField(std::string_view key, std::string_view value, std::string& out) {
    out.append(",\"").append(key).append("\":");
    appendJsonString(value, out);
}

void jsonField(std::string_view key, std::uint64_t value, std::string& out) {
    out.append(",\"").append(key).append("\":");
    appendNumber(value, out);
}

// The same keys in the same order in both formats.
template <typename Field>
void forEachField(const AccessRecord& record, Field&& field) {
    const bool http2 = record.minorVersion == kHttp2;
    const char minor = static_cast<char>('0' + (http2 ? 0 : record.minorVersion));
    const char version[] = {'H', 'T', 'T', 'P', '/', http2 ? '2' : '1', '.', minor};
    field("client", record.clientAddress);
    field("client_port", std::uint64_t{record.clientPort});
    field("method", record.method);
    field("host", record.host);
    field("target", record.target.substr(0, kMaxTargetBytes));
    field("protocol",
          record.tcp ? std::string_view("TCP") : std::string_view{version, sizeof version});
    field("status", std::uint64_t{record.status});
    field("bytes_in", record.bytesIn);
    field("bytes_out", record.bytesOut);
    field("duration_us", std::uint64_t{record.durationMicros});
    field("upstream_us", std::uint64_t{record.upstreamMicros});
    field("route", record.route);
    field("backend", record.backend);
    field("endpoint", record.endpoint);
    field("retries", std::uint64_t{record.retries});
    field("error",
          record.error == ProxyError::none ? std::string_view{} : info(record.error).reason);
    if (!record.tls.version.empty() || !record.tls.failure.empty() ||
        !record.tls.serverName.empty()) {
        field("tls_version", record.tls.version);
        field("tls_cipher", record.tls.cipher);
        field("tls_server_name", record.tls.serverName);
        if (!record.tls.failure.empty())
            field("tls_failure", record.tls.failure);
    }
    if (!record.proxyProblem.empty())
        field("proxy_problem", record.proxyProblem);
}

}  // namespace

void formatAccessLine(AccessLogFormat format, const AccessRecord& record, std::string& out) {
    switch (format) {
        case AccessLogFormat::off:
            return;
        case AccessLogFormat::text:
            appendTime(record.unixMicros, out);
            forEachField(record,
                         [&out](std::string_view key, auto value) { textField(key, value, out); });
            break;
        case AccessLogFormat::json:
            out += "{\"time\":\"";
            appendTime(record.unixMicros, out);
            out += '"';
            forEachField(record,
                         [&out](std::string_view key, auto value) { jsonField(key, value, out); });
            out += '}';
            break;
    }
    out += '\n';
}

}  // namespace evergate::http
