"""Dates with differences, weekdays and an order, without a library."""

from functools import total_ordering

DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@total_ordering
class Date:
    """A day of the Gregorian calendar."""

    def __init__(self, year, month, day):
        if not 1 <= month <= 12 or not 1 <= day <= self.days_in_month(year, month):
            raise ValueError(f"no such day: {year}-{month}-{day}")
        self.year = year
        self.month = month
        self.day = day

    @staticmethod
    def is_leap(year):
        """Whether a year has 366 days."""
        return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)

    @classmethod
    def days_in_month(cls, year, month):
        """The length of a month."""
        return 29 if month == 2 and cls.is_leap(year) else DAYS[month - 1]

    @classmethod
    def from_string(cls, text):
        """The date of a text such as 2024-02-29."""
        year, month, day = text.split("-")
        return cls(int(year), int(month), int(day))

    def ordinal(self):
        """The number of the day since the year 1."""
        past = self.year - 1
        days = past * 365 + past // 4 - past // 100 + past // 400
        for month in range(1, self.month):
            days += self.days_in_month(self.year, month)
        return days + self.day

    def weekday(self):
        """The name of the day."""
        return NAMES[(self.ordinal() - 1) % 7]

    def next_day(self):
        """The day after."""
        if self.day < self.days_in_month(self.year, self.month):
            return Date(self.year, self.month, self.day + 1)
        if self.month < 12:
            return Date(self.year, self.month + 1, 1)
        return Date(self.year + 1, 1, 1)

    def __sub__(self, other):
        return self.ordinal() - other.ordinal()

    def __eq__(self, other):
        return self.ordinal() == other.ordinal()

    def __lt__(self, other):
        return self.ordinal() < other.ordinal()

    def __str__(self):
        return f"{self.year:04d}-{self.month:02d}-{self.day:02d}"


def program():
    """Compute with days."""
    a = Date(2024, 2, 28)
    b = Date.from_string("2024-03-01")
    print(a, a.next_day(), a.next_day().next_day(), b.weekday())
    print(b - a, a < b, a >= b, a == Date(2024, 2, 28), max(a, b))
    print(Date(1999, 12, 31).next_day(), Date(2000, 1, 1).ordinal())
    try:
        Date(2023, 2, 29)
    except ValueError as error:
        print(error)
