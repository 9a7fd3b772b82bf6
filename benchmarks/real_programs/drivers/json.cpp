// Builds a document, prints it, reads it again, and adds up its numbers.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "generated.h"

using nlohmann::json;

static double sum_of(const json &value) {
    if (value.is_number()) return value.get<double>();
    double sum = 0;
    if (value.is_structured())
        for (const json &item : value) sum += sum_of(item);
    return sum;
}

int main() {
    json document = json::array();
    for (int i = 0; i < 2500; i++) {
        json entry = {{"id", i}, {"name", "entry " + std::to_string(random_below(1000))}, {"open", i % 3 == 0}};
        for (int j = 0; j < 8; j++) entry["values"].push_back(random_below(100000) / 64.0);
        entry["tags"] = {{"a\n", nullptr}, {"\u00e9", {1, 2, "\"three\""}}};
        document.push_back(entry);
    }
    std::string text;
    double sum = 0;
    for (int round = 0; round < 96; round++) {
        text = document.dump(round % 2 ? 1 : -1);
        document = json::parse(text);
        sum += sum_of(document);
    }
    std::printf("%zu bytes, %016llx, %.6f\n", text.size(), (unsigned long long)checksum(text.data(), text.size()), sum);
    return 0;
}
