"""Of what a figure's numbers are made: what is random in it, and what was trained."""

from __future__ import annotations

from questions.bilingual import Bilingual

RANDOM = Bilingual("权重和输入都是随机的，没有训练", "random weights and inputs, nothing trained")
RANDOM_TIMED = Bilingual("权重和输入是随机的；时间是这一次的", "random weights and inputs; times are this run's")
RANDOM_WEIGHTS = Bilingual("权重是随机的，没有训练", "random weights, nothing trained")
RANDOM_DATA = Bilingual("数据是随机抽的，没有训练", "the data are drawn at random, nothing is trained")
COUNTED = Bilingual("数出来的：没有随机，没有训练", "counted: nothing random, nothing trained")
BY_FORMULA = Bilingual("按公式算的：没有随机，没有训练", "by formula: nothing random, nothing trained")
ARRANGED = Bilingual("只是把文本排好：还没有模型", "the texts as they are arranged: no model yet")
SPLITS = Bilingual("切法是从自带的文本里学来的", "the splits are learned from texts that ship")
TRAINED_SMALL = Bilingual(
    "为这张图从随机权重训练的小模型；前十个种子是事先训练好的",
    "a small model trained from random weights for this figure, beforehand for the first ten seeds",
)
IN_TRAINING = Bilingual("训练时测得，记在模型卡上", "measured in training, as its card says")
DATES = Bilingual("训练好的日期模型，没训练过的日期", "the trained date model, on dates it was not trained on")
DATES_TYPED = Bilingual("训练好的日期模型", "the trained date model")
DATES_FURTHER = Bilingual(
    "自带的日期模型接着训练；前十个种子是事先训练好的",
    "the date model that ships, trained further, beforehand for the first ten seeds",
)
BERT_MINI = Bilingual("训练好的 bert-mini", "the trained bert-mini")
BERT_MINI_FURTHER = Bilingual(
    "bert-mini 冻结，上面的一层从随机权重训练",
    "bert-mini, frozen; the layer on it is trained from random weights",
)
BERT_MINI_BEFORE = Bilingual("bert-mini 冻结，上面的一层是随机的", "bert-mini, frozen; the layer on it is random")
MASKING_TWIN = Bilingual("自带的小模型，训练时选中 15 %", "the small model that ships, trained at 15 %")
POETS = Bilingual("训练好的 poet 和 poet-small", "the trained poet and poet-small")
REVERSERS = Bilingual("训练好的倒写模型", "the trained models that write backwards")
REVERSERS_AND_CARDS = Bilingual(
    "线是训练时测的各种子的平均，点是现在跑的", "lines: means over seeds, measured in training; points: run now"
)
