// SPDX-License-Identifier: Apache-2.0
// Exchanges are reused, by whatever protocol their client speaks: a worker keeps some that ended.
// One worker thread.
#pragma once

#include <memory>

#include "dataplane/session/exchange.hpp"

namespace evergate::session {

// A spare one of the worker's, else a new one.
std::unique_ptr<Exchange> takeExchange(SessionContext& context);

// `exchange` has ended, perhaps while it is on the stack: it becomes a spare one or, when there are
// enough of them, dies after this batch.
void giveBack(SessionContext& context, std::unique_ptr<Exchange> exchange);

}  // namespace evergate::session
