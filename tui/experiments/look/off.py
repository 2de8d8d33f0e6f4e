"""What is switched off: ``1.0`` is a head, ``1`` a layer; of an encoder-decoder ``cross.1.0``, ``decoder.1``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlxformer.inspection.attentions import Attention
from mlxformer.inspection.switching import skip_layer, switch_heads_off
from mlxformer.tracing import Trace
from tui.experiments.look.subject import Subject
from tui.language.usage import UsageError

_ONE = re.compile(r"(?:([a-z]+)\.)?(\d{1,4})(?:\.(\d{1,4}))?")


@dataclass(frozen=True, eq=False)
class Off:
    """A head of an attention; all of it where ``head`` is None: of self-attention, the layer that it is in."""

    attention: Attention
    head: int | None

    @property
    def name(self) -> str:
        return self.attention.name if self.head is None else f"{self.attention.name}.{self.head}"

    def apply(self, steps: Trace) -> None:
        if self.head is not None:
            switch_heads_off(steps, self.attention, [self.head])
        elif self.attention.part == "cross":  # not a layer of its own
            switch_heads_off(steps, self.attention)
        else:
            skip_layer(steps, self.attention.layer_path)


def parse_off(typed: str, subject: Subject, part: str) -> tuple[Off, ...]:
    """What was asked for, each once; a number without a part is of ``part``. Raises ``UsageError``."""
    found: dict[str, Off] = {}
    for one in re.split(r"[\s,，、;；]+", typed.strip().lower()):
        if not one:
            continue
        match = _ONE.fullmatch(one)
        if match is None or (match[1] is not None and match[1] not in subject.parts):
            raise UsageError("look-off-form", given=one, parts=subject.parts)
        attention = find_attention(subject, match[1] or part, int(match[2]))
        head = None if match[3] is None else int(match[3])
        require_head(attention, head)
        off = Off(attention, head)
        found[off.name] = off
    return tuple(found.values())


def find_attention(subject: Subject, part: str, layer: int) -> Attention:
    """An attention that there is. Raises ``UsageError``."""
    own = subject.of_part(part)
    for attention in own:
        if attention.layer == layer:
            return attention
    if not own:
        raise UsageError("look-no-attention", model=subject.name)
    raise UsageError("look-no-layer", given=layer, model=subject.name, part=part, count=len(own), last=len(own) - 1)


def require_head(attention: Attention, head: int | None) -> None:
    """Raises ``UsageError`` for a head that there is not."""
    if head is not None and not 0 <= head < attention.heads:
        raise UsageError(
            "look-no-head", given=head, layer=attention.name, count=attention.heads, last=attention.heads - 1
        )
