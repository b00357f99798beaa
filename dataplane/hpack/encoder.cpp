// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hpack/encoder.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/hpack/huffman.hpp"
#include "dataplane/hpack/integer.hpp"
#include "dataplane/hpack/octets.hpp"
#include "dataplane/hpack/representation.hpp"
#include "dataplane/hpack/static_table.hpp"

namespace evergate::hpack {
namespace {

// Values that are longer are worth the work of the Huffman code.
constexpr std::size_t kLongValue = 64;

enum class Policy : std::uint8_t {
    index,
    skip,    // differs nearly every time
    secret,  // never indexed, by nobody (§7.1.3)
};

constexpr std::array<std::string_view, 8> kSkipped{
    ":path",    "content-length",    "age",           "etag",
    "location", "if-modified-since", "if-none-match", "set-cookie",
};

constexpr std::array<std::string_view, 2> kSecret{"authorization", "cookie"};

// By index into the static table: all of these names are in it.
constexpr std::array<Policy, kStaticEntries + 1> makePolicies() {
    std::array<Policy, kStaticEntries + 1> policies{};
    for (std::size_t i = 1; i <= kStaticEntries; ++i) {
        const std::string_view name = kStaticTable[i].name;
        if (std::find(kSkipped.begin(), kSkipped.end(), name) != kSkipped.end())
            policies[i] = Policy::skip;
        if (std::find(kSecret.begin(), kSecret.end(), name) != kSecret.end())
            policies[i] = Policy::secret;
    }
    return policies;
}

constexpr auto kPolicies = makePolicies();

char* writePlain(std::string_view text, char* out) noexcept {
    out = writeInteger(0, kLengthBits, text.size(), out);
    if (!text.empty())
        std::memcpy(out, text.data(), text.size());
    return out + text.size();
}

char* writeShortest(std::string_view text, char* out) noexcept {
    const std::size_t size = huffmanSize(text);
    if (size >= text.size())
        return writePlain(text, out);
    return encodeHuffman(text, writeInteger(kHuffmanCoded, kLengthBits, size, out));
}

char* writeValue(std::string_view value, char* out) noexcept {
    return value.size() > kLongValue ? writeShortest(value, out) : writePlain(value, out);
}

// Of a name that is not looked up.
char* writeLowered(std::string_view name, char* out) noexcept {
    out = writeInteger(0, kLengthBits, name.size(), out);
    std::size_t i = 0;
    for (; i + kWord <= name.size(); i += kWord)
        storeWord(lowerWord(loadWord(name.data() + i)), out + i);
    storeWord(lowerWord(loadTail(name)), out + i);
    return out + name.size();
}

}  // namespace

void Encoder::noteSize(std::uint16_t size) noexcept {
    smallestSize_ = sizeDue_ ? std::min(smallestSize_, size) : size;
    sizeDue_ = true;
}

void Encoder::setMaxTableSize(std::uint32_t size) noexcept {
    const auto ours = static_cast<std::uint16_t>(std::min<std::size_t>(size, table_.kMaxSize));
    if (ours == wantedSize_)
        return;
    wantedSize_ = ours;
    noteSize(ours);
}

void Encoder::rest() noexcept {
    if (table_.count() != 0)
        noteSize(0);
    table_.release();
    index_.reset();
    plainLeft_ = static_cast<std::uint8_t>(plainBlocks_ + 1);
}

char* Encoder::beginBlock(char* out) noexcept {
    if (plainLeft_ != 0)
        --plainLeft_;
    if (!sizeDue_)
        return out;
    sizeDue_ = false;
    if (smallestSize_ < wantedSize_) {
        table_.resize(smallestSize_);
        out = writeInteger(kSizeUpdate, kSizeUpdateBits, smallestSize_, out);
    }
    table_.resize(wantedSize_);
    return writeInteger(kSizeUpdate, kSizeUpdateBits, wantedSize_, out);
}

char* Encoder::encode(const Field& field, char* out) {
    if (field.name.size() > LoweredName::kLongest)
        return encodeLong(field, out);
    const LoweredName name(field.name);
    const std::size_t index = findStaticName(name);
    if (const std::size_t found = findStaticValue(index, field.value); found != 0)
        return writeInteger(kIndexed, kIndexedBits, found, out);
    const Policy policy = kPolicies[index];
    if (policy == Policy::index && field.indexable && plainLeft_ == 0)
        return encodeIndexable(EncoderIndex::keyOf(name, index, field.value), out);
    const Representation opcode = policy == Policy::secret ? kNeverIndexed : kNotIndexed;
    return encodeUnindexed(opcode, name, index, field.value, out);
}

// Such a name does not enter the table, nor is it looked up.
char* Encoder::encodeLong(const Field& field, char* out) noexcept {
    *out++ = kNotIndexed;
    return writeValue(field.value, writeLowered(field.name, out));
}

char* Encoder::encodeUnindexed(std::uint8_t opcode, const LoweredName& name, std::size_t index,
                               std::string_view value, char* out) const noexcept {
    index = indexOf(name, index);
    out = writeInteger(opcode, kLiteralBits, index, out);
    if (index == 0)
        out = writePlain(name.text(), out);
    return writeValue(value, out);
}

char* Encoder::encodeIndexable(const EncoderIndex::Key& key, char* out) {
    if (index_) {
        if (const auto found = index_->find(table_, key))
            return writeInteger(kIndexed, kIndexedBits, kStaticEntries + 1 + *found, out);
    }
    if (DynamicTable::sizeOf(key.name.text(), key.value) > table_.maxSize() / 4 * 3)
        return encodeUnindexed(kNotIndexed, key.name, key.staticName, key.value, out);
    return insert(key, out);
}

char* Encoder::insert(const EncoderIndex::Key& key, char* out) {
    const std::size_t index = indexOf(key.name, key.staticName);  // before eviction (§4.4)
    if (!index_)
        index_ = std::make_unique<EncoderIndex>();
    table_.insert(key.name.text(), key.value);
    index_->add(key);
    out = writeInteger(kIncremental, kIncrementalBits, index, out);
    if (index == 0)
        out = writeShortest(key.name.text(), out);
    return writeShortest(key.value, out);
}

// The index a literal may give instead of the name; 0: none.
std::size_t Encoder::indexOf(const LoweredName& name, std::size_t staticName) const noexcept {
    if (staticName != 0 || !index_)
        return staticName;
    const auto found = index_->findName(table_, name);
    return found ? kStaticEntries + 1 + *found : 0;
}

}  // namespace evergate::hpack
