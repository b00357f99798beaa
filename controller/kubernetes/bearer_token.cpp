// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/bearer_token.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace evergate::controller::kubernetes {
namespace {

constexpr auto kMaxAge = std::chrono::minutes(1);

// Without the newline editors add; empty when a byte could end the header it goes into.
std::string cleaned(std::string text) {
    const auto isSpace = [](unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    while (!text.empty() && isSpace(text.back())) {
        text.pop_back();
    }
    const auto first = std::find_if_not(text.begin(), text.end(), isSpace);
    text.erase(text.begin(), first);
    const bool clean =
        std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
    return clean ? text : std::string{};
}

}  // namespace

BearerToken::BearerToken(TextOrFile source)
    : source_(std::move(source)), token_(cleaned(source_.text)) {}

const std::string& BearerToken::get(Time now) {
    if (source_.file.empty()) {
        return token_;
    }
    const auto stamp = stampOfFile();
    if (!distrusted_ && stamp == stamp_ && now - readAt_ < kMaxAge) {
        return token_;
    }
    const auto text = readText(source_);
    if (const auto* read = std::get_if<std::string>(&text)) {
        if (auto token = cleaned(*read); !token.empty()) {
            token_ = std::move(token);
        }
    }
    stamp_ = stamp;
    readAt_ = now;
    distrusted_ = false;
    return token_;
}

BearerToken::FileStamp BearerToken::stampOfFile() const {
    struct stat info {};

    if (::stat(source_.file.c_str(), &info) != 0) {
        return {};
    }
    return {info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ino};
}

}  // namespace evergate::controller::kubernetes
