"""Of what a figure's numbers are made: what is random in it, and what was trained."""

from __future__ import annotations

from questions.bilingual import Bilingual

RANDOM = Bilingual("权重和输入随机，没有训练", "random weights and inputs, nothing trained")
RANDOM_TIMED = Bilingual("权重和输入是随机的；时间是这一次的", "random weights and inputs; times are this run's")
RANDOM_WEIGHTS = Bilingual("权重随机，没有训练", "random weights, nothing trained")
RANDOM_DATA = Bilingual("数据随机，没有训练", "random data, nothing trained")
COUNTED = Bilingual("数出来的，不含随机和训练", "counted: nothing random, nothing trained")
BY_FORMULA = Bilingual("按公式算，不含随机和训练", "by formula: nothing random, nothing trained")
ARRANGED = Bilingual("只是把文本排好：还没有模型", "the texts as they are arranged: no model yet")
SPLITS = Bilingual("切法是从自带的文本里学来的", "the splits are learned from texts that ship")
TRAINED_NOW = Bilingual("为这张图当场训练", "trained for this figure, now")
TRAINED_BEFORE = Bilingual("为这张图训练（种子 0–9 事先）", "trained for this figure (seeds 0–9 beforehand)")
IN_TRAINING = Bilingual("训练时测得，记在模型卡上", "measured in training, as its card says")
DATES = Bilingual("训练好的日期模型，没训练过的日期", "the trained date model on held-out dates")
DATES_TYPED = Bilingual("训练好的日期模型", "the trained date model")
DATES_FURTHER = Bilingual("日期模型接着训练（种子 0–9 事先）", "the date model trained further (seeds 0–9 beforehand)")
BERT_MINI = Bilingual("训练好的 bert-mini", "the trained bert-mini")
BERT_MINI_FURTHER = Bilingual("bert-mini 不动，上面训练一层", "bert-mini frozen, one layer on it trained")
BERT_MINI_BEFORE = Bilingual("bert-mini 不动，上面一层随机", "bert-mini frozen, one random layer on it")
PAIR_TWINS = Bilingual("两个自带的小模型，只差负例", "two small models that ship and differ in their negatives")
MASKING_TWIN = Bilingual("自带的小模型，训练时选中 15 %", "the small model that ships, trained at 15 %")
SMALL_POET = Bilingual("训练好的 poet-small，请求随机", "the trained poet-small on random requests")
MEASURED_MEMORY = Bilingual("这一次量出的内存，权重随机", "memory as measured now, random weights")
POET = Bilingual("训练好的 poet", "the trained poet")
POETS = Bilingual("训练好的 poet 和 poet-small", "the trained poet and poet-small")
REVERSERS = Bilingual("训练好的倒写模型", "the trained models that write backwards")
REVERSERS_AND_CARDS = Bilingual(
    "线是训练时测的各种子的平均，点是现在跑的", "lines: means over seeds, measured in training; points: run now"
)
BERT_MINI_TUNED = Bilingual(
    "bert-mini 当场微调，平均是训练时测的", "bert-mini fine-tuned now, means measured in training"
)
REPEATERS = Bilingual("训练好的小模型（重复串）", "small trained models of repeated strings")
