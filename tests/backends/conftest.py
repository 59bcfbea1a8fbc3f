"""The backends import frameworks that need not be there: pytest reads none but the test module."""

from pathlib import Path

collect_ignore = [
    path.name for path in Path(__file__).parent.glob("*.py") if not path.name.startswith("test_")
]
