# Draws a terminal session: draw.py TITLE FILE.svg < text with ANSI colours
import sys

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

# No fonts of a web site: whatever monospaced font the reader has.
FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""

console = Console(record=True, width=120, file=open("/dev/null", "w"))
console.print(Text.from_ansi(sys.stdin.read()), overflow="ellipsis", no_wrap=True)
console.save_svg(sys.argv[2], title=sys.argv[1], theme=DIMMED_MONOKAI, code_format=FORMAT, unique_id="session")
