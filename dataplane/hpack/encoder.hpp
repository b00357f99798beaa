// SPDX-License-Identifier: Apache-2.0
// Encodes the header blocks of one direction of an HTTP/2 connection (RFC 7541), in the order they
// are sent. Pure; one thread at a time. Costs no heap before a field enters the dynamic table, and
// at most 8 kB then.
//
// What is likely to come again enters the dynamic table, in Huffman code as that is paid once;
// what is not is written as it is, which costs the least. Credentials are never indexed (§7.1.3).
// The first blocks index nothing: a connection on which little is said needs no table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "dataplane/hpack/dynamic_table.hpp"
#include "dataplane/hpack/encoder_index.hpp"
#include "dataplane/hpack/field.hpp"
#include "dataplane/hpack/lowered_name.hpp"

namespace evergate::hpack {

class Encoder {
public:
    static constexpr std::size_t kBlockStart = 16;  // most octets beginBlock() may write
    static constexpr std::uint8_t kPlainBlocks = 4;

    // `plainBlocks`: so many at first, and after each rest(), index nothing.
    explicit Encoder(std::uint8_t plainBlocks = kPlainBlocks) noexcept
        : plainBlocks_(plainBlocks), plainLeft_(static_cast<std::uint8_t>(plainBlocks + 1)) {}

    // The peer's SETTINGS_HEADER_TABLE_SIZE; we never use more than 4096. The next block begins
    // with the update (§4.2), after the smallest size there was since the last block.
    void setMaxTableSize(std::uint32_t size) noexcept;

    // Most octets encode() may write, with those of the size updates. What it returns may be
    // less, but it may have touched all of them.
    static std::size_t bound(const Field& field) noexcept {
        return field.name.size() + field.value.size() + kFieldOverhead;
    }

    // Once per header block, before its fields: size updates, if any are due. Returns the end.
    char* beginBlock(char* out) noexcept;

    // Returns the end; the caller guarantees bound(field) octets of room. Throws std::bad_alloc.
    char* encode(const Field& field, char* out);

    // An idle connection: forgets the whole dynamic table and frees its memory; the peer is told
    // with the next block (updates to 0 and back). Not within a block.
    void rest() noexcept;

private:
    // Opcode and index, the lengths of name and value, 7 octets beyond the end of the last string.
    static constexpr std::size_t kFieldOverhead = kBlockStart + 32;

    void noteSize(std::uint16_t size) noexcept;
    static char* encodeLong(const Field& field, char* out) noexcept;
    char* encodeUnindexed(std::uint8_t opcode, const LoweredName& name, std::size_t index,
                          std::string_view value, char* out) const noexcept;
    char* encodeIndexable(const EncoderIndex::Key& key, char* out);
    char* insert(const EncoderIndex::Key& key, char* out);
    std::size_t indexOf(const LoweredName& name, std::size_t staticName) const noexcept;

    DynamicTable table_;
    std::unique_ptr<EncoderIndex> index_;  // null: the table is empty
    std::uint8_t plainBlocks_;
    std::uint8_t plainLeft_;          // with the one that is written
    bool sizeDue_ = false;            // the peer is to be told
    std::uint16_t smallestSize_ = 0;  // since the last block, while sizeDue_
    std::uint16_t wantedSize_ = DynamicTable::kMaxSize;
};

static_assert(sizeof(Encoder) <= 64);

}  // namespace evergate::hpack
