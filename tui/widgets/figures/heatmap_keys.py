"""The keys of a heatmap, beside those that move its cursor."""

from __future__ import annotations

from collections.abc import Sequence

from tui.widgets.speaking import Key

HEADS = "头|heads"
STAGES = "阶段|stages"
SAVE = "保存|save"
ZOOM = "缩放|zoom"

HEATMAP_KEYS: Sequence[Key] = [
    Key(
        "s",
        "stage(1)",
        "heatmap.stage-next",
        "下一阶段|stage",
        "下一阶段：得分、缩放、掩码、权重|the next stage: scores, scaled, masked, weights",
        STAGES,
    ),
    Key(
        "S",
        "scale",
        "heatmap.scale",
        "色阶|scale",
        "色阶的两端：所有头共用，或只看这一张|the ends of the colors: for all heads, or for this map alone",
        show=False,
    ),
    Key(
        "g",
        "grid",
        "heatmap.grid",
        "所有头|all heads",
        "所有头并排；Enter 打开一个|all heads side by side; Enter opens one",
        HEADS,
    ),
    Key(
        "left_square_bracket",
        "head(-1)",
        "heatmap.head-previous",
        HEADS,
        "前一个头（首尾之间是平均）|the head before (the mean stands between last and first)",
        HEADS,
        False,
        "[",
    ),
    Key("right_square_bracket", "head(1)", "heatmap.head-next", HEADS, "后一个头|the next head", HEADS, False, "]"),
    Key("enter", "open_cell", "heatmap.open-cell", "打开|open", "打开这个头|open this head", written="Enter"),
    Key("escape", "back", "heatmap.back", "返回|back", "回到所有头|back to all heads", HEADS, False, "Esc"),
    Key(
        "p",
        "pin",
        "heatmap.pin",
        "钉住|pin",
        "钉住这张图：再拧旋钮就看到差异；再按取消|pin this picture, turn a knob, see the difference; again to let go",
    ),
    Key(
        "m",
        "colors",
        "heatmap.colors",
        "配色|color map",
        "换配色：viridis、cividis、灰|another color map: viridis, cividis, gray",
        show=False,
    ),
    Key(
        "v",
        "values",
        "heatmap.values",
        "数值|values",
        "格子里写不写数值|numbers in the cells, or none",
        show=False,
    ),
    Key("plus", "zoom(1)", "heatmap.zoom-in", ZOOM, "格子加宽|wider cells", ZOOM, False, "+"),
    Key("minus", "zoom(-1)", "heatmap.zoom-out", ZOOM, "格子变窄|narrower cells", ZOOM, False, "-"),
    Key("0", "zoom(0)", "heatmap.zoom-fit", ZOOM, "格子随窗口变宽窄|cells that fit the window", ZOOM, False),
    Key(
        "y",
        "copy_row",
        "heatmap.copy-row",
        "复制行|copy row",
        "把这一行复制到剪贴板|copy this row to the clipboard",
        show=False,
    ),
    Key("w", "save", "heatmap.save", "保存|save", "存成文件：SVG、PNG、CSV、网页|save: SVG, PNG, CSV, web page", SAVE),
]
