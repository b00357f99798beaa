// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hpack/decoder.hpp"

#include "dataplane/hpack/huffman.hpp"
#include "dataplane/hpack/integer.hpp"
#include "dataplane/hpack/representation.hpp"
#include "dataplane/hpack/static_table.hpp"

namespace evergate::hpack {
namespace {

using Result = Decoder::Result;
using Entry = DynamicTable::Entry;

// Decodes one block.
class BlockReader {
public:
    // `memory` has room for all strings of one field of the block.
    BlockReader(std::string_view block, DynamicTable& table, char* memory, FieldSink& sink) noexcept
        : in_{block.data(), block.data() + block.size()},
          table_(table),
          memory_(memory),
          sink_(sink) {}

    Result read() {
        if (!readSizeUpdates())
            return Result::failed;
        Result result = Result::done;
        while (result == Result::done && in_.at != in_.end)
            result = (in_.front() & kIndexed) != 0 ? readIndexed() : readLiteral();
        return result;
    }

private:
    // They stand at the beginning of a block only (§4.2).
    bool readSizeUpdates() noexcept {
        while (in_.at != in_.end && (in_.front() & 0xe0) == kSizeUpdate) {
            std::uint32_t size = 0;
            if (!readInteger(in_, kSizeUpdateBits, size) || size > Decoder::kTableSize)
                return false;
            table_.resize(size);
        }
        return true;
    }

    // False: there is no such entry.
    bool find(std::size_t index, Entry& entry) const noexcept {
        if (index <= kStaticEntries) {
            entry = {kStaticTable[index].name, kStaticTable[index].value};
            return index != 0;
        }
        index -= kStaticEntries + 1;
        if (index >= table_.count())
            return false;
        entry = table_.at(index);
        return true;
    }

    Result emit(const Entry& field) {
        return sink_.onField(field.name, field.value) ? Result::done : Result::stopped;
    }

    Result readIndexed() {
        std::uint32_t index = 0;
        Entry field;
        if (!readInteger(in_, kIndexedBits, index) || !find(index, field))
            return Result::failed;
        return emit(field);
    }

    Result readLiteral() {
        const bool incremental = (in_.front() & kIncremental) != 0;
        if (!incremental && (in_.front() & kSizeUpdate) != 0)
            return Result::failed;
        std::uint32_t index = 0;
        if (!readInteger(in_, incremental ? kIncrementalBits : kLiteralBits, index))
            return Result::failed;
        Entry field;
        char* memory = memory_;
        if (index == 0 ? !readString(field.name, memory) : !find(index, field))
            return Result::failed;
        if (!readString(field.value, memory))
            return Result::failed;
        // Before it is inserted: its name may be of an entry that is evicted then (§4.4).
        const Result result = emit(field);
        if (incremental)
            table_.insert(field.name, field.value);
        return result;
    }

    // A view of the block, or of `memory`, which is moved behind it then.
    bool readString(std::string_view& text, char*& memory) noexcept {
        if (in_.at == in_.end)
            return false;
        const bool coded = (in_.front() & kHuffmanCoded) != 0;
        std::uint32_t size = 0;
        if (!readInteger(in_, kLengthBits, size) || size > in_.left())
            return false;
        text = {in_.at, size};
        in_.at += size;
        return !coded || decode(text, memory);
    }

    static bool decode(std::string_view& text, char*& memory) noexcept {
        char* const end = decodeHuffman(text, memory);
        if (end == nullptr)
            return false;
        text = {memory, static_cast<std::size_t>(end - memory)};
        memory = end;
        return true;
    }

    Cursor in_;
    DynamicTable& table_;
    char* const memory_;
    FieldSink& sink_;
};

}  // namespace

Decoder::Result Decoder::decode(std::string_view block, std::string& scratch, FieldSink& sink) {
    const std::size_t bound = decodedBound(block.size());
    if (scratch.size() < bound)
        scratch.resize(bound);
    return BlockReader(block, table_, scratch.data(), sink).read();
}

}  // namespace evergate::hpack
