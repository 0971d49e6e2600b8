"""How is the reference written as one Markdown page?"""

from gateway.cli.reference.markdown.document import markdown

__all__ = ["markdown"]
