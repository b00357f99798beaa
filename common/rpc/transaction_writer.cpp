// SPDX-License-Identifier: Apache-2.0
#include "common/rpc/transaction_writer.hpp"

#include <cassert>
#include <utility>

#include "common/model/json.hpp"
#include "common/rpc/codec.hpp"
#include "common/rpc/limits.hpp"

namespace evergate::rpc {

namespace {

std::string headMembers(const TransactionHeader& header) {
    std::string text = "\"epoch\":" + jsonText(header.epoch);
    text += ",\"transaction\":" + std::to_string(header.transaction);
    text += ",\"version\":" + std::to_string(header.version);
    text += ",\"base\":\"" + header.base.toHex();
    text += "\",\"target\":\"" + header.target.toHex();
    text += header.snapshot ? "\",\"snapshot\":true" : "\",\"snapshot\":false";
    text += ",\"keyCount\":" + std::to_string(header.keyCount);
    return text;
}

}  // namespace

TransactionWriter::TransactionWriter(Transaction transaction, std::uint64_t id)
    : transaction_(std::move(transaction)), id_(id), head_(headMembers(transaction_.header)) {}

std::string TransactionWriter::next() {
    assert(!done_);
    const bool endpoints = transaction_.header.lane == model::Lane::endpoints;
    std::string frame = R"({"jsonrpc":"2.0","method":")";
    frame += endpoints ? "endpoints" : "apply";
    frame += "\",\"params\":{";
    frame += head_;
    frame += ",\"part\":" + std::to_string(index_++);
    addUpserts(frame);
    addDeletes(frame);
    done_ = upsert_ == transaction_.delta.upserts.size() &&
            delete_ == transaction_.delta.deletes.size();
    frame += done_ ? ",\"last\":true}" : ",\"last\":false}";
    if (done_) {
        frame += ",\"id\":" + std::to_string(id_);
    }
    frame += '}';
    return frame;
}

void TransactionWriter::addUpserts(std::string& frame) {
    frame += ",\"upserts\":{";
    bool first = true;
    const auto& upserts = transaction_.delta.upserts;
    while (upsert_ < upserts.size()) {
        const std::string value = model::encode(*upserts[upsert_].second.value);
        if (!first && frame.size() + value.size() > kPartBytes) {
            break;
        }
        frame += first ? "" : ",";
        frame += jsonText(model::encodeKey(upserts[upsert_].first));
        frame += ':';
        frame += value;
        first = false;
        ++upsert_;
    }
    frame += '}';
}

void TransactionWriter::addDeletes(std::string& frame) {
    frame += ",\"deletes\":[";
    const auto& deletes = transaction_.delta.deletes;
    const bool upsertsLeft = upsert_ < transaction_.delta.upserts.size();
    bool first = true;
    while (!upsertsLeft && delete_ < deletes.size() && (first || frame.size() < kPartBytes)) {
        frame += first ? "" : ",";
        frame += jsonText(model::encodeKey(deletes[delete_++]));
        first = false;
    }
    frame += ']';
}

}  // namespace evergate::rpc
