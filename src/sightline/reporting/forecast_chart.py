"""How the accuracy has grown with the number of training images, and what more of them would bring."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sightline.reporting.charts import LEFT, RIGHT, WIDTH, Curve, LineChart, lay_out
from sightline.reporting.scale import Scale, nice_ticks

if TYPE_CHECKING:
    from sightline.diagnosis.forecast import Forecast

SHOWN = 20  # classes; of more only those that gain most


@dataclass(frozen=True)
class ForecastRow:
    """What more images of one class are worth, in words: `more` of them, beside those there are `now`."""

    name: str
    now: str
    recall: str
    more: str
    gain: str


@dataclass(frozen=True)
class ForecastFigure:
    """chart: None when there are not two points to join. rows: the classes that gain most come first."""

    sentence: str
    chart: LineChart | None
    rows: Sequence[ForecastRow]


def forecast_figure(forecast: "Forecast") -> ForecastFigure:
    """The measured accuracies against the images they were trained on, and a table of classes."""
    classes = sorted(forecast.classes, key=lambda part: -part.gain.value)[:SHOWN]
    return ForecastFigure(
        sentence=forecast.sentence,
        chart=_chart(forecast) if len(forecast.points) > 1 else None,
        rows=[
            ForecastRow(
                part.name,
                f"{part.images_now:,}",
                f"{100 * part.recall_now:.0f} %",
                f"{part.more_images:,}",
                f"{_signed(part.gain.value)} points ({_signed(part.gain.low)} to {_signed(part.gain.high)})",
            )
            for part in classes
        ],
    )


def _signed(share: float) -> str:
    """A difference in points with its sign, the minus a true one; "0.0" has none."""
    text = f"{100 * share:+.1f}".replace("-", "\N{MINUS SIGN}")
    return "0.0" if text[1:] == "0.0" else text


def _chart(forecast: "Forecast") -> LineChart:
    points = sorted(forecast.points, key=lambda point: point[0])
    most = points[-1][0]
    curve = Curve(
        "accuracy",
        [(images, 100 * estimate.value) for images, estimate in points],
        [estimate.text() for _, estimate in points],
        "accent",
        [(100 * estimate.low, 100 * estimate.high) for _, estimate in points],
        points[-1][1].percent.short,
    )
    ticks = [tick for tick in nice_ticks(0, most, count=4) if tick <= most]
    return lay_out(
        [curve],
        Scale((0, most), (LEFT + 10, WIDTH - RIGHT - 6)),
        [(tick, f"{tick:,.0f}") for tick in ticks],
        title="Accuracy by number of training images",
        axis="images",
        name=lambda images: f"{images:,.0f} training images",
        unit=" %",
    )
