// C++20 and its library: words of the input with their counts, and some numbers.
#include <algorithm>
#include <format>
#include <iostream>
#include <map>
#include <memory>
#include <ranges>
#include <span>
#include <string>
#include <vector>

namespace {
template <typename T>
concept Number = std::integral<T> || std::floating_point<T>;

template <Number T>
T sum(std::span<const T> numbers) {
    T total{};
    for (T number : numbers) total += number;
    return total;
}

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
};
struct Square final : Shape {
    explicit Square(double side) : side(side) {}
    double area() const override { return side * side; }
    double side;
};

std::vector<int> squares(5);
struct Filled {
    Filled() { std::ranges::transform(std::views::iota(1, 6), squares.begin(), [](int i) { return i * i; }); }
    ~Filled() { std::cout << "end\n"; }
} filled;

// Destroyed before everything static, though `late` is constructed after it.
struct OfThread {
    ~OfThread() { std::cout << "end of thread, " << text << '\n'; }
    std::string text = "constructed at first use";
};
thread_local OfThread of_thread;
struct Late {
    ~Late() { std::cout << "late\n"; }
};
} // namespace

int main() {
    std::map<std::string, int> counts;
    for (std::string word; std::cin >> word;) ++counts[word];
    std::vector<std::pair<std::string, int>> sorted(counts.begin(), counts.end());
    std::ranges::sort(sorted, std::greater{}, &std::pair<std::string, int>::second);
    for (const auto &[word, count] : sorted | std::views::take(2)) std::cout << std::format("{:>6}: {}\n", word, count);
    const std::vector<double> numbers{0.1, 0.2, 0.3};
    std::cout << std::format("{} {:.3f} {:e}\n", sum(std::span(numbers)), 2.0 / 3, 12345.678);
    const std::shared_ptr<Shape> shape = std::make_shared<Square>(1.5);
    std::cout << shape->area() << ' ' << sum(std::span<const int>(squares)) << ' ' << std::stod("2.5e-3") << '\n';
    std::string text = "abc";
    std::ranges::reverse(text);
    std::cout << (text <=> "cbb" < 0) << text << std::endl;
    of_thread.text += " too";
    static Late late;
    return 0;
}
