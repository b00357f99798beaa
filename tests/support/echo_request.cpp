// SPDX-License-Identifier: Apache-2.0
#include "tests/support/echo_request.hpp"

#include <algorithm>
#include <charconv>

namespace evergate::test {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool same(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

bool contains(std::string_view text, std::string_view word) {
    return std::search(text.begin(), text.end(), word.begin(), word.end(),
                       [](char x, char y) { return lower(x) == y; }) != text.end();
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

template <typename T>
bool parseNumber(std::string_view text, T& value, int base = 10) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return error == std::errc() && end == text.data() + text.size();
}

bool takeHeader(EchoRequest& request, std::string_view name, std::string_view value) {
    if (same(name, "content-length")) {
        request.hasContentLength = true;
        return parseNumber(value, request.contentLength);
    }
    if (same(name, "transfer-encoding"))
        request.chunked = contains(value, "chunked");
    else if (same(name, "connection"))
        request.keepAlive =
            contains(value, "keep-alive") || (request.keepAlive && !contains(value, "close"));
    else if (same(name, "upgrade"))
        request.upgrade = value;
    else if (same(name, "expect"))
        request.expectContinue = contains(value, "100-continue");
    return true;
}

}  // namespace

std::optional<std::uint64_t> EchoRequest::number(std::string_view prefix) const {
    std::uint64_t value = 0;
    if (!path.starts_with(prefix) || !parseNumber(path.substr(prefix.size()), value))
        return std::nullopt;
    return value;
}

std::optional<EchoRequest> parseEchoRequest(std::string_view head) {
    EchoRequest request;
    request.head = head;
    std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    const std::size_t first = line.find(' ');
    const std::size_t second = line.rfind(' ');
    const bool version = line.ends_with(" HTTP/1.1") || line.ends_with(" HTTP/1.0");
    if (!version || first == second)
        return std::nullopt;
    request.method = line.substr(0, first);
    request.target = line.substr(first + 1, second - first - 1);
    request.path = request.target.substr(0, request.target.find('?'));
    request.keepAlive = line.back() == '1';
    for (std::size_t begin = end + 2; begin + 2 < head.size(); begin = end + 2) {
        end = head.find("\r\n", begin);
        const std::string_view field = head.substr(begin, end - begin);
        const std::size_t colon = field.find(':');
        if (colon == std::string_view::npos ||
            !takeHeader(request, field.substr(0, colon), trim(field.substr(colon + 1))))
            return std::nullopt;
    }
    return request;
}

EchoChunkReader::Step EchoChunkReader::line(std::string_view in) {
    const std::size_t end = in.find("\r\n");
    if (end == std::string_view::npos) {
        if (in.size() > 8192)
            state_ = State::bad;
        return {};
    }
    const std::string_view text = in.substr(0, end);
    switch (state_) {
        case State::size:
            if (!parseNumber(text.substr(0, text.find(';')), left_, 16))
                state_ = State::bad;
            else
                state_ = left_ == 0 ? State::trailer : State::data;
            break;
        case State::dataEnd:
            state_ = text.empty() ? State::size : State::bad;
            break;
        default:
            state_ = text.empty() ? State::done : State::trailer;
            break;
    }
    return {end + 2, {}};
}

EchoChunkReader::Step EchoChunkReader::step(std::string_view in) {
    if (done() || bad() || in.empty())
        return {};
    if (state_ != State::data)
        return line(in);
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
    left_ -= take;
    if (left_ == 0)
        state_ = State::dataEnd;
    return {take, in.substr(0, take)};
}

}  // namespace evergate::test
