"""A tokenizer and a calculator by recursive descent."""


class Token:
    """A number or an operator."""

    def __init__(self, kind, value):
        self.kind = kind
        self.value = value

    def __repr__(self):
        return f"Token({self.kind!r}, {self.value!r})"


def tokenize(text):
    """The tokens of an expression."""
    tokens = []
    place = 0
    while place < len(text):
        char = text[place]
        if char.isspace():
            place += 1
        elif char.isdigit() or char == ".":
            start = place
            while place < len(text) and (text[place].isdigit() or text[place] == "."):
                place += 1
            tokens.append(Token("number", text[start:place]))
        elif char in "+-*/()^":
            tokens.append(Token("operator", char))
            place += 1
        else:
            raise SyntaxError(f"unexpected {char!r} at {place}")
    return tokens


class Parser:
    """Computes while it reads."""

    def __init__(self, tokens):
        self.tokens = tokens
        self.place = 0

    def peek(self):
        """The next token's text."""
        if self.place < len(self.tokens):
            return self.tokens[self.place].value
        return None

    def take(self):
        """The next token, which is read."""
        token = self.tokens[self.place]
        self.place += 1
        return token

    def expression(self):
        """Sums."""
        value = self.term()
        while self.peek() in ("+", "-"):
            if self.take().value == "+":
                value += self.term()
            else:
                value -= self.term()
        return value

    def term(self):
        """Products."""
        value = self.factor()
        while self.peek() in ("*", "/"):
            if self.take().value == "*":
                value *= self.factor()
            else:
                value /= self.factor()
        return value

    def factor(self):
        """Numbers, signs, brackets and powers."""
        token = self.take()
        if token.value == "-":
            return -self.factor()
        if token.value == "(":
            value = self.expression()
            self.take()
        elif "." in token.value:
            value = float(token.value)
        else:
            value = int(token.value)
        if self.peek() == "^":
            self.take()
            value = value ** self.factor()
        return value


def program():
    """Compute some expressions."""
    print(tokenize("1+2.5"))
    for text in ["1 + 2 * 3", "(1 + 2) * 3", "2 ^ 3 ^ 2", "10 / 4 - 1", "-(3 - 5) * 2.5", "7"]:
        print(text, "=", Parser(tokenize(text)).expression())
    try:
        tokenize("1 $ 2")
    except SyntaxError as error:
        print(error)
