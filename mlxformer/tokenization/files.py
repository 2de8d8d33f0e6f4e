"""WordPiece tokenizers from the files beside a BERT checkpoint: ``tokenizer.json``, or ``vocab.txt``.

``tokenizer_config.json`` has the last word on letter case, accents and Chinese characters. Truncation and padding that
a ``tokenizer.json`` was saved with are switched off: they belong to a call, and silently cut texts otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from mlxformer.checkpoints.folder import files_beside, read_json, write_files
from mlxformer.checkpoints.reading import TOKENIZER_BYTES, TOKENIZER_ITEMS, read_bytes, too_large
from mlxformer.errors import CheckpointError, MlxformerError
from mlxformer.tokenization.growth import require_bounded

MAX_TOKENS = 1_000_000

_CONFIG, _JSON, _VOCABULARY = "tokenizer_config.json", "tokenizer.json", "vocab.txt"
_SPECIAL = {"unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]"}
# tokenizer_config.json's names for the fields of the tokenizers library's BertNormalizer.
_NORMALIZER = {
    "do_lower_case": "lowercase",
    "strip_accents": "strip_accents",
    "tokenize_chinese_chars": "handle_chinese_chars",
}
# Classes whose vocab.txt is read by BERT's own rules. Others (Japanese BERT) cut words in another way first.
_WORDPIECE_CLASSES = (None, "BertTokenizer", "BertTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend")


@dataclass(frozen=True)
class TokenizerSettings:
    """What ``tokenizer_config.json`` says beside the vocabulary.

    Args:
        special: the special tokens by role: unk, sep, pad, cls, mask.
        padding_side: where padding goes, ``"right"`` or ``"left"``.
        truncation_side: where a text is cut, ``"right"`` or ``"left"``.
        model_max_length: the longest input in tokens; None means that the file names none.

    >>> from mlxformer.tokenization.files import TokenizerSettings
    >>> TokenizerSettings({"pad": "[PAD]"}).padding_side
    'right'
    """

    special: Mapping[str, str]
    padding_side: str = "right"
    truncation_side: str = "right"
    model_max_length: int | None = None


def load_tokenizer(folder: Path) -> tuple[Tokenizer, TokenizerSettings]:
    r"""The tokenizer in a folder, with its settings.

    Args:
        folder: with ``tokenizer.json`` or ``vocab.txt``.

    Returns:
        A ``tokenizers.Tokenizer``, and what ``tokenizer_config.json`` says.

    Raises:
        CheckpointError: there is no tokenizer, or its files contradict each other.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlxformer.tokenization.files import load_tokenizer
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = (Path(folder) / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]\nhello\n")
    ...     tokenizer, settings = load_tokenizer(Path(folder))
    >>> tokenizer.encode("Hello").tokens
    ['[CLS]', 'hello', '[SEP]']
    """
    config = read_json(folder / _CONFIG) if (folder / _CONFIG).is_file() else {}
    settings = _settings(folder, config)
    if (folder / _JSON).is_file():
        return _from_json(folder / _JSON, config), settings
    if (folder / _VOCABULARY).is_file():
        return _from_vocabulary_file(folder, config, settings), settings
    message = f"{folder} has neither {_JSON} nor {_VOCABULARY}. It holds: {files_beside(folder / _JSON)}"
    raise CheckpointError("tokenizer-missing", message, folder=str(folder))


def build_wordpiece(
    vocabulary: Mapping[str, int],
    special: Mapping[str, str],
    *,
    do_lower_case: bool = True,
    strip_accents: bool | None = None,
    tokenize_chinese_chars: bool = True,
) -> Tokenizer:
    """BERT's tokenizer over a vocabulary: ``[CLS] A [SEP]`` or ``[CLS] A [SEP] B [SEP]``.

    Args:
        vocabulary: token -> id.
        special: the special tokens by role: unk, cls and sep must be in the vocabulary.
        do_lower_case: whether text is folded to lower case.
        strip_accents: whether accents are taken off; None means as ``do_lower_case``.
        tokenize_chinese_chars: whether each Chinese character is a word of its own.

    Returns:
        A ``tokenizers.Tokenizer``.

    Raises:
        CheckpointError: unk, cls or sep is not in the vocabulary.

    >>> from mlxformer.tokenization.files import build_wordpiece
    >>> special = {"unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]"}
    >>> build_wordpiece({"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "我": 3}, special).encode("我们").tokens
    ['[CLS]', '我', '[UNK]', '[SEP]']
    """
    absent = [special[role] for role in ("unk", "cls", "sep") if special[role] not in vocabulary]
    if absent:
        message = f"the vocabulary of {len(vocabulary)} tokens lacks {', '.join(absent)}; BERT needs them"
        raise CheckpointError("vocabulary-special", message, absent=absent)
    templates = [special[role] for role in ("cls", "sep") if special[role].startswith("$") or ":" in special[role]]
    if templates:
        message = f"{templates[0]!r:.80} cannot be a special token: in a template it stands for something else"
        raise CheckpointError("vocabulary-special", message, absent=templates)
    tokenizer = Tokenizer(models.WordPiece(dict(vocabulary), unk_token=special["unk"]))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=tokenize_chinese_chars,
        strip_accents=strip_accents,
        lowercase=do_lower_case,
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    cls, sep = special["cls"], special["sep"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls}:0 $A:0 {sep}:0",
        pair=f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
        special_tokens=[(cls, vocabulary[cls]), (sep, vocabulary[sep])],
    )
    tokenizer.add_special_tokens([token for token in special.values() if token in vocabulary])
    return tokenizer


def save_tokenizer(
    folder: Path,
    tokenizer: Tokenizer,
    settings: TokenizerSettings,
    named: Mapping[str, str] | None = None,
    inputs: Sequence[str] | None = None,
) -> None:
    """Write ``tokenizer.json``, ``tokenizer_config.json`` and, for WordPiece, ``vocab.txt``, for transformers to read.

    Args:
        folder: where to; it is made if need be.
        tokenizer: of the tokenizers library.
        settings: special tokens, sides and length. A special token that the vocabulary lacks is not written: whoever
            reads it would add it.
        named: further special tokens by role: bos, eos.
        inputs: which arrays the model takes, ``model_input_names``; None leaves it to the reader.

    Raises:
        CheckpointError: the folder cannot be written.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlxformer.tokenization.files import TokenizerSettings, build_wordpiece, save_tokenizer
    >>> special = {"unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]"}
    >>> tokenizer = build_wordpiece({"[UNK]": 0, "[CLS]": 1, "[SEP]": 2}, special)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_tokenizer(Path(folder), tokenizer, TokenizerSettings(special))
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['tokenizer.json', 'tokenizer_config.json', 'vocab.txt']
    """
    content = json.loads(tokenizer.to_str())
    normalizer = content.get("normalizer") or {}
    is_wordpiece = content["model"].get("type") == "WordPiece"
    known = tokenizer.get_vocab(with_added_tokens=True)
    roles = {**(named or {}), **settings.special}
    config: dict[str, Any] = {f"{role}_token": token for role, token in roles.items() if token in known}
    config |= {} if inputs is None else {"model_input_names": list(inputs)}
    config |= {"padding_side": settings.padding_side, "truncation_side": settings.truncation_side}
    config["tokenizer_class"] = "BertTokenizer" if is_wordpiece else "PreTrainedTokenizerFast"
    if settings.model_max_length is not None:
        config["model_max_length"] = settings.model_max_length
    if normalizer.get("type") == "BertNormalizer":
        config |= {name: normalizer.get(field) for name, field in _NORMALIZER.items()}
    files = {
        _JSON: tokenizer.to_str(pretty=True),
        _CONFIG: json.dumps(config, ensure_ascii=False, indent=2, sort_keys=True) + "\n",
    }
    vocabulary = sorted(tokenizer.get_vocab(with_added_tokens=False).items(), key=lambda item: item[1])
    if is_wordpiece and [index for _, index in vocabulary] == list(range(len(vocabulary))):
        files[_VOCABULARY] = "".join(f"{token}\n" for token, _ in vocabulary)
    write_files(folder, {name: text.encode() for name, text in files.items()})


def _from_json(path: Path, config: Mapping[str, Any]) -> Tokenizer:
    content = read_json(path, limit=TOKENIZER_BYTES, items=TOKENIZER_ITEMS)
    content["truncation"] = content["padding"] = None
    normalizer = content.get("normalizer")
    if isinstance(normalizer, dict) and normalizer.get("type") == "BertNormalizer":
        normalizer |= {field: config[name] for name, field in _NORMALIZER.items() if name in config}
    with of_the_library(f"{path} is not a tokenizer", str(path)):
        require_bounded(content)
        return _tried(Tokenizer.from_str(json.dumps(content)))


def _tried(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer, once it has tokenized: a template that names a token which is not there only fails then."""
    text = known_text(tokenizer)
    tried = (tokenizer.encode(text), tokenizer.encode(text, text))
    ids = [index for encoding in tried for index in (*encoding.ids, *encoding.type_ids)]
    largest = max((*ids, *tokenizer.get_vocab().values()), default=0)
    if largest >= 2**31:
        raise ValueError(f"an id must be below 2,147,483,648; got {largest:,}")
    return tokenizer


def known_text(tokenizer: Tokenizer) -> str:
    """A text to try a tokenizer with: one that has no unknown token may refuse whatever is not in its vocabulary.

    Args:
        tokenizer: of the tokenizers library.

    Returns:
        ``"a"``, or where that is no token the shortest that there is.

    >>> from tokenizers import Tokenizer, models
    >>> from mlxformer.tokenization.files import known_text
    >>> known_text(Tokenizer(models.WordLevel({"[PAD]": 0, "春": 1}, unk_token="[UNK]")))
    '春'
    """
    vocabulary = tokenizer.get_vocab()
    return "a" if "a" in vocabulary else min(vocabulary, key=lambda token: (len(token), token), default="a")


def _from_vocabulary_file(folder: Path, config: Mapping[str, Any], settings: TokenizerSettings) -> Tokenizer:
    path = folder / _VOCABULARY
    kind = config.get("tokenizer_class")
    kind = kind if kind is None or isinstance(kind, str) else repr(kind)[:80]
    if kind not in _WORDPIECE_CLASSES:
        raise CheckpointError(
            "tokenizer-class",
            f"{path} belongs to a {kind}, which cuts words by other rules than BERT's. Save it from transformers "
            f"with a {_JSON}",
            path=str(path),
            kind=kind,
        )
    try:
        lines = read_bytes(path, TOKENIZER_BYTES).decode("utf-8").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        message = f"{path} cannot be read as UTF-8 text: {error}"
        raise CheckpointError("checkpoint-unreadable", message, path=str(path)) from error
    if lines[-1] == "":
        lines.pop()
    if len(lines) > MAX_TOKENS:
        raise too_large(path, f"it has {len(lines):,} lines; at most {MAX_TOKENS:,} tokens are read")
    # An id is a line's number, so of a token that stands twice the last counts, as in transformers.
    vocabulary = {token: index for index, token in enumerate(lines)}
    flags = {name: config[name] for name in _NORMALIZER if config.get(name) is not None}
    try:
        with of_the_library(f"{path} is not a tokenizer", str(path)):
            tokenizer = build_wordpiece(vocabulary, settings.special, **flags)
    except CheckpointError as error:
        raise CheckpointError(error.code, f"{path}: {error}", **error.fields | {"path": str(path)}) from error
    with of_the_library(f"{folder / _CONFIG} is not a tokenizer's", str(folder / _CONFIG)):
        _add_tokens(folder, tokenizer, config)
    return tokenizer


@contextmanager
def of_the_library(what: str, path: str = "tokenizer.json") -> Iterator[None]:
    """Whatever the tokenizers library raises of a stranger's file, said as one error: it knows no kinds of its own.

    Args:
        what: what is wrong then; the error's beginning.
        path: the file that is to blame.

    Raises:
        CheckpointError: for any other exception inside, and where the library, written in Rust, panics.

    >>> from mlxformer.tokenization.files import of_the_library
    >>> with of_the_library("tokenizer.json is not a tokenizer"):
    ...     raise ValueError("no model")
    Traceback (most recent call last):
    mlxformer.errors.CheckpointError: tokenizer.json is not a tokenizer: no model
    """
    try:
        yield
    except MlxformerError:
        raise
    except BaseException as error:  # a panic is no Exception
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise CheckpointError("tokenizer-broken", f"{what}: {error}", path=path) from error


def _add_tokens(folder: Path, tokenizer: Tokenizer, config: Mapping[str, Any]) -> None:
    """Tokens that fine-tuning added after the vocabulary, at the ids that it gave them."""
    added: dict[int, AddedToken] = {}
    if (folder / "added_tokens.json").is_file():
        path = folder / "added_tokens.json"
        for token, index in read_json(path).items():
            if type(index) is not int or not 0 <= index < 2**31:
                message = f"{path} must map tokens to ids; {token!r:.80} has {index!r:.80}"
                raise CheckpointError("tokenizer-added", message, folder=str(folder))
            added[index] = AddedToken(token)
    flags = ("single_word", "lstrip", "rstrip", "normalized", "special")
    decoder = config.get("added_tokens_decoder") or {}
    if not isinstance(decoder, dict) or not all(
        _is_id(index) and isinstance(fields, dict) and isinstance(fields.get("content"), str)
        for index, fields in decoder.items()
    ):
        message = (
            f"{folder / _CONFIG}: added_tokens_decoder must map ids to objects with a content; got {decoder!r:.80}"
        )
        raise CheckpointError("tokenizer-added", message, folder=str(folder))
    for index, fields in decoder.items():
        added[int(index)] = AddedToken(fields["content"], **{name: fields[name] for name in flags if name in fields})
    for index, entry in sorted(added.items()):
        add = tokenizer.add_special_tokens if entry.special else tokenizer.add_tokens
        add([entry])
        given = tokenizer.token_to_id(entry.content)
        if given != index:
            raise CheckpointError(
                "tokenizer-added",
                f"{folder}: the added token {entry.content!r} should have id {index}, but the vocabulary gives it "
                f"{given}. Save the tokenizer from transformers with a {_JSON}",
                token=entry.content,
                wanted=index,
                given=given,
            )


def _is_id(text: Any) -> bool:
    return str(text).isdecimal() and len(str(text)) <= 10 and int(text) < 2**31


def _settings(folder: Path, config: Mapping[str, Any]) -> TokenizerSettings:
    path = folder / "special_tokens_map.json"
    named = (read_json(path) if path.is_file() else {}) | dict(config)
    special = dict(_SPECIAL)
    for role in _SPECIAL:
        token = named.get(f"{role}_token")
        token = token.get("content") if isinstance(token, Mapping) else token
        if token is not None:
            special[role] = str(token)
    for name in _NORMALIZER:
        if not (config.get(name) is None or isinstance(config[name], bool)):
            message = f"{folder / _CONFIG}: {name} must be true, false or null; got {config[name]!r:.80}"
            raise CheckpointError("tokenizer-flag", message, name=name, given=config[name])
    sides = {name: config.get(name, "right") for name in ("padding_side", "truncation_side")}
    for name, side in sides.items():
        if side not in ("left", "right"):
            message = f"{folder / _CONFIG}: {name} must be 'left' or 'right'; got {side!r:.80}"
            raise CheckpointError("tokenizer-side", message, name=name, given=side)
    longest: Any = config.get("model_max_length")
    # transformers writes 10³⁰ where there is no limit.
    is_number = isinstance(longest, (int, float)) and not isinstance(longest, bool)
    limit = int(longest) if is_number and 0 < longest < 1e9 else None
    return TokenizerSettings(special, sides["padding_side"], sides["truncation_side"], limit)
