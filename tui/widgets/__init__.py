"""Textual widgets for figures, knobs and checks. They import neither NumPy nor mlxformer.

Every widget takes ``language="zh"|"en"`` and has it as a reactive; a parent that changes it changes its children.

    tui.widgets.figures.figure_view    FigureView(figure).show(figure), FigureList(figures).show(figures): in place
    tui.widgets.figures.heatmap_view   HeatmapView(figure); posts RowCopied
    tui.widgets.knob_panel             KnobPanel(experiment, values=None): .values, .set_values(values), .reset();
                                       posts KnobChanged
    tui.widgets.checks_panel           ChecksPanel(checks).show(checks)
    tui.widgets.steps_panel            StepsPanel(steps).show(steps)
    tui.widgets.markdown_view          MarkdownView(text).show(text)

Every figure posts ``SaveWanted`` (``stem``, ``contents(format)``: whoever handles it chooses the path)
and ``TokenChosen``.
``KnobChanged`` carries ``name``, ``value`` and ``values`` (all knobs); it is posted for valid values only.
``widget.help_keys(language)`` gives the keys that act where the focus is, with what they do.
"""
