"""How is the reference written as one HTML page, with nothing around it?"""

from gateway.cli.reference.page.document import page

__all__ = ["page"]
