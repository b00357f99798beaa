// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hpack/encoder_index.hpp"

namespace evergate::hpack {
namespace {

// Names of the static table are compared by their index, which costs less.
inline bool matches(std::size_t staticName, const DynamicTable::Entry& entry,
                    const EncoderIndex::Key& key) noexcept {
    return staticName == key.staticName && equal(entry.value, key.value) &&
           (staticName != 0 || key.name.is(entry.name));
}

}  // namespace

void EncoderIndex::add(const Key& key) noexcept {
    std::uint16_t& newest = fields_[key.hash % kBuckets];
    std::uint16_t& newestName = names_[key.name.hash() % kBuckets];
    links_[next_ % DynamicTable::kMaxEntries] = {key.hash, newest, newestName,
                                                 static_cast<std::uint16_t>(key.staticName)};
    newest = newestName = next_;
    ++next_;
}

std::optional<std::size_t> EncoderIndex::find(const DynamicTable& table,
                                              const Key& key) const noexcept {
    std::size_t last = 0;
    std::uint16_t number = fields_[key.hash % kBuckets];
    for (std::size_t at = age(number); at > last && at <= table.count(); at = age(number)) {
        const Link& found = link(number);
        if (found.hash == key.hash && matches(found.staticName, table.at(at - 1), key))
            return at - 1;
        last = at;
        number = found.older;
    }
    return std::nullopt;
}

std::optional<std::size_t> EncoderIndex::findName(const DynamicTable& table,
                                                  const LoweredName& name) const noexcept {
    std::size_t last = 0;
    std::uint16_t number = names_[name.hash() % kBuckets];
    for (std::size_t at = age(number); at > last && at <= table.count(); at = age(number)) {
        if (name.is(table.at(at - 1).name))
            return at - 1;
        last = at;
        number = link(number).olderName;
    }
    return std::nullopt;
}

}  // namespace evergate::hpack
