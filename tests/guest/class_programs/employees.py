"""Dataclasses with defaults, an enum, properties, inheritance and class methods."""

from dataclasses import dataclass, field
from enum import Enum


class Level(Enum):
    """How long somebody has been there."""

    JUNIOR = "junior"
    SENIOR = "senior"


@dataclass
class Employee:
    """Somebody who works here."""

    name: str
    salary: float = 1000
    level: Level = Level.JUNIOR
    skills: list = field(default_factory=list)

    @property
    def bonus(self):
        """What is paid once a year."""
        return self.salary * 0.1 if self.level == Level.SENIOR else 0

    def raise_salary(self, percent):
        """Pay more."""
        self.salary *= 1 + percent / 100

    def __str__(self):
        return f"{self.name} ({self.level.value}): {self.salary}"


@dataclass
class Manager(Employee):
    """Somebody who has others."""

    team: list = field(default_factory=list)

    def cost(self):
        """What all of them earn."""
        return self.salary + sum(member.salary for member in self.team)


class Company:
    """All of them."""

    founded = 1999
    count = 0

    def __init__(self, name):
        self.name = name
        self._employees = []

    @classmethod
    def default(cls):
        """The one that is meant."""
        return cls("ACME")

    def hire(self, employee):
        """Take somebody on."""
        self._employees.append(employee)

    @property
    def payroll(self):
        """What all earn."""
        return sum(e.salary + e.bonus for e in self._employees)

    @property
    def mean_salary(self):
        """What one earns."""
        return self.payroll / len(self._employees) if self._employees else 0


def program():
    """Hire and pay."""
    company = Company.default()
    print(company.name, company.founded, company.payroll, company.mean_salary)
    ann = Employee("Ann", 3000.5, Level.SENIOR, ["python", "c"])
    bob = Employee("Bob")
    bob.skills.append("sql")
    for employee in (ann, bob):
        company.hire(employee)
    print(ann, "|", bob, "|", ann.bonus, bob.bonus, bob.skills)
    print(company.payroll, company.mean_salary)
    bob.raise_salary(5)
    print(bob, bob == Employee("Bob", 1050.0, Level.JUNIOR, ["sql"]))
    boss = Manager("Eve", 5000, Level.SENIOR, team=[ann, bob])
    print(boss.cost(), boss.bonus, ann)
