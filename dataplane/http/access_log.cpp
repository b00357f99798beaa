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

void putDigits(unsigned value, int width, char* at) {
    for (int i = width; i-- > 0; value /= 10)
        at[i] = static_cast<char>('0' + value % 10);
}

// "2026-11-21T05:16:15.123456Z"
void appendTime(std::int64_t unixMicros, std::string& out) {
    namespace chrono = std::chrono;
    const chrono::sys_time<chrono::microseconds> time{chrono::microseconds{unixMicros}};
    const auto day = chrono::floor<chrono::days>(time);
    const chrono::year_month_day date{day};
    const chrono::hh_mm_ss clock{time - day};
    const auto number = [](auto count) { return static_cast<unsigned>(count); };
    char text[] = "0000-00-00T00:00:00.000000Z";
    putDigits(number(static_cast<int>(date.year())), 4, text);
    putDigits(number(date.month()), 2, text + 5);
    putDigits(number(date.day()), 2, text + 8);
    putDigits(number(clock.hours().count()), 2, text + 11);
    putDigits(number(clock.minutes().count()), 2, text + 14);
    putDigits(number(clock.seconds().count()), 2, text + 17);
    putDigits(number(clock.subseconds().count()), 6, text + 20);
    out.append(text, sizeof text - 1);
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
        if (!record.tls.untrusted.empty())
            field("tls_untrusted", record.tls.untrusted);
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
