"""The subcommands, a file each: ``add_arguments(parser)`` and ``run(context, options) -> exit status``."""
