"""The errors that ``mlxformer`` raises, in Chinese, by code.

The English is the error's own message, which is also the field ``{english}`` here, for what only it can tell.
"""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

_CHINESE: Mapping[str, str] = {
    # arguments
    "not-an-array": "{name} 要是 {backend} 后端的数组，给的是 {given}；用 mx.array(…) 转换",
    "not-floating": "{name} 要是浮点数，给的是 {given}；用 astype(mx.float32) 转换",
    "wrong-shape": "{name} 的形状要是 {wanted}，给的是 {given}",
    "empty-axis": "{name} 是空的：{given} 的第 {axis} 轴长度为 0",
    "ids-not-integers": "词元编号要是整数（int32），给的是 {given}",
    "id-out-of-range": "编号 {given} 超出词表的范围；是不是换了另一个分词器？（{english}）",
    "too-few-tokens": "词表至少要有 2 个词元，给的是 {given!r}",
    "not-positive": "{name} 要是至少为 1 的整数，给的是 {given!r}",
    "not-a-probability": "{name} 要在 0（含）到 1（不含）之间，给的是 {given!r}",
    "not-a-share": "{name} 要在 0 到 1 之间，给的是 {given!r}",
    "out-of-range": "{name} 要在 0（含）到 1（不含）之间，给的是 {given!r}",
    "not-a-number": "{name} 要是一个数，给的是 {given!r}",
    "unknown-choice": "{name} 只能是 {choices} 之一，给的是 {given!r}",
    "unknown-activation": "不认识这个激活函数（{english}）",
    # attention and masks
    "heads-not-grouped": "查询的 {heads} 个头要是键值 {kv_heads} 个头的整数倍",
    "dims-not-divisible": "宽度 {dims} 不能被头数 {num_heads} 整除；换一个头数，或另给 head_dim",
    "kv-heads-not-divisor": "num_heads={num_heads} 不是 num_kv_heads={num_kv_heads} 的整数倍",
    "tie-widths": "tie={tie!r} 让查询和键共用一个投影，所以 num_kv_heads 要等于 num_heads",
    "bias-boolean": "bias 是加到得分上的；布尔数组是掩码，请作为 mask 给出",
    "bias-rank": "bias 的形状要是 [Tq, Tk] 或 [B, H, Tq, Tk]，给的是 {given}",
    "mask-not-boolean": "{name} 要是布尔数组，True 表示可以注意，给的是 {given}；0 和 1 用 {name} != 0 转换，"
    "要加到得分上的项请作为 bias 给出",
    "mask-rank": "掩码的形状要是 [Tq, Tk] 或 [B, H, Tq, Tk]，给的是 {given}；"
    "标出真词元的 [B, Tk] 请先过 mf.masks.padding(valid)，得到 [B, 1, 1, Tk]",
    "mask-broadcast": "{name} {given} 广播不到得分的形状 [B, H, Tq, Tk] = {wanted}",
    "mask-unknown": '掩码可以是 None、"causal" 或布尔数组，给的是 {given!r}',
    "mask-string-combined": "combine 不能用 {given!r}，它没有大小；请用 mf.masks.causal(Tq, Tk)",
    "masks-do-not-combine": "掩码 {first} 和 {second} 合不成一个 [B, H, Tq, Tk]",
    "attention-mask-values": "{name} 用 1（或 True）标真词元、0（或 False）标填充，里面却有 {given:g}",
    "window-negative": "{name} 要不小于 0，给的是 {given}",
    "caches-number": "每层要有自己的一份缓存（{english}）",
    "cache-empty": "缓存是空的：先让这一层跑一次",
    "cache-length": "缓存的长度要不小于 0，给的是 {length}",
    "cache-mismatch": "缓存里是 {stored}，接不上 {given}：批、头、宽度要一致；一份缓存只服务一层和一批，请新建一份",
    # masked language modelling
    "mlm-shape": "ids 的形状要是 [T] 或 [B, T]，给的有 {given} 个轴",
    "mlm-split": "split 要是三个加起来为 1 的份额（[MASK]、随机、不变），给的是 {given}",
    "mlm-all-special": "{size} 个编号全是特殊词元，没有可以遮住的",
    "mlm-predicted": "predicted 要是布尔数组，True 标出要预测的位置，给的是 {given}",
    # positions
    "too-long": "序列长 {length}，这里最多 {max_length}；请截短或分段",
    "too-many-tokens": "输入有 {given} 个词元，模型最多 {limit} 个；请截断：tokenizer(text, max_length={limit})",
    "offset-negative": "offset 要是不小于 0 的整数，给的是 {given!r}",
    "rotary-dims": "旋转位置编码两两成对：rotary_dims 要是偶数，且不超过 head_dim={head_dim}，给的是 {rotary_dims}",
    "buckets-not-divisible": "num_buckets={num_buckets} 分不匀（{english}）",
    "max-distance": "max_distance 要大于各占一个桶的 {exact} 个距离，给的是 {max_distance}",
    "positions-differ": "{path}：{tensor} 不是 Marian 计算用的正弦表（先全部正弦、后全部余弦）；是别的程序训练的吗？",
    # models and generation
    "pad-not-distinct": "pad_id={pad_id} 和另一个特殊词元相同，填充会被误认；请各用各的编号",
    "batches-differ": "每个源句要有自己的目标：源有 {sources} 个，target_ids 有 {targets} 行",
    "length-penalty": "length_penalty 要是有限的数，给的是 {given!r}",
    "bad-words": "bad_words_ids 里有一个空列表；请删掉",
    "schedule-steps": "{argument} 是 {value}，至少要 {least}",
    "not-a-config": "count_parameters 要一个 TransformerConfig、BertConfig 或 MarianConfig，给的是 {given}",
    "generation-not-implemented": "这个检查点的生成配置用到了尚未实现的功能 {asked}；硬生成会得到别的词元",
    # the backend
    "backend-unknown": "没有 {value!r} 这个后端：MLXFORMER_BACKEND 只能是 {choices} 之一，不设就是 auto",
    "backend-mlx-missing": "指定了 MLX，却载入不了它：{detail}。Apple 芯片的 Mac 用 pip install mlx，"
    'Linux 用 pip install "mlx[cpu]"；或者不设 MLXFORMER_BACKEND，改用 NumPy',
    # checkpoints
    "checkpoint-no-folder": "没有 {given} 这个文件夹",
    "checkpoint-not-a-folder": "{given} 是一个文件；请给装着 config.json 和 model.safetensors 的文件夹",
    "checkpoint-not-cached": "{given} 既不是文件夹，也不在本机的 Hugging Face 缓存 {cache} 里；"
    "这里从不联网，请先用 hf download {given} 下载",
    "checkpoint-revision": "缓存里有 {given}，但没有 {revision} 这个版本；有的是：{known}",
    "checkpoint-no-weights": "{folder} 里没有 model.safetensors，也没有它的分片索引",
    "checkpoint-pickle": "{folder} 里没有 model.safetensors，只有 {found}。pickle 打开时可能执行任意代码，所以不打开；"
    "若信任它，转换一次：python -m mlxformer.convert {folder}（需要 torch）",
    "checkpoint-format": "{folder} 里没有 model.safetensors，只有 {found}；请在 transformers 里用 save_pretrained 另存",
    "checkpoint-file-missing": "缺少文件 {path}；请给一个 Hugging Face 布局的文件夹",
    "checkpoint-unreadable": "读不了 {path}（{english}）",
    "checkpoint-mismatch": "检查点和 {model} 的张量对不上；请用保存它的那个类，并带上旁边的 config.json：\n{english}",
    "checkpoint-names": "load_into 给出的名字和模块的参数不一致：{differing}",
    "json-broken": "{path} 不是合格的 JSON（{english}）",
    "safetensors-broken": "{path} 不是完整的 safetensors 文件（{english}）",
    "shard-index": "分片索引 {path} 有误（{english}）",
    "tensor-dtype": "{path}：张量 {tensor} 存成了 {dtype}，这里读不了；请另存为 float32",
    "save-failed": "写不了 {folder}（{english}）",
    "save-overflow": "{tensor} 里有超出 float16 范围（65504）的数；请存成 float32",
    "save-quantised": "{path} 已量化，没有对应的 Hugging Face 格式；请用 save_weights",
    "model-type": "检查点的 model_type 是 {given!r}，这个类读不了",
    "config-type": "配置里有一项的类型不对（{english}）",
    "config-unknown-fields": "配置里有不认识的项 {unknown}，可能影响结果；确认不影响就删掉，或用 config= 直接给出配置",
    "not-implemented": "{name}={given!r} 尚未实现",
    "labels": "标签的名字有误（{english}）",
    # tokenizers
    "tokenizer-missing": "{folder} 里既没有 tokenizer.json，也没有 vocab.txt",
    "tokenizer-broken": "{path} 不是合格的分词器文件（{english}）",
    "tokenizer-class": "{path} 属于 {kind}，它切词的规则和 BERT 不同；请在 transformers 里另存出 tokenizer.json",
    "tokenizer-added": "后加的词元和词表对不上（{english}）",
    "tokenizer-side": "{name} 只能是 left 或 right，给的是 {given!r}",
    "tokenizer-no-sentencepiece": '读这个分词器需要 SentencePiece：pip install "tformer-quiz[marian]"',
    "vocabulary-special": "词表缺少必需的词元：{absent}",
    "vocabulary-twice": "词表里有重复（{english}）",
    "vocabulary-ids": "{path} 要给每个词片一个整数编号",
    "unknown-token": "词表里没有 {token!r} 这个词元",
    "not-text": "要一个字符串，或至少含一个字符串的列表（{english}）",
    "pairs-unequal": "两组文本要一样多，给的是 {texts} 和 {pairs}",
    "max-length": "max_length={given} 除去 {special} 个特殊词元就没有地方放文字了",
    "pad-to": "pad_to={given} 比最长的文本（{longest} 个词元）还短；请把 max_length={given} 也给上",
    "text-surrogate": "文字的第 {place} 处只有半个字符（孤立的代理项）",
    # tracing
    "trace-empty": "追踪里一步也没有记到：里面没有跑带记录点的模型，或者跑的是早先用 mx.compile 编译好的函数",
    "trace-nothing-replaced": "没有一步匹配 {patterns}，什么也没有换掉；记到的路径：{paths}",
    "trace-unknown-path": "没有 {path!r} 这一步{hint}",
    "trace-several-calls": "{path!r} 经过了 {calls} 次；请用 steps.all({path!r})[第几次]，从 0 数起",
    "trace-entered-twice": "一个追踪只能进入一次；请用 mf.trace() 另开一个",
    "trace-axes": "{path!r} 的形状和轴名对不上（{english}）",
    "trace-replacement-array": "替换 {path!r} 的函数要返回当前后端的数组（{english}）",
    "trace-replacement-shape": "替换 {path!r} 时形状和类型不能变（{english}）",
    "trace-not-evaluable": "mx.compile 或 mx.vmap 里的数组还没有值，读不出来；请在外面调用",
    # conversion
    "convert-exists": "{path} 已经在那里；要重新转换，请先删掉它",
    "convert-no-torch": "读 pytorch_model.bin 需要 torch：pip install torch",
    "convert-nothing": "{folder} 里没有 pytorch_model.bin，也没有它的索引，没有可转换的",
    "convert-not-tensors": "{path} 里装的不是模型的张量（{english}）",
    "convert-unreadable": "{path} 读不成张量文件（{english}）",
    "no-cell-state": "这种网络没有细胞状态（{english}）",
    "special-id": "{name}={given} 不行：要在词表范围内，而且只有填充能用 pad_id",
    "groups-not-divisor": "num_hidden_layers={layers} 不是 num_hidden_groups={groups} 的倍数：每组要管一样多的层",
    "scale-not-finite": "scale 要么是有限的数，要么是 None（即 1/√D），给的却是 {given}；要学的缩放请乘到 q 上",
    "cache-kind": "cache 的种类不对，给的是 {given}（{english}）",
    "rope-kind": "rope 要像 mf.RotaryEmbedding(head_dim) 那样可以调用，给的却是 {given}",
    "state-parts": "循环单元的状态不对（{english}）",
    "tokenizer-flag": "分词器配置里的 {name} 要写 true 或 false，写的却是 {given}",
    "trace-closed": "这次追踪已经结束，不能再替换了；请另开一次 mf.trace()",
    "trace-replacement-kind": "replace 要一个路径样式和一个接收数组的函数（{english}）",
    "index-out-of-range": "{name} 里有 {given}，但只有 {size} 行，编号从 0 到 {size} 减 1",
    "wrong-kind": "{name} 的类型不对，给的是 {given}（{english}）",
    "not-a-positive-number": "{name} 要大于 0 的有限数，给的却是 {given}",
    # the shipped models
    "pretrained-unknown": "没有 {given} 这个自带模型{hint}。自带的有：{known}",
    "pretrained-damaged": "{path} 缺失，或与模型卡不符；请重新安装",
    "card-no-score": "{name} 的模型卡上没有 {entry} 这一项；有的是：{known}",
    "date-empty": "没有文字就没有日期；请写一个，例如 2026年11月23日",
    "date-too-long": "文字有 {length} 个字符，日期最多 {longest} 个；请只写日期",
    "training-checkpoint-other": "{path} 是另一次训练的检查点；请删掉它，或换一个文件夹",
    "training-checkpoint-damaged": "读不了训练检查点 {path}；删掉它就从头训练",
}

TABLE: Mapping[str, Bilingual] = {code: Bilingual(zh, None) for code, zh in _CHINESE.items()}
