"""Files that do harm or nothing: what each has to be called, and the line (None: there is none to tell)."""

from __future__ import annotations

GOOD = """\
import numpy as np


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
"""

HOSTILE: dict[str, tuple[str, str, int | None]] = {
    "empty": ("", "missing", None),
    "syntax": ("def softmax(x, axis=-1:\n    return x\n", "syntax", 1),
    "indentation": ("def softmax(x, axis=-1):\nreturn x\n", "syntax", 2),
    "null-bytes": ("def softmax(x):\n    return '\x00'\n", "syntax", None),
    "missing-function": ("def soft_max(x, axis=-1):\n    return x\n", "missing", None),
    "not-a-function": ("softmax = 3\n", "missing", None),
    "other-signature": ("import numpy as np\n\ndef softmax(x):\n    return x\n", "signature", 3),
    "missing-import": ("import numpy as np\nimport nonexistent_package\n", "import", 2),
    "missing-name": ("from numpy import soft_max\n", "import", 1),
    "raises": ("def softmax(x, axis=-1):\n    y = x\n    return y.nothing()\n", "exception", 3),
    "raises-at-import": ("1 / 0\n", "exception", 1),
    "own-exception": (
        "class Odd(BaseException):\n    def __str__(self):\n        raise ValueError\n"
        "def softmax(x, axis=-1):\n    raise Odd\n",
        "exception",
        5,
    ),
    "returns-none": ("def softmax(x, axis=-1):\n    x + 1\n", "none", 1),
    "returns-list": ("def softmax(x, axis=-1):\n    return x.tolist()\n", "type", 2),
    "returns-tuple": ("def softmax(x, axis=-1):\n    return x, x\n", "type", 2),
    "returns-generator": ("def softmax(x, axis=-1):\n    yield x\n", "type", 1),
    "returns-a-string": ("def softmax(x, axis=-1):\n    return 'x' * 10_000_000\n", "type", 2),
    "returns-itself": ("def softmax(x, axis=-1):\n    a = []\n    a.append(a)\n    return a\n", "type", 4),
    "other-dtype": (GOOD.replace("(x - x", "(x.astype('float64') - x"), "dtype", 6),
    "object-array": ("import numpy as np\ndef softmax(x, axis=-1):\n    return x.astype(object)\n", "type", 3),
    "other-shape": ("def softmax(x, axis=-1):\n    return x[:1]\n", "shape", 2),
    "huge-array": (
        "import numpy as np\ndef softmax(x, axis=-1):\n    return np.zeros((40_000_000,), 'int8')\n",
        "type",
        3,
    ),
    "nan": ("def softmax(x, axis=-1):\n    y = x * float('nan')\n    return y + 1\n", "nan", 2),
    "changes-argument": (GOOD.replace("    e =", "    x -= x.max(axis=axis, keepdims=True)\n    e ="), "changed", 5),
    "changes-through-a-view": (
        "def softmax(x, axis=-1):\n    y = x.reshape(-1)\n    y[0] = 7\n    return x\n",
        "changed",
        3,
    ),
    "waits-for-input": ("def softmax(x, axis=-1):\n    name = input('who? ')\n    return x\n", "input", 2),
    "waits-at-import": ("answer = input()\n", "input", 1),
    "sleeps": ("import time\ndef softmax(x, axis=-1):\n    time.sleep(3600)\n", "time", 3),
    "endless": ("def softmax(x, axis=-1):\n    while True:\n        pass\n", "time", None),
    "endless-at-import": ("while True:\n    pass\n", "time", None),
    "endless-and-deaf": (
        "def softmax(x, axis=-1):\n    while True:\n        try:\n            while True: pass\n"
        "        except BaseException: pass\n",
        "time",
        None,
    ),
    "endless-in-c": ("def softmax(x, axis=-1):\n    return sum(iter(int, 1))\n", "time", 2),
    "writes": (
        "def softmax(x, axis=-1):\n    open('left-behind.txt', 'w').write('x')\n    return x\n",
        "refused-files",
        2,
    ),
    "writes-elsewhere": ("import os\nfd = os.open('/tmp/left-behind', os.O_CREAT | os.O_WRONLY)\n", "refused-files", 2),
    "makes-a-folder": ("import os\nos.mkdir('/tmp/left-behind')\n", "refused-files", 2),
    "deletes": ("import shutil\nshutil.rmtree('/nonexistent/place')\n", "refused-files", 2),
    "saves-an-array": ("import numpy as np\nnp.save('x.npy', np.zeros(3))\n", "refused-files", 2),
    "reads-home": ("import os\nopen(os.path.join(os.sep, 'root', '.profile')).read()\n", "refused-reads", 2),
    "forks": ("import os\ndef softmax(x, axis=-1):\n    os.fork()\n    return x\n", "refused-processes", 3),
    "starts-a-shell": ("import os\nos.system('echo hello')\n", "refused-processes", 2),
    "starts-a-process": ("import subprocess\nsubprocess.run(['echo', 'hello'])\n", "refused-processes", 2),
    "starts-workers": (
        "import multiprocessing\np = multiprocessing.get_context('spawn').Process(target=print)\np.start()\n",
        "refused-processes",
        3,
    ),
    "kills-its-parent": ("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n", "refused-signals", 2),
    "connects": ("import socket\nsocket.create_connection(('127.0.0.1', 9))\n", "refused-network", 2),
    "takes-memory": (
        "def softmax(x, axis=-1):\n    kept = []\n    while True:\n        kept.append(bytearray(40_000_000))\n",
        "memory",
        None,
    ),
    "takes-memory-at-once": ("def softmax(x, axis=-1):\n    return b'x' * (6 << 30)\n", "memory", 2),
    "asks-for-too-much": ("import numpy as np\nx = np.ones(10**15)\n", "memory", 2),
    "prints": ("def softmax(x, axis=-1):\n    for i in range(10**9):\n        print('x' * 100)\n", "printed", None),
    "prints-at-once": ("print('x' * 100_000_000)\n", "printed", 1),
    "prints-to-stderr": ("import sys\nfor i in range(10**9): sys.stderr.write('x' * 1000)\n", "printed", None),
    "exits": ("import sys\ndef softmax(x, axis=-1):\n    sys.exit(0)\n", "exit", 3),
    "exits-at-import": ("exit()\n", "exit", 1),
    "exits-at-once": ("import os\nos._exit(0)\n", "exit", 2),
    "aborts": ("import os\ndef softmax(x, axis=-1):\n    os.abort()\n", "exit", 3),
    "crashes": ("import ctypes\ndef softmax(x, axis=-1):\n    ctypes.string_at(0)\n", "crash", 3),
    "never-returns-from-c": ("def f():\n    return f()\ndef softmax(x, axis=-1):\n    return f()\n", "exception", 2),
    "closes-everything": ("import os\nos.closerange(3, 100)\n", "ended", None),
    "writes-nonsense": (
        "import os\nfor fd in range(3, 20):\n    try:\n        os.write(fd, b'\\xff' * 64)\n    except OSError: pass\n",
        "",
        None,
    ),
    "changes-numpy": (
        "import numpy as np\nnp.ndarray = None\nnp.exp = np.array = np.asarray = None\n",
        "missing",
        None,
    ),
    "changes-builtins": (
        "import builtins, json\ndef softmax(x, axis=-1):\n    builtins.len = builtins.type = None\n"
        "    json.dumps = None\n    return x\n",
        "",
        None,
    ),
    "threads": (
        "import threading\ndef f():\n    while True: pass\nthreading.Thread(target=f).start()\n"
        "def softmax(x, axis=-1):\n    return x * 0\n",
        "values",
        None,
    ),
    "deaf-to-signals": (
        "import signal\nfor number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:\n"
        "    signal.signal(number, signal.SIG_IGN)\nwhile True: pass\n",
        "time",
        None,
    ),
    "opens-a-database": ("import sqlite3\nsqlite3.connect('/tmp/left-behind')\n", "refused-files", 2),
    "escapes": ("raise ValueError('\\x1b]0;title\\x07\\u202e')\n", "exception", 1),
}
