"""``--help``: what each subcommand does, by example."""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

TABLE: Mapping[str, Bilingual] = {
    "program": Bilingual(
        """\
tformer-quiz：Transformer 面试题，每个数字都当场实测。

用法：tformer-quiz [选项] [子命令]

  tformer-quiz                           打开练习界面；上次停在哪里就从哪里继续
  tformer-quiz list                      列出所有题目，一行一道
  tformer-quiz show sqrt-dk              看一道题：题面、答案、要点、出处
  tformer-quiz ask                       在命令行里答下一道题
  tformer-quiz interview                 模拟面试：限时、追问、最后有报告
  tformer-quiz lab                       列出所有实验和它们的旋钮
  tformer-quiz lab scaling --set d_k=64  拧旋钮、跑实验、用文字画出来
  tformer-quiz look dates                看进训练好的模型：头、层、预测、生成
  tformer-quiz check my.yaml --run       校验题目文件，并实跑其中每个实验
  tformer-quiz stats                     到期多少、掌握了多少
  tformer-quiz export progress.csv       导出进度（.csv .json .md）或 Anki 牌组
                                         （.txt）
  tformer-quiz import progress.json      并入别处导出的进度
  tformer-quiz restore                   每天自动留下的备份，以及怎样恢复
  tformer-quiz settings                  每天几道新题、面试日期等设置
  tformer-quiz code softmax my.py        手写一个组件，判对错，指出错在哪里
  tformer-quiz mark sqrt-dk < 回答.txt   一份回答说到了哪些要点，凭哪几个字
  tformer-quiz serve                     在浏览器里用同一个程序（只限本机）
  tformer-quiz doctor                    哪里不对劲，怎么办

选项（写在子命令前后都行）：
  --lang zh|en                中文或英文；不写则用上次选的
  --backend auto|mlx|numpy    用什么来算；auto 在有 GPU 时用 MLX，否则用 NumPy
  --data-dir 文件夹           进度存在哪里
  --questions 路径            再加一份自己的题目（文件或文件夹），可以写多次
  --seed 整数                 打乱出题顺序；同一个数，同一个顺序
  --topic 话题  --level 1|2|3  --source 出处  --kind open|code  --flagged
  --search 词
                              只练（或只列）这一部分；话题和难度可写多次
  --interview-on 日期         如 2026-12-05：新题按天均摊，最后两天再见一遍
  --plain                     不开界面，逐行问答（适合读屏软件和管道）
  --version                   版本号
  -h, --help                  帮助；tformer-quiz lab --help 看单个子命令

退出码：0 正常，1 有实测不成立，2 用法或输入有误，130 被中断。
""",
        """\
tformer-quiz: Transformer interview questions, every number measured live.

usage: tformer-quiz [options] [subcommand]

  tformer-quiz                           open the practice screen, where you
                                         last left it
  tformer-quiz list                      all questions, a line each
  tformer-quiz show sqrt-dk              one question: its answer, key points
                                         and sources
  tformer-quiz ask                       answer the next question, line by line
  tformer-quiz interview                 a mock interview: a clock, follow-ups,
                                         a report at its end
  tformer-quiz lab                       all experiments and their knobs
  tformer-quiz lab scaling --set d_k=64  turn a knob, run it, draw it as text
  tformer-quiz look dates                inside a trained model: heads, layers,
                                         predictions, generation
  tformer-quiz check my.yaml --run       validate a question file and run its
                                         experiments
  tformer-quiz stats                     what is due and what has been mastered
  tformer-quiz export progress.csv       progress (.csv .json .md), an Anki deck
                                         (.txt)
  tformer-quiz import progress.json      take in progress that was exported
                                         elsewhere
  tformer-quiz restore                   the backup of each day, and how to go
                                         back to it
  tformer-quiz settings                  new questions a day, the interview, and
                                         more
  tformer-quiz code softmax my.py        judge a component you wrote by hand
  tformer-quiz mark sqrt-dk < a.txt      which key points an answer says, and by
                                         which words
  tformer-quiz serve                     the same program in a local browser
  tformer-quiz doctor                    what is wrong here, and what to do

options (before or after the subcommand):
  --lang zh|en              Chinese or English; without it, the one last chosen
  --backend auto|mlx|numpy  what computes; auto is MLX where there is a GPU,
                            else NumPy
  --data-dir DIR            where progress is kept
  --questions PATH          add questions of your own (a file or a folder); may
                            be repeated
  --seed N                  shuffle the questions; the same number, the same
                            order
  --topic T  --level 1|2|3  --source S  --kind open|code  --flagged
  --search WORDS
                            study (or list) these alone; topics and levels may
                            be repeated
  --interview-on DAY        as 2026-12-05: new questions are spread over the
                            days left, each is seen again in the last two
  --plain                   no screen: ask line by line (screen readers, pipes)
  --version                 the version
  -h, --help                help; tformer-quiz lab --help is about lab alone

exit status: 0 well, 1 a check failed, 2 wrong usage, 130 interrupted.
""",
    ),
    "list": Bilingual(
        """\
用法：tformer-quiz list [--topic 话题] [--level N] [--source 出处]
                        [--kind open|code] [--flagged] [--search 词] [--json]

  tformer-quiz list                        一行一道：编号、话题、难度、题面
  tformer-quiz list --topic masking        一个话题
  tformer-quiz list --level 3 --search 掩码   难题里提到掩码的
  tformer-quiz list --flagged              标记过有误的
  tformer-quiz list --json | jq '.[].id'   给脚本用：id、source、topic、level、
                                           question、experiment、checks
  tformer-quiz list --questions mine/      连自己的题目一起列出
""",
        """\
usage: tformer-quiz list [--topic T] [--level N] [--source S]
                         [--kind open|code] [--flagged] [--search S] [--json]

  tformer-quiz list                       a line each: id, topic, level,
                                          question
  tformer-quiz list --topic masking       one topic
  tformer-quiz list --level 3 --search mask
                                          the hard ones that speak of masks
  tformer-quiz list --flagged             those flagged as wrong
  tformer-quiz list --json | jq '.[].id'  for scripts: id, source, topic, level,
                                          question, experiment, checks
  tformer-quiz list --questions mine/     your own questions among them
""",
    ),
    "show": Bilingual(
        """\
用法：tformer-quiz show 编号 [--json]

  tformer-quiz show sqrt-dk            题面、答案、要点、流传的误解、追问、出处
  tformer-quiz show sqrt-dk --lang en  英文
  tformer-quiz show sqrt-dk --json     与题目文件里写的一样
""",
        """\
usage: tformer-quiz show ID [--json]

  tformer-quiz show sqrt-dk                question, answer, key points,
                                           misconception, follow-ups, sources
  tformer-quiz show sqrt-dk --lang zh      in Chinese
  tformer-quiz show sqrt-dk --json         the item as its file has it
""",
    ),
    "ask": Bilingual(
        """\
用法：tformer-quiz ask [编号] [--topic 话题] [--level N] [--source 出处]
                       [--kind open|code] [--flagged] [--search 词]

  tformer-quiz ask                         答下一道到期的题，没有到期的就答新题
  tformer-quiz ask sqrt-dk                 答这一道
  tformer-quiz ask --topic bert --level 2  只在这些题里挑
  tformer-quiz ask --seed 7                打乱顺序再挑

输入回答，空行或单独一个 . 结束；看过答案后按 1 到 4 评分，u 撤销。
可以粘贴多行：粘贴里的空行不算结束，多出来的行也不会当成评分。
Ctrl-D 离开，评过的分都在。
""",
        """\
usage: tformer-quiz ask [ID] [--topic T] [--level N] [--source S]
                        [--kind open|code] [--flagged] [--search S]

  tformer-quiz ask           the next question that is due, else a new one
  tformer-quiz ask sqrt-dk   this one
  tformer-quiz ask --topic bert --level 2
                             one of these
  tformer-quiz ask --seed 7  pick from a shuffled order

Type an answer; an empty line or a single . ends it. After the answer, rate with
1 to 4, or u to undo. Several lines may be pasted: an empty one among them ends
nothing, and none of them is taken for a rating. Ctrl-D leaves; every rating is
kept.
""",
    ),
    "interview": Bilingual(
        """\
用法：tformer-quiz interview [--questions N] [--minutes N] [--topic 话题]
                             [--level N] [--report 文件 [--force]]
                             [--new | --last]

  tformer-quiz interview                 6 题、30 分钟；上次没完的接着来
  tformer-quiz interview --questions 4 --minutes 20 --topic attention --level 2
  tformer-quiz interview --report r.html 结束时写一份报告（.md，或带图的 .html）
  tformer-quiz interview --new           不接着上次的，另开一场
  tformer-quiz interview --last          再看上一场的报告（可加 --report）

多问到期的、记不牢的、上次没说到的；设了面试日期，就按那一天会忘多少来算。
答得好就往深处追问，答得单薄就换个角度问。口头回答由自己勾选要点。
只计答题的时间；时间到了，正在答的题可以答完。
整题按要点计入复习安排：不到三分之一或说了流传的误解是“重来”，不到六成是
“困难”，其余是“良好”；今天已经评过、还没到期的题不再计。
--questions 后面写数字是题数，写路径是题目文件。
""",
        """\
usage: tformer-quiz interview [--questions N] [--minutes N] [--topic T]
                              [--level N] [--report FILE [--force]]
                              [--new | --last]

  tformer-quiz interview                  6 questions in 30 minutes; one that
                                          you left is taken up again
  tformer-quiz interview --questions 4 --minutes 20 --topic attention --level 2
  tformer-quiz interview --report r.html  a report at its end (.md or .html, the
                                          latter with figures)
  tformer-quiz interview --new            another one instead of the one left
  tformer-quiz interview --last           the report of the last one again

Rather asked is what is due, weak, or was not said last time; with the day of
your interview set, what you would have forgotten by then. A good answer leads
to a deeper follow-up, a thin one aside. What you say aloud you mark yourself.
Only answering is timed, and what you have begun when time is up you may finish.
Whole questions count for the schedule, by key points: below a third, or with
the misconception, "again"; below 60 % "hard"; else "good". What was rated today
and is not due is not counted. --questions takes a number, or a question file.
""",
    ),
    "lab": Bilingual(
        """\
用法：tformer-quiz lab [实验] [--set 旋钮=值]... [--save 文件] [--json]

  tformer-quiz lab                                    列出实验、旋钮和取值范围
  tformer-quiz lab scaling                            按默认旋钮跑一次
  tformer-quiz lab scaling --set d_k=1024 --set seed=3   拧旋钮
  tformer-quiz lab scaling --save scaling.html        存成网页，也可存成别的
                                                      （.svg .png .csv .json）
  tformer-quiz lab attention-steps --steps            列出这次运行的每一步
  tformer-quiz lab attention-steps --cell "scores[0,0,2,3]"   把一格拆成求和
  tformer-quiz lab scaling --json | jq .checks        给脚本用

值的写法同 YAML 或 Python：64、0.5、1e-3、true、False、"文字"。
图画在标准输出；有实测不成立时退出码为 1。
""",
        """\
usage: tformer-quiz lab [NAME] [--set KNOB=VALUE]... [--save FILE] [--json]

  tformer-quiz lab          experiments, knobs, what they take
  tformer-quiz lab scaling  run one at its default knobs
  tformer-quiz lab scaling --set d_k=1024 --set seed=3
                            turn knobs
  tformer-quiz lab scaling --save scaling.html
                            a file: .html .svg .png .csv .json (--force
                            over another)
  tformer-quiz lab attention-steps --steps
                            every step of the run
  tformer-quiz lab attention-steps --cell "scores[0,0,2,3]"
                            a cell as the sum that made it
  tformer-quiz lab scaling --json | jq .checks
                            for scripts

A value is written as in YAML or Python: 64, 0.5, 1e-3, true, False, "a text".
Exit status 1 where a check fails.
""",
    ),
    "look": Bilingual(
        """\
用法：tformer-quiz look [模型 [文字 [第二段]]] [选项] [--save 文件] [--json]

  tformer-quiz look                         自带的模型
  tformer-quiz look dates 二〇二六年十一月二十三日   写到哪个字、看哪个字
  tformer-quiz look bert-mini "画蛇添[MASK]"    每层会填什么、哪个头要紧
  tformer-quiz look bert-mini "画蛇添[MASK]" --layer 1 --head 3 --off 1.3
  tformer-quiz look bert-mini "画蛇添[MASK]" "画龙点[MASK]"   两段比较
  tformer-quiz look dates 11月23日 --generate --beams 3   逐个词元生成
  tformer-quiz look 文件夹 "a text"         Hugging Face 的 BERT、RoBERTa、
                                            ModernBERT、GPT-2、Llama、T5、Marian

  --layer N --head N  看哪一层、哪个头（从 0 数）
  --part P            编码器-解码器里：cross（默认）、encoder、decoder
  --off L.H           关掉一个头（1.0）或一层（1），可写多次；
                      编码器-解码器里也写 cross.1.0、decoder.1
  --token N --key N   哪个词元的预测和查询、哪个键（从 0 数；不写则自动）
  --generate          生成：--temperature（0 是贪心）--top-k --top-p
                      --beams --length --seed

--json 的键：model kind backend text tokens target parts layers heads part layer
head off predictions lens views compared，生成时另有 generation。
""",
        """\
usage: tformer-quiz look [MODEL [TEXT [TEXT]]] [options] [--save FILE] [--json]

  tformer-quiz look                         the models that ship
  tformer-quiz look dates "23 Nov 2026"     cross-attention: where it looks
                                            while it writes
  tformer-quiz look bert-mini "the [MASK] of God"
                                            what each layer would fill in
  tformer-quiz look bert-mini "the [MASK] of God" --layer 1 --head 3 --off 1.3
  tformer-quiz look bert-mini "the [MASK] of God" "the [MASK] of man"
                                            two texts compared
  tformer-quiz look dates "11/23" --generate --beams 3
                                            token by token
  tformer-quiz look FOLDER "a text"         a folder, or a name in the HF cache:
                                            BERT, RoBERTa, ModernBERT, GPT-2,
                                            Llama, T5, Marian

  --layer N --head N  which head is shown, counted from 0
  --part P            of an encoder-decoder: cross (default), encoder, decoder
  --off L.H           switch off a head (1.0) or a layer (1), several times if
                      need be; of an encoder-decoder also cross.1.0, decoder.1
  --token N --key N   whose prediction and query, and which key (from 0)
  --generate          let it write: --temperature (0 is greedy) --top-k --top-p
                      --beams --length --seed

The keys of --json: model kind backend text tokens target parts layers heads
part layer head off predictions lens views compared; with --generate generation.
""",
    ),
    "check": Bilingual(
        """\
用法：tformer-quiz check [路径]... [--run [--falsify]] [--json]

  tformer-quiz check                  校验自带的题库
  tformer-quiz check my.yaml folder/  自己的文件：文件、行、列、最接近的键
  tformer-quiz check --run            再实跑实验，核对每条实测和文中每个数字
  tformer-quiz check --run --falsify  再逐条破坏，看实测是否真会失败

退出码：0 全部成立，1 有实测或数字不成立，2 文件有误。
""",
        """\
usage: tformer-quiz check [PATH]... [--run [--falsify]] [--json]

  tformer-quiz check                  validate the questions that ship
  tformer-quiz check my.yaml folder/  your own: file, line, column, nearest key
  tformer-quiz check --run            also run every experiment; hold every
                                      check and every number in a text
  tformer-quiz check --run --falsify  also break what each check claims, and see
                                      that it fails

exit status: 0 all hold, 1 a check or a number does not, 2 a file is wrong.
""",
    ),
    "stats": Bilingual(
        """\
用法：tformer-quiz stats [--json]

  tformer-quiz stats         到期多少、连续几天、记住率、各话题掌握多少
  tformer-quiz stats --json  给脚本用
""",
        """\
usage: tformer-quiz stats [--json]

  tformer-quiz stats         due today and in four weeks, days in a row,
                             retention, mastery by topic
  tformer-quiz stats --json  for scripts
""",
    ),
    "export": Bilingual(
        """\
用法：tformer-quiz export 文件 [--force]

  tformer-quiz export progress.csv   每次评分一行，表格软件可以直接打开
  tformer-quiz export progress.json  全部：每道题的状态、每次评分、标记
  tformer-quiz export progress.md    一份给人看的报告
  tformer-quiz export deck.txt       Anki 牌组：用“文件 → 导入”；重复导入只更新
  tformer-quiz export deck.apkg      同上，背面带实验的图（要先装
                                     tformer-quiz[anki]）
  tformer-quiz export briefs.html    所有题的一分钟说法和图，一页，可以打印

已有的文件不会被盖掉，除非加 --force。
""",
        """\
usage: tformer-quiz export FILE [--force]

  tformer-quiz export progress.csv   a row for each rating, as spreadsheets open
                                     it
  tformer-quiz export progress.json  everything: cards, ratings, flags
  tformer-quiz export progress.md    a report to read
  tformer-quiz export deck.txt       an Anki deck: File, Import in Anki;
                                     importing again updates it
  tformer-quiz export deck.apkg      the same with a figure on each back (needs
                                     tformer-quiz[anki])
  tformer-quiz export briefs.html    what one says in a minute to each question,
                                     with its figure: a page to print

A file that is there is written over with --force alone.
""",
    ),
    "import": Bilingual(
        """\
用法：tformer-quiz import 文件 [--replace] [--dry-run]

  tformer-quiz import progress.json --dry-run
                                     只算会改什么，不动进度
  tformer-quiz import progress.json  并入：已有的评分不重复，较新的状态为准
  tformer-quiz import progress.json --replace
                                     换掉现在的全部进度

  tformer-quiz import deck.apkg      Anki 里的评分：题 id 对得上的都算数
                                     （导出时勾选“兼容旧版 Anki”）

文件由 tformer-quiz export 文件.json 写出，或由 Anki 导出。导入前先备份，
restore 可以恢复。
""",
        """\
usage: tformer-quiz import FILE [--replace] [--dry-run]

  tformer-quiz import progress.json --dry-run
                                     what it would do; nothing changes
  tformer-quiz import progress.json  merge: no rating twice, and of two states
                                     of a card the later one
  tformer-quiz import progress.json --replace
                                     in the place of all progress here

  tformer-quiz import deck.apkg      ratings given in Anki, of questions whose
                                     id is here (export it from Anki with
                                     'Support older Anki versions')

The file is what tformer-quiz export FILE.json writes, or what Anki exports. A
backup is made before; restore brings it back.
""",
    ),
    "serve": Bilingual(
        """\
用法：tformer-quiz serve [--host 地址 [--allow-network]] [--port N]

  tformer-quiz serve             写出一个地址，在浏览器里打开
  tformer-quiz serve --port 0    用随便哪个空的端口
  tformer-quiz serve --topic attention
                                 只学一部分，选项同主程序

要先装：pip install 'tformer-quiz[serve]'。默认只有本机打得开，地址里带着每次
都换的钥匙。别的地址要加 --allow-network：没有加密，拿到地址的人都进得来。
""",
        """\
usage: tformer-quiz serve [--host ADDRESS [--allow-network]] [--port N]

  tformer-quiz serve             writes an address: open it in a browser
  tformer-quiz serve --port 0    on any port that is free
  tformer-quiz serve --topic attention
                                 a part of the bank, as the program itself

Install it first: pip install 'tformer-quiz[serve]'. Only this machine can open
it, and the address holds a key that is new each time. Another address needs
--allow-network: nothing is encrypted, and whoever has the link comes in.
""",
    ),
    "restore": Bilingual(
        """\
用法：tformer-quiz restore [备份]

  tformer-quiz restore  列出备份：每天一份，留最近十份
  tformer-quiz restore progress-2026-11-29.sqlite3
                        恢复它；现在的进度先移到一边
""",
        """\
usage: tformer-quiz restore [NAME]

  tformer-quiz restore  the backups: one a day, ten are kept
  tformer-quiz restore progress-2026-11-29.sqlite3
                        go back to it; what is there now is moved aside first
""",
    ),
    "settings": Bilingual(
        """\
用法：tformer-quiz settings [名称 [值]]

  tformer-quiz settings                         全部设置
  tformer-quiz settings new-per-day 10          每天最多十道新题
  tformer-quiz settings interview-on 2026-12-05     面试日期；“无”取消
""",
        """\
usage: tformer-quiz settings [NAME [VALUE]]

  tformer-quiz settings                 all of them
  tformer-quiz settings new-per-day 10  ten new questions a day at most
  tformer-quiz settings interview-on 2026-12-05
                                        the interview; none takes it back
""",
    ),
    "code": Bilingual(
        """\
用法：tformer-quiz code [任务 [文件.py]] [--framework 框架] [--json]

  tformer-quiz code                    列出所有手写题
  tformer-quiz code softmax            一道题：要写什么、函数签名、例子、提示
  tformer-quiz code softmax my.py      判这个文件：哪个用例先错、错在哪一格、
                                       是哪一种常见错误
  tformer-quiz code softmax my.py --framework torch    (numpy, torch, mlx)
  tformer-quiz code softmax my.py --json | jq .mistakes

代码在另一个进程里跑，限时、限内存、不许写文件；这防的是失手，不是恶意，
来路不明的文件别拿来判。退出码：0 通过，1 没通过，2 没有这道题、没装这个
框架，或文件读不了。
""",
        """\
usage: tformer-quiz code [TASK [FILE.py]] [--framework F] [--json]

  tformer-quiz code                    the tasks to write by hand
  tformer-quiz code softmax            one: what to write, signature, example,
                                       hints
  tformer-quiz code softmax my.py      judge a file: the first case that fails,
                                       the first wrong cell, the mistake by name
  tformer-quiz code softmax my.py --framework torch    (numpy, torch, mlx)
  tformer-quiz code softmax my.py --json | jq .mistakes

The code runs in a process of its own, with limits on time and memory, and may
write no files. That guards against accidents, not against malice: judge no
file that you would not run. Exit status: 0 passed, 1 not, 2 an unknown task or
framework, or a file that cannot be read.
""",
    ),
    "mark": Bilingual(
        """\
用法：tformer-quiz mark 编号 [--json] < 回答.txt

从标准输入读一份回答，逐条看要点：说到了，说了一半（否定了、在反问，或同一句里又
说了流传的误解），没说到。

  tformer-quiz mark sqrt-dk < 回答.txt  每个要点，命中的字在哪里，命中题目文件里
                                        的哪个短语
  echo 方差会变大 | tformer-quiz mark sqrt-dk
  tformer-quiz mark sqrt-dk --json < 回答.txt
                                        给脚本用：points（id、text、state、
                                        where）和 misconception
""",
        """\
usage: tformer-quiz mark ID [--json] < answer.txt

Reads an answer from stdin and marks each key point: said, half said (denied,
asked, or said in one breath with the
misconception), or missed.

  tformer-quiz mark sqrt-dk < answer.txt  each key point, the words that say it,
                                          and the file's phrase they are
  echo the variance grows | tformer-quiz mark sqrt-dk
  tformer-quiz mark sqrt-dk --json < answer.txt
                                          for scripts: points (id, text, state,
                                          where) and misconception
""",
    ),
    "doctor": Bilingual(
        """\
用法：tformer-quiz doctor [--json]

  tformer-quiz doctor         版本、后端及缘由、数据文件夹、终端、题库；不对劲的
                              地方怎么办
  tformer-quiz doctor --json  报告问题时附上它
""",
        """\
usage: tformer-quiz doctor [--json]

  tformer-quiz doctor         versions, backend and why, data folder, terminal,
                              questions; and the cures
  tformer-quiz doctor --json  attach this to a bug report
""",
    ),
}
