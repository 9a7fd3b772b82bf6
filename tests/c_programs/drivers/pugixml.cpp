// Answers XPath queries over the document on standard input.
#include <cstdio>
#include <iostream>
#include <sstream>

#include "pugixml.hpp"

int main() {
    pugi::xml_document document;
    const pugi::xml_parse_result parsed = document.load(std::cin);
    if (!parsed) {
        std::printf("%s at %td\n", parsed.description(), parsed.offset);
        return 1;
    }
    for (const auto &found : document.select_nodes("//book[price > 20]/title"))
        std::printf("%s\n", found.node().child_value());
    std::printf("%.10g\n", pugi::xpath_query("sum(//price) div count(//price)").evaluate_number(document));
    for (pugi::xml_node book : document.child("library").children("book"))
        book.append_attribute("seen") = book.attribute("year").as_int() + 1;
    std::ostringstream text;
    document.save(text, "  ");
    std::cout << text.str();
    return 0;
}
