"""Words of a text, their numbers and lengths."""

from collections import Counter, defaultdict

TEXT = """It was the best of times, it was the worst of times,
it was the age of wisdom, it was the age of foolishness"""


class TextStatistics:
    """What is known of a text."""

    def __init__(self, text):
        self.text = text
        self.words = [word.strip(".,").lower() for word in text.split()]
        self.counts = Counter(self.words)

    def most_common(self, n):
        """The most frequent words."""
        return self.counts.most_common(n)

    def mean_length(self):
        """The mean length of a word."""
        if not self.words:
            return 0
        return sum(len(word) for word in self.words) / len(self.words)

    def by_length(self):
        """Words by their lengths."""
        groups = defaultdict(set)
        for word in self.words:
            groups[len(word)].add(word)
        return groups

    def is_palindrome(self):
        """Whether the letters are the same backwards."""
        letters = [c for c in self.text.lower() if c.isalpha()]
        return letters == letters[::-1]


def program():
    """Count words."""
    statistics = TextStatistics(TEXT)
    print(len(statistics.words), len(set(statistics.words)), round(statistics.mean_length(), 4))
    print(statistics.most_common(3))
    for length, words in sorted(statistics.by_length().items()):
        print(length, sorted(words))
    print(TextStatistics("").mean_length(), TextStatistics("Never odd or even").is_palindrome())
