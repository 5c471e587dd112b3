"""Where a JSON text is wrong. MicroPython's json module gives no position, accepts a text that
ends too early or lacks a comma, and reads some escapes wrongly.

Runs under CPython too, where `make config` uses it.
"""

_DIGITS = b"0123456789"

# Far more than a configuration has, and few enough for a board's heap and time: brackets in brackets,
# keys in one object, letters of a number.
_MAX_DEPTH = 16
_MAX_KEYS = 64
_MAX_WORD = 40

# Bytes of a piece: below 30 ms on a board, whatever they are. For that, what is done for each letter
# makes no garbage of more than one block of the heap, 16 bytes: not even a function's frame, which lies
# there if it has more than eleven places. MicroPython would search for room ever longer.
_PIECE = 256


def find_error(text, unique=False):
    """Return (line, column, what) of the first JSON syntax error in a text, counted from 1.

    None if there is none. Numbers of more than 40 letters are errors, too; with `unique`, so are a
    key that stands twice in one object, and more than 64 keys. Takes as long as reading the text;
    nothing of it is kept.
    """
    return finish(search_error(text, unique))


def finish(work):
    """Do at once all that is left of a work in pieces, a generator; return what it returns."""
    try:
        while True:
            next(work)
    except StopIteration as end:
        return end.value


def search_error(text, unique=False):
    """Do what `find_error` does in pieces: a generator that returns what that does."""
    data = text.encode()
    end = yield from _Scanner(data, unique).scan()
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
    rest = text.lstrip(_DIGITS)
    whole = len(text) - len(rest)
    if not whole or (whole > 1 and text[0] == 48):
        return False
    if rest[:1] == b".":
        text = rest[1:]
        rest = text.lstrip(_DIGITS)
        if len(rest) == len(text):
            return False
    if rest[:1] in (b"e", b"E"):
        text = rest[1:]
        if text[:1] in (b"+", b"-"):
            text = text[1:]
        rest = text.lstrip(_DIGITS)
        if len(rest) == len(text):
            return False
    return not rest


class _Scanner:
    # A JSON reader that keeps nothing but its position and the keys of the objects around it, and
    # needs no recursion: `open_brackets` holds the closing bracket of each object or array around
    # the present place, `keys` the keys that each has so far. The text is bytes: MicroPython finds
    # the n-th letter of a str by counting from its start. A letter is a number, for a slice takes
    # ten times as long; 0 stands for the end of the text.

    def __init__(self, text, unique):
        self.text = text
        self.at = 0
        self.unique = unique
        self.keys = []

    def _peek(self):
        text = self.text
        at = self.at
        letter = 0
        while at < len(text):
            letter = text[at]
            if letter > 32:
                break
            rest = text[at : at + 15]  # one block of the heap
            space = len(rest) - len(rest.lstrip(b" \t\r\n"))
            if not space:
                break
            at += space
            letter = 0
        self.at = at
        return letter

    def _pass_plain_text(self):
        # Return whether a text has ended, if it is one without escapes as most are: letter by letter
        # takes ten times as long.
        end = self.text.find(b'"', self.at + 1)
        plain = self.text[self.at + 1 : end]
        if end < 0 or b"\\" in plain or (plain and min(plain) < 32):
            return False
        self.at = end + 1
        return True

    def _pass_text(self):
        """Pass a text; return what is wrong with it, or None; a generator."""
        text = self.text
        at = self.at + 1
        pause = at + _PIECE
        wrong = 'a text that is not closed with "'
        while at < len(text):
            if at >= pause:
                pause = at + _PIECE
                yield
            letter = text[at]
            if letter == 92:  # a backslash
                letter = text[at + 1 : at + 2]
                if letter == b"u":
                    code = text[at + 2 : at + 6]
                    if len(code) < 4 or code.strip(b"0123456789abcdefABCDEF"):
                        wrong = "four hexadecimal digits were expected after \\u"
                        break
                    if 0xD800 <= int(code, 16) < 0xE000:  # MicroPython does not join two halves
                        wrong = "an escape that the board cannot read; write the character itself"
                        break
                    at += 6
                elif letter and letter in b'"\\/bfnrt':
                    at += 2
                else:
                    wrong = (
                        "a backslash must be doubled, or be one of "
                        '\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u'
                    )
                    break
            elif letter < 32:
                if letter not in b"\n\r":
                    wrong = "a control character inside a text, perhaps a tab"
                break
            else:
                at += 1
                if letter == 34:  # the closing quote
                    wrong = None
                    break
        self.at = at
        return wrong

    def _end_key(self, start):
        if self.unique:
            key = self.text[start : self.at]
            keys = self.keys[-1]
            if key in keys:
                self.at = start
                return "this key stands here for the second time; remove one"
            if len(keys) == _MAX_KEYS:
                self.at = start
                return "too many keys in one object"
            keys.add(key)
        if self._peek() not in b":":
            return "a colon was expected here"
        self.at += 1

    def _pass_word(self):
        text = self.text
        end = self.at
        while end < len(text) and end - self.at <= _MAX_WORD:
            letter = text[end]
            if not 48 <= letter <= 57 and letter in b',]} \n\r\t:[{"/#':
                break
            end += 1
        word = text[self.at : end]
        is_number = _is_number(word)
        if is_number and len(word) > _MAX_WORD:
            return "a number with too many digits"
        if is_number or word in (b"true", b"false", b"null"):
            self.at = end
            return None
        if word[:1].isalpha() or word[:1] > b"\x7f":
            return 'a value was expected here (texts need straight "..." around them)'
        return "a value was expected here"

    def scan(self):
        """Return (position, what) of the first error, or None; a generator."""
        open_brackets = []
        wanted = "value"
        pause = _PIECE
        while True:
            if self.at >= pause:
                pause = self.at + _PIECE
                yield
            letter = self._peek()
            wrong = None
            if letter in b"/#" and self.text[self.at : self.at + 2] in (b"//", b"/*", b"# "):
                wrong = "JSON has no comments; remove this one"
            elif wanted == "separator":
                if not open_brackets:
                    if self.at == len(self.text):
                        return None
                    wrong = "nothing more was expected here"
                elif letter == open_brackets[-1]:
                    self.at += 1
                    open_brackets.pop()
                    self.keys.pop()
                elif letter in b",":
                    self.at += 1
                    if self._peek() == open_brackets[-1]:
                        wrong = "one comma too many before this %s" % chr(open_brackets[-1])
                    wanted = "key" if open_brackets[-1] in b"}" else "value"
                else:
                    wrong = "a comma or %s was expected here" % chr(open_brackets[-1])
            elif letter in b'"':
                start = self.at
                if not self._pass_plain_text():
                    wrong = yield from self._pass_text()
                if wanted == "key":
                    wrong = wrong or self._end_key(start)
                    wanted = "value"
                else:
                    wanted = "separator"
            elif wanted == "key":
                wrong = 'a key in straight "..." was expected here'
            elif letter in b"{[":
                if len(open_brackets) == _MAX_DEPTH:
                    return self.at, "too many brackets in brackets"
                self.at += 1
                open_brackets.append(letter + 2)  # in ASCII, of both pairs
                self.keys.append(set())
                if self._peek() == open_brackets[-1]:
                    wanted = "separator"
                elif letter in b"{":
                    wanted = "key"
            else:
                wrong = self._pass_word()
                wanted = "separator"
            if wrong is not None:
                return self.at, wrong
