"""Errors of the program itself: the command line, the knobs, the progress file."""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

TABLE: Mapping[str, Bilingual] = {
    # the command line
    "unknown-command": Bilingual(
        "没有 {given} 这个子命令{hint}。子命令有：{known}", "there is no subcommand {given}{hint}. There is: {known}"
    ),
    "unknown-option": Bilingual(
        "{command} 没有 {given} 这个选项{hint}。选项有：{known}",
        "{command} has no option {given}{hint}. It has: {known}",
    ),
    "option-needs-value": Bilingual("{option} 后面要跟一个值：{usage}", "{option} needs a value: {usage}"),
    "option-takes-no-value": Bilingual("{option} 后面不带值", "{option} takes no value"),
    "too-many-arguments": Bilingual("{command} 用不上 {given}：{usage}", "{command} cannot take {given}: {usage}"),
    "argument-missing": Bilingual("{command} 还缺 {name}：{usage}", "{command} needs {name}: {usage}"),
    "not-one-of": Bilingual(
        "{option} 只能是 {known} 之一，给的却是 {given}{hint}", "{option} takes one of {known}; got {given}{hint}"
    ),
    "seed-not-whole": Bilingual("{option} 要一个整数，给的却是 {given}", "{option} takes a whole number; got {given}"),
    "setting-without-value": Bilingual(
        "--set 要写成 旋钮=值，给的却是 {given}，例如 --set d_k=64",
        "--set takes KNOB=VALUE, as --set d_k=64; got {given}",
    ),
    "falsify-without-run": Bilingual(
        "--falsify 要和 --run 一起用：先跑起来，才能证伪",
        "--falsify goes with --run: nothing can be broken before it runs",
    ),
    "unknown-question": Bilingual(
        "题库里没有 {name}{hint}。tformer-quiz list 列出所有题目",
        "there is no question {name}{hint}. tformer-quiz list shows them all",
    ),
    "answer-empty": Bilingual(
        "标准输入里没有回答；这样用：tformer-quiz mark 编号 < 回答.txt",
        "there is no answer on stdin; as in: tformer-quiz mark ID < answer.txt",
    ),
    "answer-too-long": Bilingual(
        "回答超过 {limit:,} 字节；请只给一个回答", "the answer is longer than {limit:,} bytes; give one answer"
    ),
    "answer-not-utf-8": Bilingual(
        "回答不是 UTF-8 编码（第 {place} 个字节是 {byte}）；请另存为 UTF-8",
        "the answer is not UTF-8 (byte {place} is {byte}); save it as UTF-8",
    ),
    "unknown-experiment": Bilingual(
        "没有 {given} 这个实验{hint}。tformer-quiz lab 列出所有实验",
        "there is no experiment {given}{hint}. tformer-quiz lab lists them",
    ),
    "unknown-model": Bilingual(
        "没有 {given} 这个模型{hint}。自带的有：{known}；也可以给一个文件夹，或 Hugging Face 缓存里的名字"
        "（hf download {given} 之后）",
        "there is no model {given}{hint}. These ship: {known}; or give a folder, or a name in the Hugging Face cache "
        "(after hf download {given})",
    ),
    "model-too-large": Bilingual(
        "{path} 有 {parameters:,} 个参数，按 float32 算要 {needed:.1f} GB 内存，现在只空着 {free:.1f} GB；"
        "换一个小些的，或在内存更大的机器上看",
        "{path} has {parameters:,} parameters: in float32 they take {needed:.1f} GB, and {free:.1f} GB are free. Take "
        "a smaller one, or a machine with more memory",
    ),
    "look-shared-layers": Bilingual(
        "{path} 是 ALBERT：各层共用同一份权重，没法分开看；换一个每层各有权重的模型",
        "{path} is an ALBERT: its layers are one set of weights and cannot be looked at one by one; take another model",
    ),
    "look-empty-text": Bilingual(
        "文字是空的，没有可看的；写几个字", "there is nothing to look at in an empty text: give some words"
    ),
    "look-too-long": Bilingual(
        "这段文字有 {tokens} 个词元，所有头的注意力要占 {megabytes:,.0f} MB；最多约 {most} 个词元，请给短一些的",
        "the text has {tokens} tokens, and the attention of all heads would take {megabytes:,.0f} MB; give at most "
        "about {most} tokens",
    ),
    "look-no-layer": Bilingual(
        "{model} 没有第 {given} 层：{part} 共 {count} 层，0 到 {last}",
        "{model} has no layer {given}: {part} has {count}, 0 to {last}",
    ),
    "look-no-head": Bilingual(
        "第 {layer} 层没有头 {given}：共 {count} 个头，0 到 {last}",
        "layer {layer} has no head {given}: it has {count}, 0 to {last}",
    ),
    "look-no-token": Bilingual(
        "{option} {given} 超出了文字：共 {count} 个词元，0 到 {last}",
        "{option} {given} is beyond the text: it has {count} {count:token|tokens}, 0 to {last}",
    ),
    "look-no-attention": Bilingual(
        "{model} 没有这种注意力，也就没有层和头可看", "{model} has no such attention, and so no layers and heads"
    ),
    "look-off-form": Bilingual(
        "看不懂要关掉的 {given}：写成 层.头（1.0）或层（1），前面可以带 {parts} 之一（cross.1.0）",
        "cannot tell what {given} switches off: write LAYER.HEAD (1.0) or LAYER (1), after one of {parts} if need be "
        "(cross.1.0)",
    ),
    "look-writes-not": Bilingual(
        "{model} 不会续写：它只填 [MASK] 或只编码", "{model} does not write: it fills in [MASK], or encodes"
    ),
    "look-option-of-generate": Bilingual("{option} 要和 --generate 一起用", "{option} goes with --generate"),
    "look-option-not-of-generate": Bilingual(
        "{option} 不能和 --generate 一起用", "{option} does not go with --generate"
    ),
    "look-beams-and-temperature": Bilingual(
        "束搜索不抽样：--beams 和 --temperature 只能给一个",
        "beams search and draw nothing: give --beams or --temperature",
    ),
    "look-not-a-number": Bilingual("{option} 要一个数，给的却是 {given}", "{option} takes a number; got {given}"),
    "look-no-part": Bilingual(
        "{model} 只有一种注意力，用不上 --part", "{model} has one kind of attention: it takes no --part"
    ),
    "unknown-task": Bilingual(
        "没有 {given} 这道手写题{hint}。tformer-quiz code 列出所有手写题",
        "there is no task {given}{hint}. tformer-quiz code lists them",
    ),
    "framework-not-installed": Bilingual(
        "这里没有装 {framework}；装上它，或改用 --framework numpy",
        "{framework} is not installed here; install it, or take --framework numpy",
    ),
    "framework-fails": Bilingual(
        "{framework} 加载不了：{reason}。改用 --framework numpy 试试",
        "{framework} does not load: {reason}. Try --framework numpy",
    ),
    "code-unreadable": Bilingual("读不了 {path}：{reason}", "cannot read {path}: {reason}"),
    "code-not-a-file": Bilingual(
        "{path} 不是普通文件；给一个 Python 文件", "{path} is no regular file; give a Python file"
    ),
    "code-too-long": Bilingual(
        "{path} 超过 {limit:,} 字节；只给要判的那个函数",
        "{path} is longer than {limit:,} bytes; give the function alone",
    ),
    "save-png": Bilingual(
        "存 PNG 需要 Pillow：pip install 'tformer-quiz[png]'；SVG、HTML、CSV 什么都不需要",
        "saving as PNG needs Pillow: pip install 'tformer-quiz[png]'; SVG, HTML and CSV need nothing",
    ),
    "save-png-font": Bilingual(
        "存 PNG 需要带中文的字体，这台机器上没找到；请存成 SVG 或 HTML",
        "saving as PNG needs a font with Chinese, and none was found on this machine; save as SVG or HTML",
    ),
    "unknown-suffix": Bilingual(
        "不知道怎样写 {given}：文件名要以 {known} 之一结尾",
        "cannot tell what to write to {given}: end its name in one of {known}",
    ),
    "needs-experiment": Bilingual(
        "{option} 要一个实验的名字：tformer-quiz lab 名字 {option} …",
        "{option} needs an experiment: tformer-quiz lab NAME {option} …",
    ),
    "unknown-step": Bilingual(
        "没有 {given} 这一步{hint}。lab 名字 --steps 列出全部",
        "there is no step {given}{hint}. lab NAME --steps lists all",
    ),
    "not-a-cell": Bilingual(
        "看不懂 {given}：写成 路径[i,j,…]，每条轴一个从 0 数起的整数，如 scores[0,0,2,3]",
        "cannot read {given}: write PATH[i,j,…], a whole number from 0 for each axis, as scores[0,0,2,3]",
    ),
    "cell-outside": Bilingual(
        "{path} 里没有 {given} 这一格：它的轴是 {axes}，形状 {shape}，从 0 数起",
        "{path} has no cell {given}: its axes are {axes}, its shape {shape}, counted from 0",
    ),
    "cell-not-made": Bilingual(
        "没有记下 {path} 怎么来的：它是输入，或被换成了别的",
        "nothing is recorded of how {path} was made: it is an input, or was replaced",
    ),
    "no-access": Bilingual("用不了 {path}：{reason}", "cannot use {path}: {reason}"),
    "cannot-write": Bilingual("写不了 {path}：{reason}", "cannot write {path}: {reason}"),
    "unknown-topic": Bilingual(
        "没有 {given} 这个话题{hint}。话题有：{known}", "there is no topic {given}{hint}. There is: {known}"
    ),
    "unknown-backup": Bilingual(
        "没有 {given} 这个备份{hint}。备份有：{known}", "there is no backup {given}{hint}. There is: {known}"
    ),
    "not-sqlite": Bilingual("不是 SQLite 文件", "it does not begin as a SQLite file does"),
    "lacking": Bilingual("缺少 {missing}", "these are missing: {missing}"),
    "verdict": Bilingual("SQLite 查出：{verdict}", "SQLite finds: {verdict}"),
    "backup-damaged": Bilingual("{path} 损坏：{reason}", "{path} is damaged: {reason}"),
    "cannot-back-up": Bilingual(
        "备份写不进 {folder}：{reason}。什么都没改",
        "the backup cannot be written to {folder}: {reason}. Nothing was changed",
    ),
    "import-unreadable": Bilingual("读不了 {path}：{reason}", "cannot read {path}: {reason}"),
    "import-too-large": Bilingual("{path} 太大：最多 {most} MB", "{path} is too large: {most} MB at most"),
    "import-too-many": Bilingual(
        "{path} 里大约有 {count:,} 个值，太多了：最多读 {most:,} 个",
        "{path} holds about {count:,} values, which is too many: {most:,} are read at most",
    ),
    "not-a-file": Bilingual(
        "不是普通文件；给一个 export 写出的 .json，或 Anki 的 .apkg",
        "it is no regular file; give the .json that export wrote, or Anki's .apkg",
    ),
    "not-utf8": Bilingual("不是 UTF-8 编码", "it is not UTF-8"),
    "not-json": Bilingual("不是合格的 JSON", "it is not JSON"),
    "not-format": Bilingual("里面没有写 format: {format}", "it does not say format: {format}"),
    "not-a-part": Bilingual("里面有一项缺了或不对（{what}）", "a part of it is missing or wrong ({what})"),
    "import-not-ours": Bilingual(
        "{path} 不是 export 文件.json 写出来的：{reason}", "{path} is not what export FILE.json writes: {reason}"
    ),
    "import-not-anki": Bilingual(
        "{path} 不是 Anki 的牌组包，或者坏了；在 Anki 里连同学习进度重新导出一次",
        "{path} is no package or collection of Anki's, or is damaged: export it from Anki again, with its scheduling",
    ),
    "import-anki-new": Bilingual(
        "{path} 是 Anki 的新格式，这里读不了；在 Anki 里导出时勾选“兼容旧版 Anki”再来一次",
        "{path} is in Anki's newest format, which cannot be read here: export it again with "
        "'Support older Anki versions' ticked",
    ),
    "import-version": Bilingual(
        "{path} 是第 {version} 版的，本程序只认第 {ours} 版",
        "{path} is of version {version}; this program reads version {ours}",
    ),
    "empty-argument": Bilingual(
        "{where} 是空的；要么给一个值，要么去掉", "{where} is empty: give a value, or leave it out"
    ),
    "path-too-long": Bilingual("路径太长：{path}…", "the path is too long: {path}…"),
    "not-a-path": Bilingual(
        "{path} 不能是路径：里面有不许出现的字符", "{path} is no path: it holds a character that none may"
    ),
    "no-such-user": Bilingual("没有 {user} 这个用户：{path}", "there is no user {user}: {path}"),
    "file-exists": Bilingual(
        "{path} 已经有了，没有动它；要盖掉它就加 --force", "{path} exists and was left alone; --force writes over it"
    ),
    "not-between": Bilingual(
        "{option} 要 {least} 到 {most} 之间的整数，给的却是 {given}",
        "{option} takes a whole number from {least} to {most}; got {given}",
    ),
    "needs-genanki": Bilingual(
        "写 .apkg 要用 genanki：pip install 'tformer-quiz[anki]'；也可以写成 .txt，Anki 同样能导入",
        "an .apkg needs genanki: pip install 'tformer-quiz[anki]'; or write a .txt, which Anki imports too",
    ),
    "needs-serve": Bilingual(
        "serve 要用 textual-serve：pip install 'tformer-quiz[serve]'",
        "serve needs textual-serve: pip install 'tformer-quiz[serve]'",
    ),
    "serve-not-local": Bilingual(
        "{host} 不只是本机：网络上的人也能打开。确实要这样，再加 --allow-network",
        "{host} is not this machine alone: others on the network could open it. If that is meant, add --allow-network",
    ),
    "serve-cannot-listen": Bilingual(
        "{host} 的端口 {port} 用不了：{reason}；换一个 --port，0 是随便哪个空的",
        "cannot listen on {host}, port {port}: {reason}; choose another --port (0: any that is free)",
    ),
    "no-interview": Bilingual(
        "还没有完成过的面试；tformer-quiz interview 开始一场",
        "no interview has been finished yet; tformer-quiz interview begins one",
    ),
    "not-a-day": Bilingual(
        "{option} 要一个日期，如 2026-12-05，或“无”；给的却是 {given}",
        "{option} takes a day, as 2026-12-05, or none; got {given}",
    ),
    "unknown-setting": Bilingual(
        "没有 {given} 这个设置{hint}。设置有：{known}", "there is no setting {given}{hint}. There is: {known}"
    ),
    "no-editor": Bilingual(
        "没有设 $EDITOR，或这里开不了编辑器；用你自己的编辑器打开 {path}",
        "no $EDITOR, or it cannot be opened here; open {path} in your own editor",
    ),
    "editor-not-started": Bilingual(
        "打不开编辑器 {editor}：{reason}；请改 $EDITOR，或用别的编辑器打开 {path}",
        "the editor {editor} does not start: {reason}; set $EDITOR to another, or open {path} in one yourself",
    ),
    "editor-failed": Bilingual(
        "编辑器 {editor} 出错退出（退出码 {status}）", "the editor {editor} ended with status {status}"
    ),
    "setting-not-taken": Bilingual("{name} 不能是 {given}，应为 {takes}", "{name} cannot be {given}; it takes {takes}"),
    "output-fails": Bilingual("输出写不出去：{reason}", "cannot write to the output: {reason}"),
    "unreadable-questions": Bilingual(
        "读不了 --questions {path}：{reason}", "cannot read --questions {path}: {reason}"
    ),
    # the knobs of an experiment
    "knob-unknown": Bilingual(
        "实验 {experiment} 没有 {knob} 这个旋钮{hint}。旋钮有：{known}",
        "experiment {experiment} has no knob {knob}{hint}. It has: {known}",
    ),
    "knob-not-switch": Bilingual(
        "旋钮 {knob} 只能是 true 或 false，给的却是 {given!r}", "knob {knob} takes {wanted}; got {given!r}"
    ),
    "knob-not-text": Bilingual(
        "旋钮 {knob} 要一段文字，给的却是 {given!r}", "knob {knob} takes {wanted}; got {given!r}"
    ),
    "knob-not-choice": Bilingual(
        "旋钮 {knob} 只能是 {choices} 之一，给的却是 {given!r}", "knob {knob} takes {wanted}; got {given!r}"
    ),
    "knob-too-long": Bilingual(
        "旋钮 {knob} 的文字太长：最多 {max_length} 个字符", "knob {knob} takes {wanted}; got {given}"
    ),
    "knob-not-number": Bilingual(
        "旋钮 {knob} 要 {minimum:g} 到 {maximum:g} 之间的数，给的却是 {given!r}",
        "knob {knob} takes {wanted}; got {given!r}",
    ),
    "knob-out-of-range": Bilingual(
        "旋钮 {knob} 只能取 {minimum:g} 到 {maximum:g}，给的却是 {given!r}", "knob {knob} takes {wanted}; got {given!r}"
    ),
    "knob-not-whole": Bilingual(
        "旋钮 {knob} 要 {minimum:g} 到 {maximum:g} 之间的整数，给的却是 {given!r}",
        "knob {knob} takes {wanted}; got {given!r}",
    ),
    # the progress file
    "progress-newer": Bilingual(
        "{path} 由更新版本的程序写成（格式 {version}，本程序只认到 {ours}）。"
        "请升级程序，或用 --data-dir 换一个文件夹；文件原封未动",
        "{path} was written by a newer version of the program (format {version}; this one reads up to {ours}). "
        "Update the program, or choose another folder with --data-dir; the file has been left as it is",
    ),
    "progress-foreign": Bilingual(
        "{path} 是别的程序的 SQLite 文件，没有动它；请用 --data-dir 换一个文件夹",
        "{path} is a SQLite file of another program and was left alone; choose another folder with --data-dir",
    ),
    "progress-busy": Bilingual(
        "{path} 被另一个程序锁住超过 {seconds:g} 秒；请关掉它，或稍后再试",
        "{path} has been locked by another program for {seconds:g} s; close that one or try again",
    ),
    "progress-locked": Bilingual(
        "{path} 被 {holder} 锁住超过 {seconds:g} 秒；请关掉它，或稍后再试",
        "{path} has been locked by {holder} for {seconds:g} s; close that one or try again",
    ),
    "progress-unusable": Bilingual(
        "读写不了 {path}：{reason}；此前评过的分都在",
        "cannot read or write {path}: {reason}; every rating before this is kept",
    ),
    "progress-unwritable": Bilingual("写不了 {path}：{reason}", "cannot write {path}: {reason}"),
    "progress-gone": Bilingual(
        "程序运行时，{path} 被删除、改名或换成了别的文件；评过的分都还在",
        "{path} was removed, renamed or replaced while the program was running; every rating is kept",
    ),
    "progress-not-undoable": Bilingual(
        "撤销不了：{question} 之前的状态在文件里已损坏",
        "cannot undo: what {question} was before cannot be read any more",
    ),
    "progress-changed": Bilingual(
        "撤销不了：同时运行的另一个程序已经改动了 {question}",
        "cannot undo: {question} has been changed by another running copy of the program since",
    ),
    "progress-damaged": Bilingual(
        "{path} 损坏（{reason}）；下次启动时会把它原样移到一边，从新文件开始",
        "{path} is damaged ({reason}); the next start moves it aside, whole, and begins a new one",
    ),
    # notices, not errors: the program goes on
    "progress-set-aside": Bilingual(
        "进度文件损坏（{reason}），已原样移到 {aside}，现在从一个新文件开始",
        "the progress file is damaged ({reason}); it was moved, whole, to {aside}, and a new one was begun",
    ),
    "progress-not-kept": Bilingual(
        "写不了 {folder}（{reason}）：这次的进度不会保存。可用 --data-dir 换一个文件夹",
        "cannot write {folder} ({reason}): nothing of this session will be kept. --data-dir chooses another folder",
    ),
    "progress-rows-set-aside": Bilingual(
        "进度文件里有 {count} 行读不出来（{tables}）。整个文件已另存为 {aside}，其余的照常使用",
        "rows of the progress file that cannot be read: {count} ({tables}). The whole file was copied to {aside}; "
        "all the rest is used as before",
    ),
    "progress-waiting": Bilingual(
        "等着写入（{count} 处改动都留着，一能写就补上）：{reason}",
        "waiting to write (changes kept until then: {count}): {reason}",
    ),
    "progress-left-waiting": Bilingual(
        "还有 {count} 处改动没能写进进度文件，都记在它旁边，下次启动补上：{reason}",
        "not yet in the progress file, kept beside it and written by the next start (changes: {count}): {reason}",
    ),
    "progress-unreadable": Bilingual(
        "读不了 {folder} 里的进度：{reason}", "cannot read the progress in {folder}: {reason}"
    ),
    "progress-left-elsewhere": Bilingual(
        "还有 {count} 处改动没能写进进度文件（{reason}），都记在 {kept}；把它挪到 {folder} 里，下次启动补上",
        "not yet in the progress file (changes: {count}): {reason}. They are kept in {kept}; move that into {folder}, "
        "and the next start writes them",
    ),
    "progress-left-lost": Bilingual(
        "有 {count} 处改动没能写进进度文件，也没有别处可写，就此没有了：{reason}",
        "lost, for neither the progress file nor any other place could be written (changes: {count}): {reason}",
    ),
    "progress-written": Bilingual(
        "先前没写进去的 {count} 处改动已写入 {path}", "changes that had to wait are now written to {path}: {count}"
    ),
    "progress-made-anew": Bilingual(
        "{path} 不见了；已把全部进度重新写到那里", "{path} had gone; all progress was written there again"
    ),
    "progress-replaced": Bilingual(
        "{path} 被换成了别的文件；这次的改动已补写进去",
        "{path} was replaced by another file; what was done in this sitting has been added to it",
    ),
    "unexpected": Bilingual(
        "程序出了意料之外的错（{kind}：{reason}）。详情记在 {log}；已评的分都已保存",
        "the program met an error it did not expect ({kind}: {reason}). Details are in {log}; every rating is kept",
    ),
    "unexpected-unlogged": Bilingual(
        "程序出了意料之外的错（{kind}：{reason}），{place}；日志也写不了（{log}）",
        "the program met an error it did not expect ({kind}: {reason}) at {place}; its log cannot be written ({log})",
    ),
}
