// SPDX-License-Identifier: Apache-2.0
#include "tests/support/frame_proxy.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <stdexcept>
#include <utility>
#include <vector>

namespace evergate::test {

// One connection through the proxy. Timers hold it; the channels call it through its two sides.
class FrameProxy::Pair : public std::enable_shared_from_this<Pair> {
public:
    Pair(FrameProxy& proxy, std::unique_ptr<rpc::Channel> front) : proxy_(proxy) {
        sides_[0].channel = std::move(front);
        sides_[1].channel = rpc::makeDialer(proxy.io_, proxy.back_, {});
        for (Side& side : sides_) {
            side.pair = this;
        }
    }

    void start() {
        for (Side& side : sides_) {
            side.channel->start(side);
        }
    }

    void end() {
        if (!std::exchange(ended_, true)) {
            proxy_.remove(*this);
        }
    }

    // The proxy is gone: its members may not be touched any more.
    void orphan() {
        ended_ = true;
        for (Side& side : sides_) {
            side.channel.reset();
        }
    }

private:
    struct Side final : rpc::ChannelObserver {
        void onOpen() override { pair->opened(*this); }

        void onMessage(std::string_view text) override { pair->message(*this, std::string(text)); }

        void onWritten() override {}

        void onClosed(const std::string&) override { pair->end(); }

        Pair* pair = nullptr;
        std::unique_ptr<rpc::Channel> channel;
        bool open = false;
        std::vector<std::string> early;  // for it, before it was open
    };

    void opened(Side& side) {
        side.open = true;
        for (std::string& text : std::exchange(side.early, {})) {
            side.channel->send(std::move(text));
        }
    }

    Side& other(Side& side) { return &side == &sides_[0] ? sides_[1] : sides_[0]; }

    void message(Side& from, std::string text) {
        const FrameFaults& faults = proxy_.faults_;
        Side& to = other(from);
        ++proxy_.passed_;
        if (proxy_.chance(faults.drop)) {
            return later([](Pair& pair) { pair.end(); });
        }
        if (proxy_.chance(faults.truncate)) {
            text.resize(text.size() * 2 / 3);
        }
        if (proxy_.chance(faults.repeat)) {
            later([&to, text](Pair& pair) { pair.deliver(to, text); });
        }
        if (proxy_.chance(faults.delay)) {
            return later([&to, text = std::move(text)](Pair& pair) { pair.deliver(to, text); });
        }
        deliver(to, std::move(text));
    }

    void deliver(Side& to, std::string text) {
        if (ended_) {
            return;
        }
        if (to.open) {
            to.channel->send(std::move(text));
        } else {
            to.early.push_back(std::move(text));
        }
    }

    template <class Action>
    void later(Action action) {
        auto timer = std::make_shared<boost::asio::steady_timer>(proxy_.io_);
        timer->expires_after(std::chrono::milliseconds(proxy_.randomDelay()));
        timer->async_wait([self = shared_from_this(), timer, action](boost::system::error_code) {
            if (!self->ended_) {
                action(*self);
            }
        });
    }

    FrameProxy& proxy_;
    Side sides_[2];
    bool ended_ = false;
};

FrameProxy::FrameProxy(boost::asio::io_context& io, std::string front, std::string back,
                       std::uint32_t seed)
    : io_(io), back_(rpc::UnixAddress{std::move(back)}), random_(seed) {
    std::string error;
    listener_ = rpc::makeListener(
        io, rpc::UnixAddress{std::move(front)}, {},
        [this](std::unique_ptr<rpc::Channel> channel) {
            pairs_.push_back(std::make_shared<Pair>(*this, std::move(channel)));
            pairs_.back()->start();
        },
        error);
    if (!listener_) {
        throw std::runtime_error(error);
    }
}

FrameProxy::~FrameProxy() {
    cut();
}

void FrameProxy::cut() {
    for (const auto& pair : std::exchange(pairs_, {})) {
        pair->orphan();
    }
}

bool FrameProxy::chance(double probability) {
    const bool hit = std::uniform_real_distribution<double>(0, 1)(random_) < probability;
    mistreated_ += hit ? 1 : 0;
    return hit;
}

int FrameProxy::randomDelay() {
    return std::uniform_int_distribution<int>(1, faults_.longestDelayMs)(random_);
}

void FrameProxy::remove(Pair& pair) {
    const auto held = pair.shared_from_this();
    pairs_.remove(held);
    // Called from inside one of its channels: they end from the loop.
    boost::asio::post(io_, [held] { held->orphan(); });
}

}  // namespace evergate::test
