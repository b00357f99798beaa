// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hpack/static_table.hpp"

namespace evergate::hpack {
namespace {

constexpr std::size_t kSlots = 256;
constexpr std::size_t kNameWords = 4;

// Per slot the first entry of the one name that belongs there. The hash is such that no two do.
constexpr std::array<std::uint8_t, kSlots> makeSlots() {
    std::array<std::uint8_t, kSlots> slots{};
    for (std::size_t i = kStaticEntries; i > 0; --i)
        slots[LoweredName(kStaticTable[i].name).hash() % kSlots] = static_cast<std::uint8_t>(i);
    return slots;
}

constexpr std::array<std::uint8_t, kSlots> kNameSlots = makeSlots();

constexpr bool eachNameHasItsSlot() {
    for (std::size_t i = 1; i <= kStaticEntries; ++i) {
        const std::string_view name = kStaticTable[i].name;
        if (kStaticTable[kNameSlots[LoweredName(name).hash() % kSlots]].name != name)
            return false;
    }
    return true;
}

static_assert(eachNameHasItsSlot());

// The names as words, as they are compared.
struct NameWords {
    std::array<std::uint64_t, kNameWords> words{};
    std::size_t size = 0;
};

constexpr std::array<NameWords, kStaticEntries + 1> makeNameWords() {
    std::array<NameWords, kStaticEntries + 1> all{};
    for (std::size_t i = 1; i <= kStaticEntries; ++i) {
        const LoweredName name(kStaticTable[i].name);
        all[i].size = name.size();
        for (std::size_t k = 0; k < name.words(); ++k)
            all[i].words[k] = name.word(k);
    }
    return all;
}

constexpr std::array<NameWords, kStaticEntries + 1> kNames = makeNameWords();

constexpr std::uint64_t startOf(std::string_view value) noexcept {
    return value.size() < kWord ? loadShort(value.data(), value.size()) : loadWord(value.data());
}

// The values, as they are compared; of few names.
struct ValueStart {
    std::uint64_t start = 0;
    std::uint32_t size = 0;
    std::uint32_t next = 0;  // entry of this name; 0: none
};

constexpr std::array<ValueStart, kStaticEntries + 1> makeValues() {
    std::array<ValueStart, kStaticEntries + 1> all{};
    for (std::size_t i = 1; i <= kStaticEntries; ++i) {
        const std::string_view value = kStaticTable[i].value;
        all[i] = {startOf(value), static_cast<std::uint32_t>(value.size()), 0};
        if (kStaticTable[i - 1].name == kStaticTable[i].name)
            all[i - 1].next = static_cast<std::uint32_t>(i);
    }
    return all;
}

constexpr std::array<ValueStart, kStaticEntries + 1> kValues = makeValues();

}  // namespace

std::size_t findStaticName(const LoweredName& name) noexcept {
    const std::size_t index = kNameSlots[name.hash() % kSlots];
    const NameWords& found = kNames[index];
    if (found.size != name.size())
        return 0;
    for (std::size_t i = 0; i < name.words(); ++i) {
        if (found.words[i] != name.word(i))
            return 0;
    }
    return index;
}

std::size_t findValued(std::size_t index, std::string_view value) noexcept {
    const std::uint64_t start = startOf(value);
    for (; kValues[index].size != 0; index = kValues[index].next) {
        const ValueStart& found = kValues[index];
        if (found.size == value.size() && found.start == start &&
            (value.size() <= kWord || kStaticTable[index].value == value))
            return index;
    }
    return 0;
}

}  // namespace evergate::hpack
