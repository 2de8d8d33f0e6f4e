"""The program. Textual reads this variable once, when it is first imported: kitty's keyboard protocol, which Textual
pushes also where input methods then lose Chinese (iTerm2, VS Code, WezTerm), is left alone. No key here needs it."""

import os

os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")
