"""What is wrong in a question file, in Chinese, by the code that ``questions`` gives it.

The English is the problem's own message.
"""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

_CHINESE: Mapping[str, str] = {
    # the file
    "no-such-file": "没有这个文件或文件夹",
    "not-a-file": "这不是普通文件；请给一个题目文件，或装着题目文件的文件夹",
    "no-files": "这个文件夹里没有 .yaml 或 .yml 文件；请给一个题目文件，或装着题目文件的文件夹",
    "unreadable": "读不了：{reason}",
    "empty-file": "文件里没有题目；每道题以“- id:”开头",
    "too-many-problems": "这个文件的错误太多，其余不再列出",
    "file-too-large": "文件超过 {limit:,} 字节；请拆成几个",
    "not-utf-8": "文件不是 UTF-8 编码（{found}）；请另存为 UTF-8",
    "control-character": "控制字符 {character} 不能出现在这里；请删掉",
    # YAML
    "not-yaml": "不是合法的 YAML：{problem}",
    "not-an-escape": "这个转义 YAML 不认识；请直接写这个字符，或写 \\u 加四位十六进制数",
    "too-many-nodes": "文件里的文字、列表和映射超过 {limit:,} 个；请拆成几个文件",
    "too-many-entries": "这里有 {count:,} 个键，最多读 {limit} 个",
    "text-too-long": "一段文字最多 {limit:,} 个字符，这里有 {count:,} 个；请缩短或拆开",
    "tab": "这一行用制表符缩进；YAML 只认空格",
    "many-documents": "一个文件只放一个题目列表；请删掉前面的“---”",
    "too-deep": "嵌套超过 {limit} 层",
    "key-not-text": "键要是一个词，不能是列表或映射",
    "duplicate-key": "键 {name} 在这里出现了两次，第一次在第 {first_line} 行；请删掉一个",
    "alias": "不接受别名 *{name}：请把文字写全；以 * 开头的文字要加引号",
    "anchor": "不接受锚点 &{name}；以 & 开头的文字要加引号",
    "tag": "不接受标签 {name}；以 ! 开头的文字要加引号",
    # the shape of an item
    "not-a-list": "这里要一个列表，每项以“- ”开头",
    "not-a-map": "这里要一个映射，写成“键: 值”；可用的键：{keys}",
    "not-a-text": "这里要一段文字，不能是列表或映射",
    "not-a-whole-number": "这里要 {least} 到 {most} 之间的整数",
    "malformed": "{written} 的写法不对，要写{wanted}",
    "empty": "这里缺内容：请写上；可以不写的键就整个删去；要写 null 这个词，请加引号",
    "count": "这里要 {least} 到 {most} 项，现在有 {count} 项",
    "keys": "这里的键只能从 {known} 里从头依次取，现在是 {given}",
    "unknown-key": "没有 {name} 这个键{hint}。可用的键：{known}",
    "missing-key": "缺少 {name} 这个键",
    "missing-language": "这里缺文字：写 zh 或 en，或两个都写",
    "duplicate-id": "编号 {name} 已被 {first} 占用；请换一个",
    "unknown-topic": "自带题库没有 {name} 这个话题{hint}。话题有：{known}",
    "duplicate-point-id": "要点编号 {name} 在这道题里出现了两次，第一次在第 {first_line} 行；请改掉一个",
    "not-a-choice": "这里要写 {known} 之一",
    "brief-too-long": "brief 要一分钟说得完，最多 {limit} 个字（英文为词），现在有 {count} 个；多的移到 answer",
    "brief-numbers": "brief 里带链接的数字最多 {limit} 个，现在有 {count} 个；只留说得出口的",
    "answer-not-a-choice": "答案 {answer} 不在选项 {known} 里",
    "phrase-empty": "{written} 里没有可匹配的内容；写一个词，或写词的开头加 *，如 saturat*",
    "unknown-question": "没有 {name} 这道题{hint}",
    "unknown-task": "没有 {name} 这道手写题{hint}。tformer-quiz code 列出所有手写题",
    "id-not-the-task": "这道手写题的 id 要写 {wanted}，写的却是 {name}",
    # experiments and their knobs
    "unknown-experiment": "没有 {name} 这个实验{hint}。实验有：{known}",
    "unknown-knob": "这个实验没有 {name} 这个旋钮{hint}。旋钮有：{known}",
    "knob-refused": "这个值不行：{reason}",
    "unknown-check": "实验 {experiment} 没有 {name} 这条实测{hint}",
    "check-without-experiment": "要引用实测，这道题得先有 experiment",
    # numbers in texts
    "not-a-number": "{written} 不是链接里能写的数：可写 61 %、61 ± 5 %、2.8e-3、2.8×10⁻³、1,048,576；"
    "词和单位放在方括号外面",
    "check-unbreakable": "实测 {name} 在这里不可能不成立：会让它不成立的设置，正是这道题的设置",
    "tolerance-as-large": "{link} 的误差和数字本身一样大，几乎什么值都算对",
    "number-without-settings": "{link} 是实测的，文中却没说是在什么设置下：至少写出一个旋钮的值",
    "bare-number": "数字 {number} 没有依据：链接到实测 [{number}](check:名字)、论文 [{number}](source:1) "
    "或模型卡 [{number}](card:模型/条目)；定义和精确算式写成代码 `{number}`",
    "link-unknown": "链接只能指向 check、source、card 或 https://，不能指向 {address}{hint}",
    "unknown-source": "{link} 指向的出处不存在：出处从 1 数起，这道题有 {sources} 条",
    "unknown-card": "{link} 指向的模型卡条目不存在：写成 card:模型/条目",
}

# What the YAML parser says, by a piece of its English, the more particular first; each what is wrong and its cure.
_YAML: Mapping[str, str] = {
    "quoted scalar found unexpected": "前面有个引号没有收住；补上和开头一样的引号，文字里的引号写两遍（''）或加反斜杠",
    "expected ',' or ']'": "前面的 [ 没有用 ] 收住，或者两项之间少了逗号；以 [ 开头的文字要加引号",
    "expected ',' or '}'": "前面的 {{ 没有用 }} 收住，或者两项之间少了逗号；以 {{ 开头的文字要加引号",
    "mapping values are not allowed": "这里不该有冒号：含有“: ”的文字要加引号；如果这是一个键，就和上面同级的键对齐",
    "could not find expected ':'": "上一行不是“键: 值”：冒号后面空一格；如果那是接着写的文字，就比它的键多缩进一些",
    "cannot start any token": "文字不能以这个符号开头；请加引号",
    "block scalar": "| 或 > 后面要换行再写文字；以它们开头的文字要加引号",
    "expected '-' indicator": "这里要列表的下一项：以“- ”开头，和上一项对齐",
    "sequence entries are not allowed": "这里不能开始一个列表：另起一行再写“- ”；以“- ”开头的文字要加引号",
    "mapping keys are not allowed": "“? ”不能出现在这里；以它开头的文字要加引号",
    "expected key": "这里要下一个键，和上面同级的键对齐；加了引号的文字，引号后面不能再有字",
    "expected node content": "这里缺内容，或者以 }} ] , 之一开头；这样的文字要加引号",
    "anchor": "以 & 开头的文字要加引号",
    "alias": "以 * 开头的文字要加引号",
    "directive": "行首不能是 %；以它开头的文字要加引号",
    "a tag": "以 ! 开头的文字要加引号",
    "tag handle": "以 ! 开头的文字要加引号",
    "<document start>": "“...”之后不能再有内容；请删掉这一行或它后面的内容",
    "tab character": "用制表符缩进了；YAML 只认空格",
    "": "看看括号和引号是否成对，同级的键是否对齐；含有“: ”或“ #”的文字要加引号",
}


def yaml_in_chinese(problem: str) -> str:
    """What the parser's English ``problem`` means, and what to do about it."""
    return next(said for piece, said in _YAML.items() if piece in problem).format()


TABLE: Mapping[str, Bilingual] = {code: Bilingual(zh, None) for code, zh in _CHINESE.items()}
