// Counts the elements of the document on standard input and prints it again.
#include <cstdio>
#include <iostream>
#include <iterator>
#include <map>
#include <string>

#include "tinyxml2.h"

static void count(const tinyxml2::XMLElement *element, std::map<std::string, int> &counts) {
    for (; element; element = element->NextSiblingElement()) {
        counts[element->Name()]++;
        count(element->FirstChildElement(), counts);
    }
}

int main() {
    const std::string text((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
    tinyxml2::XMLDocument document;
    if (document.Parse(text.c_str()) != tinyxml2::XML_SUCCESS) {
        std::printf("%s\n", document.ErrorStr());
        return 1;
    }
    std::map<std::string, int> counts;
    count(document.RootElement(), counts);
    for (const auto &[name, number] : counts) std::printf("%s %d\n", name.c_str(), number);
    tinyxml2::XMLPrinter printer;
    document.Print(&printer);
    std::fputs(printer.CStr(), stdout);
    return 0;
}
