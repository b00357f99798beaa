// SPDX-License-Identifier: Apache-2.0
// Decodes the header blocks of one direction of an HTTP/2 connection (RFC 7541), in their order.
// Pure; one thread at a time. Costs no heap while the peer inserts nothing into the table.
//
// It checks the compression only: what may stand in a name or a value is the sink's matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/hpack/dynamic_table.hpp"

namespace evergate::hpack {

class FieldSink {
public:
    // The views are valid during the call only. False: stop here.
    virtual bool onField(std::string_view name, std::string_view value) = 0;

protected:
    ~FieldSink() = default;
};

class Decoder {
public:
    // What we let the peer use: the default of SETTINGS_HEADER_TABLE_SIZE.
    static constexpr std::uint32_t kTableSize = 4096;

    enum class Result : std::uint8_t {
        done,
        failed,   // COMPRESSION_ERROR: the connection is lost
        stopped,  // by the sink: so is the connection, as the rest of the block was not read. A
                  // sink that refuses a request only has to take, and drop, the rest of it.
    };

    // A whole header block (all fragments). `scratch` is memory for strings in Huffman code,
    // shared by all decoders of a thread; its size grows to at most 8/5 of the largest block's,
    // its contents mean nothing. The sink may see fields of a block that fails later.
    // Throws std::bad_alloc.
    Result decode(std::string_view block, std::string& scratch, FieldSink& sink);

    // Gives back memory that is not needed to keep the table's contents.
    void rest() noexcept { table_.shrink(); }

    std::size_t tableSize() const noexcept { return table_.size(); }  // octets by §4.1

private:
    DynamicTable table_;
};

static_assert(sizeof(Decoder) <= 64);

}  // namespace evergate::hpack
