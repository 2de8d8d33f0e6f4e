"""The words of the program, in Chinese and English.

A module here is a group of words: its ``TABLE`` gives a name its ``Bilingual``, with ``{fields}`` in the manner of
``str.format``. ``tui.language.words.words("quiz.due", language)`` finds ``due`` in ``quiz``. Every entry has both
languages and the same fields in both (a test holds it); only errors raised elsewhere in English need nothing but
the Chinese.
"""
