"""Golden cases through other frameworks; what computes GSNR there are the recipes of the docs."""

import sys
from pathlib import Path

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
sys.path.append(str(RECIPES))
