"""Everything the report shows of an evaluation and of what was made from it, ready to be drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sightline.data.imageset import ImageSet
from sightline.evaluation.evaluate import Evaluation
from sightline.evaluation.intervals import format_percent
from sightline.reporting.cells import CellGallery, cell_galleries
from sightline.reporting.class_table import ClassTable, class_table
from sightline.reporting.confusion import (
    LARGEST_TABLE,
    ConfusionImage,
    ConfusionTable,
    confusion_image,
    confusion_table,
)
from sightline.reporting.forecast_chart import ForecastFigure, forecast_figure
from sightline.reporting.galleries import Gallery, least_sure, surest_mistakes, suspected_labels
from sightline.reporting.heat import DrawnHeats, HeatSheet
from sightline.reporting.image_map import ImageMap, image_map
from sightline.reporting.material import Material
from sightline.reporting.reliability_chart import ReliabilityChart, reliability_chart
from sightline.reporting.slice_table import SliceTable, slice_table
from sightline.reporting.sprites import DrawnSheet, SpriteSheet
from sightline.reporting.time_machine import TimeMachine, time_machine


@dataclass(frozen=True)
class Scores:
    """What the page shows of an evaluation: the matrix as a table, or as a picture when there are many classes."""

    evaluation: Evaluation
    classes: ClassTable
    confusions: Sequence[tuple[str, str, int]]
    table: ConfusionTable | None
    picture: ConfusionImage | None
    means: Sequence[tuple[str, str]]
    sureness: str
    reliability: Sequence[ReliabilityChart]
    unknown: str


@dataclass(frozen=True)
class ImagesShown:
    """What the page shows of the images themselves; each part is None or empty where there is nothing to show."""

    cells: Sequence[CellGallery]
    mistakes: Gallery | None
    unsure: Gallery | None
    suspects: Gallery | None
    map: ImageMap | None
    sprites: DrawnSheet | None
    heats: DrawnHeats | None

    def cell(self, row: int, column: int) -> CellGallery | None:
        """The images of a cell of the confusion matrix."""
        return next((cell for cell in self.cells if (cell.row, cell.column) == (row, column)), None)


@dataclass(frozen=True)
class Extras:
    """The sections that are made of the `Material` alone."""

    slices: SliceTable | None
    forecast: ForecastFigure | None
    machine: TimeMachine | None


MEANS = {
    "balanced_accuracy": "Balanced accuracy",
    "macro_precision": "Precision, every class alike",
    "macro_f1": "F1, every class alike",
    "weighted_precision": "Precision, by images",
    "weighted_f1": "F1, by images",
    "roc_auc": "ROC AUC, one class against the rest",
    "average_precision": "Average precision",
    "top5": "Right class among the first five",
}


def scores(evaluation: Evaluation, class_counts: Mapping[str, int]) -> Scores:
    """class_counts: training images of each class, where they are known."""
    many = len(evaluation.classes) > LARGEST_TABLE
    return Scores(
        evaluation=evaluation,
        classes=class_table(evaluation, class_counts),
        confusions=evaluation.confusions(20 if many else 10),
        table=None if many else confusion_table(evaluation),
        picture=confusion_image(evaluation) if many else None,
        means=[
            (words, evaluation.estimates[key].text()) for key, words in MEANS.items() if key in evaluation.estimates
        ],
        sureness=_sureness(evaluation),
        reliability=_reliability(evaluation),
        unknown=_unknown(evaluation),
    )


def images_shown(evaluation: Evaluation, images: ImageSet, material: Material) -> ImagesShown:
    """Galleries, the images of the matrix and the map, with the sheets that carry their pixels."""
    sprites, heats = SpriteSheet(images), HeatSheet(material.preprocess)
    suspects = material.suspects or ()
    return ImagesShown(
        cells=cell_galleries(evaluation, sprites),
        mistakes=surest_mistakes(evaluation, images, material.saliency, heats),
        unsure=least_sure(evaluation, images, material.saliency, heats),
        suspects=suspected_labels(suspects, material.suspect_images or images) if suspects else None,
        map=image_map(material.embedding, evaluation, sprites) if material.embedding else None,
        sprites=sprites.draw(),
        heats=heats.draw(),
    )


def extras(evaluation: Evaluation, material: Material) -> Extras:
    return Extras(
        slices=slice_table(material.slices, evaluation),
        forecast=forecast_figure(material.forecast) if material.forecast else None,
        machine=time_machine(material.snapshots) if material.snapshots else None,
    )


def _reliability(evaluation: Evaluation) -> list[ReliabilityChart]:
    """Before and after calibration, or only as it is where nothing was calibrated."""
    if evaluation.temperature == 1.0:
        return [reliability_chart(evaluation.reliability_after, title="not calibrated")]
    return [
        reliability_chart(evaluation.reliability_before, title="before"),
        reliability_chart(evaluation.reliability_after, title="after"),
    ]


def _sureness(evaluation: Evaluation) -> str:
    """How true the probabilities are, and what calibration did."""
    after = evaluation.reliability_after
    sentence = (
        f"A probability is off by {after.ece.text()} on average (the expected calibration error); even true ones would "
        f"seem off by {100 * after.by_chance:.1f} % with so many images, by chance."
    )
    if evaluation.temperature == 1.0:
        return f"{sentence} No temperature was fitted: these are the network's own probabilities."
    before, kind = evaluation.reliability_before, "too sure" if evaluation.temperature > 1 else "too modest"
    return (
        f"{sentence} Before calibration it was {before.ece.text()}, as the network was {kind}: validation images gave "
        f"it a temperature of {evaluation.temperature:.2f}, which changes probabilities and no answer."
    )


def _unknown(evaluation: Evaluation) -> str:
    """What became of the images that are answered with "unknown"; empty without any."""
    unknown = evaluation.unknown
    count = int(unknown.sum())
    if not count:
        return ""
    missed = int((unknown & (evaluation.predicted != evaluation.labels)).sum())
    others, others_correct = evaluation.total - count, evaluation.correct - (count - missed)
    wrong = f"{missed:,}" if missed else "none"
    text = f"{count:,} of {evaluation.total:,} test images are called unknown; {wrong} of these were named wrongly."
    return text + (f" Of the others, {format_percent(others_correct, others)} are recognised." if others else "")
