"""The fields of a text for `str.format`, as the parts of an f-string."""

import ast
import string


class Fields:
    """The fields of a text for str.format, with the values that they name."""

    def __init__(self, values: list[ast.expr], named: dict[str, ast.expr]) -> None:
        self._values = values
        self._named = named
        self._next = 0
        self._used: list[str] = []

    def parse(self, text: str) -> ast.JoinedStr | None:
        """The f-string, if each value but names and constants is used once and in its place."""
        try:
            joined = self._joined(text)
        except (ValueError, LookupError):
            return None
        values = {**{str(index): value for index, value in enumerate(self._values)}, **self._named}
        costly = [name for name, value in values.items() if not isinstance(value, ast.Name | ast.Constant)]
        return joined if [name for name in self._used if name in costly] == costly else None

    def _joined(self, text: str) -> ast.JoinedStr:
        parts: list[ast.expr] = []
        for literal, field, specification, conversion in string.Formatter().parse(text):
            if literal:
                parts.append(ast.Constant(literal))
            if field is None:
                continue
            value = self._value(field)
            parts.append(
                ast.FormattedValue(
                    value=value,
                    conversion=ord(conversion) if conversion else -1,
                    format_spec=self._joined(specification or ""),
                )
            )
        return ast.JoinedStr(values=parts)

    def _value(self, field: str) -> ast.expr:
        if not field:
            field = str(self._next)
            self._next += 1
        self._used.append(field)
        if field.isdecimal():
            return self._values[int(field)]
        return self._named[field]
