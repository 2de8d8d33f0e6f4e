"""The words of the place Look and of ``look``."""

from questions.bilingual import Bilingual

TABLE = {
    "about-dates": Bilingual("把日期写成 ISO 的编码器-解码器", "an encoder-decoder from dates to ISO"),
    "about-dates-no-positions": Bilingual("同上，没有位置编码", "the same without positions"),
    "about-dates-pre-norm": Bilingual("同上，Pre-LN", "the same, pre-norm"),
    "about-dates-tied-kv": Bilingual("同上，K 和 V 共用一个投影", "the same, K and V one projection"),
    "about-bert-mini": Bilingual("小 BERT：成语、唐诗、论语、圣经几节", "a small BERT: idioms, poems, verses"),
    "about-bert-nsp": Bilingual("唐诗两联的 BERT，用 NSP 训练", "a BERT on couplets, trained by NSP"),
    "about-bert-sop": Bilingual("同上，用 SOP 训练", "the same, trained by SOP"),
    "about-mlm-rate-05": Bilingual("英文 BERT，掩 5 %", "an English BERT, 5 % masked"),
    "about-mlm-rate-15": Bilingual("英文 BERT，掩 15 %", "an English BERT, 15 % masked"),
    "about-mlm-rate-40": Bilingual("英文 BERT，掩 40 %", "an English BERT, 40 % masked"),
    "about-mlm-rate-80": Bilingual("英文 BERT，掩 80 %", "an English BERT, 80 % masked"),
    "about-poet": Bilingual("按字写唐诗的 GPT", "a GPT that writes Tang poems by character"),
    "about-poet-small": Bilingual("同上，只有七分之一大", "the same, a seventh of its size"),
    "about-induction": Bilingual("两层纯注意力，有归纳头", "two layers of attention alone, with induction heads"),
    "about-induction-one-layer": Bilingual("同上，只有一层，没有归纳头", "the same with one layer, and without"),
    "about-reverse-gru": Bilingual("倒写字母的 GRU，没有注意力", "a GRU that reverses letters, without attention"),
    "about-reverse-gru-attention": Bilingual("倒写字母的 GRU，有注意力", "a GRU that reverses letters, with attention"),
    "about-reverse-transformer": Bilingual("倒写字母的 Transformer", "a Transformer that reverses letters"),
    "about-other": Bilingual("自带的模型", "a model that ships"),
    "about-folder": Bilingual("文件夹或缓存", "a folder, or cached"),
    "open-folder": Bilingual("打开别的模型 …", "Open another model …"),
    "open-folder-note": Bilingual(
        "一个文件夹，或 Hugging Face 缓存里的名字：BERT、GPT-2、Llama、T5、Marian 等",
        "a folder, or a name in the Hugging Face cache: BERT, GPT-2, Llama, T5, Marian",
    ),
    "which-model": Bilingual("哪个模型？", "Which model?"),
    "which-model-hint": Bilingual(
        "文件夹的路径，或缓存里的名字；从不联网。Enter 打开，Esc 取消",
        "A folder's path, or a name in the cache; nothing is fetched. Enter opens, Esc cancels",
    ),
    "opening": Bilingual("正在打开 {model} …", "opening {model} …"),
    "place": Bilingual("透视", "Look"),
    "key-off": Bilingual("关这个头", "head off"),
    "key-layer-off": Bilingual("关这一层", "layer off"),
    "key-write": Bilingual("看/写", "look, write"),
    "key-step": Bilingual("走一步", "step"),
    "key-head": Bilingual("换头", "head"),
    "key-layer": Bilingual("换层", "layer"),
    "help-off": Bilingual(
        "关掉或打开这个头，看预测变多少", "switch this head off or on, and see the prediction change"
    ),
    "help-layer-off": Bilingual("关掉或打开这一层", "switch this layer off or on"),
    "help-write": Bilingual("看它的头，或看它逐个词元地写", "its heads, or how it writes token by token"),
    "help-step": Bilingual("生成时退一步、走一步", "a step back or on while it writes"),
    "help-sentence": Bilingual("改写文字", "type another text"),
    "writes-not": Bilingual("{model} 不会续写", "{model} does not write"),
    "step-needs-writing": Bilingual("< > 走的是它写的每一步：先按 W", "< > walk along what it writes: press W first"),
    "whole-while-writing": Bilingual(
        "写的时候不关头：按 W 回去看它的头", "no head is switched off while it writes: W goes back to its heads"
    ),
    "no-heads": Bilingual("{model} 没有注意力头", "{model} has no attention heads"),
    "written-anew": Bilingual("它写：{text}", "it writes: {text}"),
    "writes": Bilingual("{model}：{how}", "{model}: {how}"),
    "shows": Bilingual("{model}：{parts}；显示 {name}", "{model}: {parts}; shown {name}"),
    "tokens": Bilingual("{count} 个词元：{tokens}", "{count} {count:token|tokens}: {tokens}"),
}
