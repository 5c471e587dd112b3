"""Where a JSON text is wrong. MicroPython's json module gives no position, accepts a text that
ends too early or lacks a comma, and reads some escapes wrongly.

Runs under CPython too, where `make config` uses it.
"""

_DIGITS = b"0123456789"
_HEXADECIMAL_DIGITS = b"0123456789abcdefABCDEF"

# Brackets in brackets: far more than a configuration has, and few enough for a board's heap.
_MAX_DEPTH = 16


def find_error(text, unique=False):
    """Return (line, column, what) of the first JSON syntax error in a text, counted from 1.

    None if there is none. With `unique`, a key that stands twice in one object is an error, too.
    Takes as long as reading the text; nothing of it is kept.
    """
    data = text.encode()
    end = _Scanner(data, unique).scan()
    if end is None:
        return None
    position, what = end
    line_start = data.rfind(b"\n", 0, position) + 1
    line = data[:line_start].count(b"\n") + 1
    return line, len(data[line_start:position].decode()) + 1, what


def _is_number(text):
    # -0.5e+3: no sign but -, no zero in front, digits on both sides of the point.
    if text[:1] == b"-":
        text = text[1:]
    mantissa, e, exponent = text.replace(b"E", b"e").partition(b"e")
    whole, point, decimals = mantissa.partition(b".")
    if exponent[:1] in (b"+", b"-"):
        exponent = exponent[1:]
    for digits, there in ((whole, True), (decimals, point), (exponent, e)):
        if there and not (digits and all(digit in _DIGITS for digit in digits)):
            return False
    return whole == b"0" or whole[:1] != b"0"


class _Scanner:
    # A JSON reader that keeps nothing but its position and the keys of the objects around it, and
    # needs no recursion: `open_brackets` holds the closing bracket of each object or array around
    # the present place, `keys` the keys that each has so far. The text is bytes: MicroPython finds
    # the n-th letter of a str by counting from its start.

    def __init__(self, text, unique):
        self.text = text
        self.at = 0
        self.unique = unique
        self.keys = []

    def _peek(self):
        while self.text[self.at : self.at + 1] in (b" ", b"\t", b"\r", b"\n"):
            self.at += 1
        return self.text[self.at : self.at + 1]

    def _string(self):
        """Pass a string; return what is wrong with it, or None."""
        self.at += 1
        # Most are plain and passed at once: letter by letter takes five times as long.
        end = self.text.find(b'"', self.at)
        plain = self.text[self.at : end]
        if end >= 0 and b"\\" not in plain and (not plain or min(plain) >= 32):
            self.at = end + 1
            return None
        while True:
            letter = self.text[self.at : self.at + 1]
            if letter in (b"", b"\n", b"\r"):
                return 'a text that is not closed with "'
            if letter < b" ":
                return "a control character inside a text, perhaps a tab"
            if letter == b"\\":
                wrong = self._escape()
                if wrong is not None:
                    return wrong
            else:
                self.at += 1
                if letter == b'"':
                    return None

    def _escape(self):
        """Pass a backslash and what belongs to it; return what is wrong with it, or None."""
        letter = self.text[self.at + 1 : self.at + 2]
        if letter == b"u":
            code = self.text[self.at + 2 : self.at + 6]
            if len(code) < 4 or not all(digit in _HEXADECIMAL_DIGITS for digit in code):
                return "four hexadecimal digits were expected after \\u"
            if 0xD800 <= int(code, 16) < 0xE000:  # MicroPython does not join the two halves
                return "an escape that the board cannot read; write the character itself"
            self.at += 6
        elif letter and letter in b'"\\/bfnrt':
            self.at += 2
        else:
            return 'a backslash must be doubled, or be one of \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u'
        return None

    def _scalar(self):
        if self._peek() == b'"':
            return self._string()
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in b' \t\r\n,:]}[{"':
            self.at += 1
        word = self.text[start : self.at]
        if word in (b"true", b"false", b"null") or _is_number(word):
            return None
        self.at = start
        hint = ""
        if word and (word[:1].isalpha() or word[0] > 127):
            hint = ' (texts need straight "..." around them)'
        return "a value was expected here" + hint

    def _key(self):
        if self._peek() != b'"':
            return 'a key in straight "..." was expected here'
        start = self.at
        wrong = self._string()
        if wrong is not None:
            return wrong
        if self.unique:
            key = self.text[start : self.at]
            if key in self.keys[-1]:
                self.at = start
                return "this key stands here for the second time; remove one"
            self.keys[-1].append(key)
        if self._peek() != b":":
            return "a colon was expected here"
        self.at += 1

    def scan(self):
        """Return (position, what) of the first error, or None."""
        open_brackets = []
        wanted = "value"
        while True:
            letter = self._peek()
            wrong = None
            if self.text[self.at : self.at + 2] in (b"//", b"/*", b"# "):
                wrong = "JSON has no comments; remove this one"
            elif wanted == "separator":
                if not open_brackets:
                    return (self.at, "nothing more was expected here") if letter else None
                if letter == open_brackets[-1]:
                    self.at += 1
                    open_brackets.pop()
                    self.keys.pop()
                elif letter == b",":
                    self.at += 1
                    if self._peek() == open_brackets[-1]:
                        wrong = "one comma too many before this %s" % open_brackets[-1].decode()
                    wanted = "key" if open_brackets[-1] == b"}" else "value"
                else:
                    wrong = "a comma or %s was expected here" % open_brackets[-1].decode()
            elif wanted == "key":
                wrong = self._key()
                wanted = "value"
            elif letter in (b"{", b"[") and len(open_brackets) == _MAX_DEPTH:
                wrong = "too many brackets in brackets"
            elif letter == b"{" or letter == b"[":
                self.at += 1
                open_brackets.append(b"}" if letter == b"{" else b"]")
                self.keys.append([])
                if self._peek() == open_brackets[-1]:
                    wanted = "separator"
                elif letter == b"{":
                    wanted = "key"
            else:
                wrong = self._scalar()
                wanted = "separator"
            if wrong is not None:
                return self.at, wrong
