"""A drawing of dots, two wide and four high in each cell; each cell knows the lines that were drawn there.

Braille signs are one cell wide in every terminal, unlike line drawing, which some Chinese set-ups make two wide.
"""

from __future__ import annotations

# Bit of a dot by its column and row within a cell (Unicode 16, chapter 21.1).
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
DOTS_WIDE, DOTS_HIGH = 2, 4


class Braille:
    """``width`` x ``height`` cells. Dots are counted from the top left corner."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._bits = [[0] * width for _ in range(height)]
        self.owners: list[list[list[int]]] = [[[] for _ in range(width)] for _ in range(height)]

    def dot(self, x: int, y: int, owner: int) -> None:
        """One dot; outside the drawing it is not drawn."""
        column, row = x // DOTS_WIDE, y // DOTS_HIGH
        if 0 <= column < self.width and 0 <= row < self.height:
            self._bits[row][column] |= _BITS[x % DOTS_WIDE][y % DOTS_HIGH]
            if owner not in self.owners[row][column]:
                self.owners[row][column].append(owner)

    def line(self, start: tuple[int, int], end: tuple[int, int], owner: int) -> None:
        """A straight line of dots (Bresenham 1965)."""
        (x, y), (to_x, to_y) = start, end
        across, down = abs(to_x - x), -abs(to_y - y)
        step_x, step_y = (1 if x < to_x else -1), (1 if y < to_y else -1)
        error = across + down
        while True:
            self.dot(x, y, owner)
            if (x, y) == (to_x, to_y):
                return
            doubled = 2 * error
            if doubled >= down:
                error += down
                x += step_x
            if doubled <= across:
                error += across
                y += step_y

    def sign(self, column: int, row: int) -> str:
        """The sign in a cell; a blank where there is no dot."""
        bits = self._bits[row][column]
        return chr(0x2800 + bits) if bits else " "
