// SPDX-License-Identifier: Apache-2.0
// Cuts one transaction into frames, one at a time, so that a large one never stands encoded in
// memory and the other lane's messages can go in between. No I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/rpc/message.hpp"

namespace evergate::rpc {

struct Transaction {
    TransactionHeader header;
    model::Delta delta;
};

class TransactionWriter {
public:
    // `id` is put on the last part, the one that is answered.
    TransactionWriter(Transaction transaction, std::uint64_t id);

    bool done() const noexcept { return done_; }

    std::uint64_t id() const noexcept { return id_; }

    // Requires !done(). Every frame holds at least one key unless the transaction has none.
    std::string next();

private:
    void addUpserts(std::string& frame);
    void addDeletes(std::string& frame);

    Transaction transaction_;
    std::uint64_t id_;
    std::string head_;  // members that stand on every part
    std::size_t upsert_ = 0;
    std::size_t delete_ = 0;
    std::uint32_t index_ = 0;
    bool done_ = false;
};

}  // namespace evergate::rpc
