"""Words of ``doctor``: what is found, and the cure for what is off."""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

TABLE: Mapping[str, Bilingual] = {
    "versions": Bilingual("版本", "Versions"),
    "backend": Bilingual("后端", "Backend"),
    "progress": Bilingual("进度", "Progress"),
    "terminal": Bilingual("终端", "Terminal"),
    "questions": Bilingual("题库", "Questions"),
    "not-installed": Bilingual("没有安装", "not installed"),
    "no-file": Bilingual("还没有进度文件，答第一题时才建", "no progress file yet; the first rating makes it"),
    "file": Bilingual(
        "{file}：格式 {version}，{cards} 题，{reviews} 次评分，{bytes} 字节",
        "{file}: format {version}, questions: {cards}, ratings: {reviews}, bytes: {bytes}",
    ),
    "size": Bilingual("{columns} 列 {lines} 行", "{columns} columns, {lines} lines"),
    "no-terminal": Bilingual("标准输出不是终端", "stdout is no terminal"),
    "colours": Bilingual(
        "颜色 {colours}，编码 {encoding}，区域 {locale}",
        "colors {colours}, encoding {encoding}, locale {locale}",
    ),
    "ambiguous": Bilingual(
        "·、√、α 这类字符占一格还是两格，只有终端自己知道；若表格错位，请在终端设置里把“歧义宽度字符”设为窄",
        "whether signs such as · √ α take one cell or two only the terminal knows; if columns do not line up, set "
        "its ambiguous-width characters to narrow",
    ),
    "bank": Bilingual(
        "{questions} 道题（自带 {shipped}），{experiments} 个实验，{problems} 处错误",
        "questions: {questions} (shipped: {shipped}), experiments: {experiments}, faults: {problems}",
    ),
    "well": Bilingual("一切正常", "all is well"),
    # findings, with their cures
    "package-missing": Bilingual(
        "缺少 {package}：pip install --force-reinstall tformer-quiz",
        "{package} is missing: pip install --force-reinstall tformer-quiz",
    ),
    "backend-fails": Bilingual("后端载入不了：{reason}", "the backend cannot be loaded: {reason}"),
    "mlx-missing-on-mac": Bilingual(
        "这台 Mac 有 Apple 芯片却没有装 MLX：pip install mlx，就能用上 GPU",
        "this Mac has Apple silicon but no MLX: pip install mlx, and the GPU computes",
    ),
    "gpu-fails": Bilingual(
        "有 GPU，但 MLX 用不了它（{reason}），改用处理器",
        "MLX cannot use the GPU ({reason}); the CPU computes",
    ),
    "progress-trouble": Bilingual("{reason}", "{reason}"),
    "folder-not-writable": Bilingual(
        "{folder} 写不了，进度存不下来：改权限，或用 --data-dir 换一个文件夹",
        "{folder} cannot be written, so progress is not kept: change its permissions, or choose another folder "
        "with --data-dir",
    ),
    "set-aside": Bilingual(
        "以前有损坏的进度文件移到了一边：{files}；不再需要就可以删掉",
        "damaged progress files were moved aside earlier: {files}; delete them when you no longer need them",
    ),
    "open-to-others": Bilingual(
        "这台机器上的其他人能读或写：{files}；chmod -R go-rwx 加上路径 {folder}，就只有你自己能用",
        "others on this machine may read or write: {files}; chmod -R go-rwx on {folder} keeps them yours alone",
    ),
    "ahead": Bilingual(
        "有 {count} 次评分的日期在今天之后：那时时钟不准，这些题会很晚才再问；tformer-quiz restore 列出之前的备份",
        "ratings dated after today: {count}; the clock was wrong then, and their questions come back late. "
        "tformer-quiz restore lists the backups from before",
    ),
    "left-waiting": Bilingual(
        "有 {count} 处改动先前没能写进进度文件，记在它旁边；下次启动补上",
        "changes that could not be written to the progress file, kept beside it: {count}; the next start writes them",
    ),
    "running": Bilingual(
        "程序正开着 {count} 份，用的是同一份进度；可以并用，两边的评分都会留下",
        "copies of the program running on this progress now: {count}; that is safe, the ratings of all are kept",
    ),
    "log": Bilingual(
        "{log} 记着以前的意外错误；报告问题时请附上",
        "{log} has errors met earlier; attach it to a bug report",
    ),
    "terminal-small": Bilingual(
        "终端只有 {size}，界面要 {columns} x {lines} 才舒展；拉大窗口，或用 --plain",
        "the terminal is {size}; the screens need {columns} x {lines}: enlarge the window, or use --plain",
    ),
    "terminal-dumb": Bilingual(
        "TERM={term}，画不了界面：换一个终端，或用 --plain",
        "TERM={term} cannot show screens: use another terminal, or --plain",
    ),
    "few-colours": Bilingual(
        "终端只报告了 {colours} 色，热力图会粗一些；若它支持真彩色，设 COLORTERM=truecolor",
        "the terminal tells of {colours} colors only, so heatmaps are coarse; if it has more, set COLORTERM=truecolor",
    ),
    "encoding": Bilingual(
        "输出编码是 {encoding}，中文会显示成问号：设 PYTHONUTF8=1，或把区域设为 UTF-8",
        "output is encoded as {encoding}, which cannot show Chinese: set PYTHONUTF8=1, or a UTF-8 locale",
    ),
    "questions-unreadable": Bilingual("{reason}", "{reason}"),
    "questions-faulty": Bilingual(
        "题目文件有 {count} 处错误：tformer-quiz check 逐条列出",
        "faults in the questions: {count}; tformer-quiz check lists them",
    ),
}
