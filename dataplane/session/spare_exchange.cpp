// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/spare_exchange.hpp"

#include <cstddef>
#include <utility>

namespace evergate::session {

namespace {

constexpr std::size_t kMaxSpare = 256;

class ExpiredExchange final : public net::Retirable {
public:
    explicit ExpiredExchange(std::unique_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}

private:
    std::unique_ptr<Exchange> exchange_;
};

}  // namespace

std::unique_ptr<Exchange> takeExchange(SessionContext& context) {
    auto& spare = context.spareExchanges;
    if (spare.empty())
        return std::make_unique<Exchange>(context);
    std::unique_ptr<Exchange> exchange = std::move(spare.back());
    spare.pop_back();
    return exchange;
}

void giveBack(SessionContext& context, std::unique_ptr<Exchange> exchange) {
    if (context.spareExchanges.size() < kMaxSpare) {
        context.spareExchanges.push_back(std::move(exchange));
    } else {
        context.poller.retire(std::make_unique<ExpiredExchange>(std::move(exchange)));
    }
}

}  // namespace evergate::session
