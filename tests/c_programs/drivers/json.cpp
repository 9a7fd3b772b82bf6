// Reads the document on standard input, adds to it, and writes it as text, flattened and as CBOR.
#include <cstdio>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

using nlohmann::json;

int main() {
    const std::string text((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
    json document = json::parse(text, nullptr, false);
    if (document.is_discarded()) return 1;
    document["added"] = {{"size", text.size()}, {"squares", {1, 4, 9.5, nullptr, true}}};
    std::cout << document.dump(2) << '\n';
    const json flat = document.flatten();
    for (const auto &[key, value] : flat.items()) std::cout << key << " = " << value << '\n';
    for (unsigned char byte : json::to_cbor(document)) std::printf("%02x", byte);
    std::printf("\n");
    return json::from_cbor(json::to_cbor(document)) == document ? 0 : 2;
}
