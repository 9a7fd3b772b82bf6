// Exceptions: through frames with destructors, of the library, caught by kind, thrown again. Input "u": uncaught.
#include <stdexcept>
#include <string>
#include <vector>

#include <cstdio>
#include <truestep.h>

namespace {
struct Scope {
    explicit Scope(const char *name) : name(name) {}
    ~Scope() { std::printf("~%s ", name); }
    const char *name;
};

int checked(int number) {
    Scope scope("checked");
    if (number > 2) throw std::out_of_range("above " + std::to_string(number - 1));
    return number;
}

template <typename Function>
void say_what(Function function) {
    try {
        Scope scope("tried");
        function();
        std::puts("nothing");
    } catch (const std::out_of_range &error) {
        std::printf("out of range: %s\n", error.what());
    } catch (const std::exception &error) {
        std::printf("exception: %s\n", error.what());
    } catch (...) {
        try {
            throw;
        } catch (int number) {
            std::printf("number %d\n", number);
        }
    }
}
} // namespace

int main() {
    say_what([] { checked(2); });
    say_what([] { checked(3); });
    say_what([] { (void)std::vector<int>(3).at(7); });
    say_what([] { (void)std::stoi("no number"); });
    say_what([] { throw 5; });
    const uint8_t *input;
    size_t size;
    read_input(&input, &size);
    if (size) checked(9);
    return 0;
}
