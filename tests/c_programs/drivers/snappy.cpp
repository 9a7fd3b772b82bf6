// Compresses standard input, restores it, and writes the compressed bytes.
#include <snappy.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

int main() {
    const std::string text((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
    std::string compressed, restored;
    snappy::Compress(text.data(), text.size(), &compressed);
    if (!snappy::Uncompress(compressed.data(), compressed.size(), &restored) || restored != text) return 1;
    std::fwrite(compressed.data(), 1, compressed.size(), stdout);
    return 0;
}
