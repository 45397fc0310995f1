"""shared/numbers.js: numbers as the reader sees and types them."""

import re
from typing import Any

import pytest

from sightline.lab.pages import STATIC

from .conftest import in_node

SCRIPT = """
import * as numbers from "file://{static}/shared/numbers.js";
const answers = given.map(([name, ...values]) => numbers[name](...values));
"""

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (["decimal", 1 / 3], "0.33"),
        (["decimal", -1], f"{MINUS}1"),
        (["decimal", -0.001], "0"),
        (["factor", 2], "2"),
        (["factor", -0.5], f"({MINUS}0.5)"),
        (["significant", -1.07512], f"{MINUS}1.075"),
        (["significant", 0.00000012345], f"1.235e{MINUS}7"),
        (["significant", 1234.5, 2], "1200"),
        (["significant", 150.4, 2], "150"),
        (["precise", 0.5, 3], "0.500"),
        (["precise", -0.00000012, 2], f"{MINUS}1.2e{MINUS}7"),
        (["fixed", -0.5, 2], f"{MINUS}0.50"),
        (["fixed", -0.001, 2], "0.00"),
        (["fixed", 12, 0], "12"),
        (["power", 0.001], f"1e{MINUS}3"),
        (["short", -123.4], f"{MINUS}123"),
        (["short", 0.0784], "0.078"),
        (["percent", 0.4182], "41.8 %"),
        (["percent", 1, 0], "100 %"),
        (["percent", -0.25], f"{MINUS}25.0 %"),
        (["grouped", 11689512], "11,689,512"),
        (["rough", 1_814_073_344], "1.81 billion"),
        (["rough", 25_557_032], "25.6 million"),
        (["rough", 999_999], "999,999"),
        (["counted", 1, "layer"], "1 layer"),
        (["counted", 1200, "layer"], "1,200 layers"),
        (["typedWeight", f" {MINUS}1,5 "], -1.5),
        (["typedWeight", "1/8"], 0.125),
        (["typedWeight", "1000"], None),
        (["typedWeight", "1/0"], None),
        (["typedWeight", "a third"], None),
        (["typedWeight", "1.2.3"], None),
        (["typedWeight", ""], None),
    ],
)
def test_a_number(call: list[Any], expected: Any) -> None:
    assert in_node(SCRIPT, [call]) == [expected]


def test_every_number_is_written_here() -> None:
    others = [path for path in STATIC.rglob("*.js") if path.name != "numbers.js"]
    written = re.compile(r"\.to(?:Fixed|Precision|Exponential|LocaleString)\(")
    offenders = [
        path.relative_to(STATIC).as_posix() for path in others if written.search(path.read_text(encoding="utf-8"))
    ]
    assert len(others) > 20
    assert offenders == []
