// Builds a document, prints it, reads it again, and queries it.
#include <cstdio>
#include <pugixml.hpp>
#include <sstream>

#include "generated.h"

int main() {
    pugi::xml_document made;
    pugi::xml_node shelf = made.append_child("shelf");
    for (int i = 0; i < 4000; i++) {
        pugi::xml_node book = shelf.append_child("book");
        book.append_attribute("id") = i;
        book.append_attribute("shelf") = static_cast<int>(random_below(20));
        for (int j = 0; j < 3; j++) book.append_child("author").text() = static_cast<int>(random_below(500));
        book.append_child("price").text() = random_below(10000) / 64.0;
        book.append_child("note").text() = "a < b & \"c\"";
    }
    std::ostringstream stream;
    made.save(stream, " ");
    const std::string text = stream.str();
    double sum = 0;
    size_t found = 0;
    for (int round = 0; round < 360; round++) {
        pugi::xml_document read;
        if (!read.load_buffer(text.data(), text.size())) return 1;
        for (const pugi::xpath_node &node : read.select_nodes("//book[@shelf > 10][author = '7']/price")) {
            sum += node.node().text().as_double();
            found++;
        }
        sum += pugi::xpath_query("sum(//price) + count(//author[. mod 3 = 0])").evaluate_number(read);
    }
    std::printf("%zu bytes, %016llx, %zu found, %.6f\n", text.size(), (unsigned long long)checksum(text.data(), text.size()), found, sum);
    return 0;
}
