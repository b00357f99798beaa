// SPDX-License-Identifier: Apache-2.0
#include "common/process/prometheus_text.hpp"

#include <array>
#include <cassert>
#include <charconv>
#include <cmath>

namespace evergate::process {
namespace {

template <typename Number>
void appendNumber(std::string& out, Number number) {
    std::array<char, 32> digits;
    out.append(digits.data(),
               std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

void appendDouble(std::string& out, double number) {
    if (std::isnan(number)) {
        out += "NaN";
    } else if (std::isinf(number)) {
        out += number > 0 ? "+Inf" : "-Inf";
    } else {
        appendNumber(out, number);
    }
}

// As a label, so as people write it: 0.0005 and not 5e-04.
void appendBound(std::string& out, double bound) {
    std::array<char, 32> digits;
    out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), bound,
                                            std::chars_format::fixed)
                                  .ptr);
}

// `special`: the characters that take a backslash; a newline always does.
void appendEscaped(std::string& out, std::string_view text, const char* special) {
    if (text.find_first_of(special) == std::string_view::npos) {
        out += text;
        return;
    }
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
        } else if (std::string_view(special).find(c) != std::string_view::npos) {
            out.append(1, '\\').append(1, c);
        } else {
            out.push_back(c);
        }
    }
}

// `{a="1",b="2"`: open, so that a histogram can add its bound.
std::string openLabels(MetricLabels labels) {
    std::string text;
    char separator = '{';
    for (const auto& [name, value] : labels) {
        text.append(1, separator).append(name).append("=\"");
        appendEscaped(text, value, "\"\\\n");
        text.push_back('"');
        separator = ',';
    }
    return text;
}

void startSample(std::string& out, std::string_view name, std::string_view suffix,
                 std::string_view labels) {
    out.append(name).append(suffix).append(labels).append(labels.empty() ? " " : "} ");
}

}  // namespace

PrometheusText::PrometheusText(std::span<const MetricDescription> table)
    : table_(table), rows_(table.size()) {}

void PrometheusText::addInteger(std::size_t row, MetricLabels labels, std::uint64_t value) {
    std::string& out = rows_[row];
    startSample(out, table_[row].name, "", openLabels(labels));
    appendNumber(out, value);
    out.push_back('\n');
}

void PrometheusText::addDouble(std::size_t row, MetricLabels labels, double value) {
    std::string& out = rows_[row];
    startSample(out, table_[row].name, "", openLabels(labels));
    appendDouble(out, value);
    out.push_back('\n');
}

void PrometheusText::writeHistogram(std::size_t row, MetricLabels labels,
                                    const HistogramSample& sample) {
    assert(sample.counts.size() == sample.bounds.size() + 1);
    std::string& out = rows_[row];
    const std::string_view name = table_[row].name;
    const std::string common = openLabels(labels);
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < sample.counts.size(); ++i) {
        count += sample.counts[i];
        out.append(name).append("_bucket").append(common);
        out.append(common.empty() ? "{le=\"" : ",le=\"");
        if (i < sample.bounds.size()) {
            appendBound(out, sample.bounds[i]);
        } else {
            out += "+Inf";
        }
        out.append("\"} ");
        appendNumber(out, count);
        out.push_back('\n');
    }
    startSample(out, name, "_sum", common);
    appendDouble(out, sample.sum);
    out.push_back('\n');
    startSample(out, name, "_count", common);
    appendNumber(out, count);
    out.push_back('\n');
}

std::string PrometheusText::take() {
    std::size_t size = 0;
    for (const std::string& row : rows_) {
        size += row.empty() ? 0 : row.size() + 512;
    }
    std::string out;
    out.reserve(size);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (rows_[i].empty()) {
            continue;
        }
        const MetricDescription& metric = table_[i];
        out.append("# HELP ").append(metric.name).append(1, ' ');
        appendEscaped(out, metric.help, "\\\n");
        out.append("\n# TYPE ").append(metric.name).append(1, ' ');
        out.append(name(metric.kind)).push_back('\n');
        out += rows_[i];
        std::string().swap(rows_[i]);
    }
    return out;
}

}  // namespace evergate::process
