// SPDX-License-Identifier: Apache-2.0
#include "controller/client/response_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <memory>
#include <utility>

#include "controller/client/retry_after.hpp"

namespace evergate::controller::client {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using ErrorCode = boost::system::error_code;

namespace {

constexpr std::uint32_t kMaxHeadBytes = 64 * 1024;

}  // namespace

class ResponseParser::Parser : public http::basic_parser<false> {
public:
    Parser(ResponseHead& head, const OnBody& onBody, bool& stopped)
        : head_(head), onBody_(onBody), stopped_(stopped) {
        eager(true);
        header_limit(kMaxHeadBytes);
        body_limit(boost::none);
    }

private:
    void on_request_impl(http::verb, beast::string_view, beast::string_view, int,
                         ErrorCode&) override {}

    void on_response_impl(int status, beast::string_view, int, ErrorCode&) override {
        head_ = {};
        head_.status = static_cast<unsigned>(status);
    }

    void on_field_impl(http::field name, beast::string_view, beast::string_view value,
                       ErrorCode&) override {
        const std::string_view text(value.data(), value.size());
        if (name == http::field::retry_after) {
            head_.retryAfter = parseRetryAfter(text);
        } else if (name == http::field::location) {
            head_.location = text;
        } else if (name == http::field::content_type) {
            head_.contentType = text;
        }
    }

    void on_header_impl(ErrorCode&) override {}

    void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}

    std::size_t on_body_impl(beast::string_view body, ErrorCode& error) override {
        return hand(body, error);
    }

    void on_chunk_header_impl(std::uint64_t, beast::string_view, ErrorCode&) override {}

    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body,
                                   ErrorCode& error) override {
        return hand(body, error);
    }

    void on_finish_impl(ErrorCode&) override {}

    std::size_t hand(beast::string_view body, ErrorCode& error) {
        if (!onBody_({body.data(), body.size()})) {
            stopped_ = true;
            error = http::error::end_of_stream;
        }
        return body.size();
    }

    ResponseHead& head_;
    const OnBody& onBody_;
    bool& stopped_;
};

ResponseParser::ResponseParser(OnBody onBody) : onBody_(std::move(onBody)) {
    restart();
}

ResponseParser::~ResponseParser() = default;

void ResponseParser::restart() {
    parser_ = std::make_unique<Parser>(head_, onBody_, stopped_);
}

bool ResponseParser::feed(std::string_view bytes) {
    pending_.append(bytes);
    std::size_t used = 0;
    while (used < pending_.size() && !stopped_ && error_.empty()) {
        if (parser_->is_done()) {
            if (head_.status >= 200) {
                error_ = "bytes after the end of the response";
                break;
            }
            restart();
        }
        ErrorCode error;
        const auto rest = boost::asio::buffer(pending_.data() + used, pending_.size() - used);
        const auto taken = parser_->put(rest, error);
        used += taken;
        if (error && error != http::error::need_more && !stopped_) {
            error_ = "not an HTTP response: " + error.message();
        } else if (error || taken == 0) {
            break;
        }
    }
    pending_.erase(0, used);
    return !stopped_ && error_.empty();
}

bool ResponseParser::finish() {
    if (!parser_->is_header_done() || parser_->is_done()) {
        return parser_->is_done() && head_.status >= 200;
    }
    ErrorCode error;
    parser_->put_eof(error);
    return !error;
}

bool ResponseParser::headDone() const noexcept {
    return parser_->is_header_done() && head_.status >= 200;
}

bool ResponseParser::done() const noexcept {
    return parser_->is_done() && head_.status >= 200;
}

bool ResponseParser::keepAlive() const {
    return done() && parser_->keep_alive() && pending_.empty();
}

}  // namespace evergate::controller::client
