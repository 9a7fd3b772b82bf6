// Finds calls, numbers and comments in standard input.
#include <re2/re2.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <map>
#include <string>

int main() {
    const std::string text((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
    std::map<std::string, int> calls;
    re2::StringPiece rest(text);
    std::string name;
    const RE2 call(R"((\w+)\s*\([^()]*\))");
    while (RE2::FindAndConsume(&rest, call, &name)) calls[name]++;
    for (const auto &[found, count] : calls) std::printf("%s %d\n", found.c_str(), count);
    std::string changed = text;
    std::printf("%d numbers\n", RE2::GlobalReplace(&changed, R"(\b(\d+)\b)", "<\\1>"));
    std::fputs(changed.c_str(), stdout);
    return 0;
}
