// Formats the numbers on standard input in many ways.
#include <fmt/core.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <vector>

int main() {
    std::vector<double> values;
    for (double value; std::scanf("%lf", &value) == 1;) values.push_back(value);
    for (double value : values) {
        const auto whole = static_cast<long long>(value * 1e6);
        fmt::print("{} {:.3f} {:+e} {:>12.4g} {:a}|{:#x} {:b} {:08d} {:L}\n", value, value, value, value, value, whole,
                   whole, whole, whole);
        fmt::print("{} {:.9e}\n", static_cast<float>(value), static_cast<float>(value));
    }
    fmt::print("{:*^30}|{:<10}|{:>10}\n", "centre", true, 'x');
    fmt::print("{}\n", fmt::join(values, ", "));
    fmt::print("{}\n", std::vector<int>{1, 2, 3});
    return values.empty();
}
