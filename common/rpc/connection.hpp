// SPDX-License-Identifier: Apache-2.0
// The state of one channel, over any stream. Private to common/rpc: only channel.cpp instantiates
// it.
//
// Shared between its pending operations and the handle that the user owns; the handle lets go with
// abandon(), after which the observer is never called and everything ends by itself.
#pragma once

#include <string.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "common/rpc/channel.hpp"
#include "common/rpc/limits.hpp"

namespace evergate::rpc {

template <class Stream>
class Connection : public std::enable_shared_from_this<Connection<Stream>> {
public:
    using ErrorCode = boost::system::error_code;
    enum class Role { client, server };

    template <class... Args>
    Connection(Role role, std::string host, Args&&... args)
        : ws_(std::forward<Args>(args)...),
          guard_(ws_.get_executor()),
          host_(std::move(host)),
          role_(role) {
        namespace websocket = boost::beast::websocket;
        ws_.set_option(websocket::stream_base::timeout{kOpenDeadline, kIdleDeadline, true});
        ws_.read_message_max(kMaxFrameBytes);
        ws_.auto_fragment(false);
        ws_.write_buffer_bytes(64 * 1024);
        ws_.text(true);
    }

    auto& socket() { return boost::beast::get_lowest_layer(ws_); }

    auto& stream() { return ws_.next_layer(); }

    std::size_t queued() const { return queued_; }

    void observe(ChannelObserver& observer) {
        observer_ = &observer;
        arm(kOpenDeadline);
    }

    // Requires a connected socket. The completion of everything before comes here too.
    void open(ErrorCode ec) {
        if (ec || abandoned_) {
            return fail(ec.message());
        }
        if constexpr (kTls) {
            const auto side = role_ == Role::client ? boost::asio::ssl::stream_base::client
                                                    : boost::asio::ssl::stream_base::server;
            stream().async_handshake(side, [self = this->shared_from_this()](ErrorCode e) {
                e ? self->fail("TLS: " + e.message()) : self->upgrade();
            });
        } else {
            upgrade();
        }
    }

    void send(std::string text) {
        queued_ += text.size();
        out_.push_back(std::move(text));
        if (!writing_) {
            write();
        }
    }

    void finish() {
        finishing_ = true;
        arm(std::chrono::seconds(2));
        if (!writing_) {
            sayGoodbye();
        }
    }

    void abandon() {
        observer_ = nullptr;
        abandoned_ = true;
        guard_.cancel();
        ErrorCode ignored;
        socket().close(ignored);
    }

    // Calls the observer: only from a completion.
    void fail(const std::string& why) {
        ChannelObserver* observer = std::exchange(observer_, nullptr);
        abandon();
        if (observer != nullptr) {
            observer->onClosed(late_ ? "no progress before the deadline" : why);
        }
    }

private:
    static constexpr bool kTls =
        !std::is_same_v<std::decay_t<Stream>, std::decay_t<decltype(boost::beast::get_lowest_layer(
                                                  std::declval<Stream&>()))>>;

    void arm(std::chrono::seconds delay) {
        guard_.expires_after(delay);
        guard_.async_wait([self = this->shared_from_this()](ErrorCode ec) {
            if (!ec) {
                self->late_ = true;
                ErrorCode ignored;
                self->socket().close(ignored);  // the pending operation fails and reports
            }
        });
    }

    void upgrade() {
        auto done = [self = this->shared_from_this()](ErrorCode ec) { self->opened(ec); };
        if (role_ == Role::client) {
            ws_.async_handshake(host_, "/rpc", std::move(done));
        } else {
            ws_.async_accept(std::move(done));
        }
    }

    void opened(ErrorCode ec) {
        if (ec || abandoned_) {
            return fail("handshake: " + ec.message());
        }
        guard_.cancel();
        observer_->onOpen();
        read();
    }

    void read() {
        if (abandoned_) {
            return;
        }
        ws_.async_read(in_, [self = this->shared_from_this()](ErrorCode ec, std::size_t) {
            self->received(ec);
        });
    }

    void received(ErrorCode ec) {
        if (ec) {
            return fail(ec.message());
        }
        if (!ws_.got_text()) {
            return fail("binary frame");
        }
        if (observer_ != nullptr && !finishing_) {
            observer_->onMessage({static_cast<const char*>(in_.data().data()), in_.size()});
        }
        // It stays for the next message; this one may have held a key.
        ::explicit_bzero(in_.data().data(), in_.size());
        in_.consume(in_.size());
        if (in_.capacity() > kPartBytes) {
            in_.shrink_to_fit();
        }
        read();
    }

    void write() {
        writing_ = true;
        ws_.async_write(
            boost::asio::buffer(out_.front()),
            [self = this->shared_from_this()](ErrorCode ec, std::size_t) { self->written(ec); });
    }

    void written(ErrorCode ec) {
        writing_ = false;
        if (ec || abandoned_) {
            return fail(ec.message());
        }
        queued_ -= out_.front().size();
        out_.pop_front();
        if (!out_.empty()) {
            return write();
        }
        if (finishing_) {
            return sayGoodbye();
        }
        observer_->onWritten();
    }

    void sayGoodbye() {
        ws_.async_close(boost::beast::websocket::close_code::normal,
                        [self = this->shared_from_this()](ErrorCode) { self->fail("closed"); });
    }

    boost::beast::websocket::stream<Stream> ws_;
    boost::asio::steady_timer guard_;
    boost::beast::flat_buffer in_;
    std::deque<std::string> out_;
    std::string host_;
    ChannelObserver* observer_ = nullptr;
    std::size_t queued_ = 0;
    Role role_;
    bool writing_ = false;
    bool finishing_ = false;
    bool abandoned_ = false;
    bool late_ = false;
};

}  // namespace evergate::rpc
