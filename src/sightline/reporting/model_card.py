"""The model card: what a saved model is, how good it is and where its limits are, as Markdown beside its weights.

Its headings follow M. Mitchell et al., "Model cards for model reporting" (arXiv 1810.03993), as far as something is
known: what a model is meant for and may not be used for is known to its maker, not to Sightline, and is not invented.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sightline.evaluation.evaluate import Evaluation
from sightline.evaluation.intervals import format_percent
from sightline.machine import files
from sightline.reporting.description import TrainingFacts
from sightline.reporting.material import NOTHING, Material
from sightline.reporting.sections import MEANS

if TYPE_CHECKING:
    from sightline.classifier.classifier import Classifier
    from sightline.reporting.audit_section import AuditSection
    from sightline.runs.run import Run

WEAKEST = 5  # classes that are named, and as many confusions
LISTED = 100  # classes
FINDINGS = ("error", "warning")  # of the audit: what is merely good to know stays in the report


def write_model_card(
    run: "Run",
    facts: TrainingFacts,
    classifier: "Classifier",
    *,
    evaluation: Evaluation | None = None,
    audit: "AuditSection | None" = None,
    material: Material = NOTHING,
) -> Path:
    """Write README.md beside the run's weights and return its path. Raises StorageError."""
    path = run.model_folder / "README.md"
    card = model_card(facts, classifier, evaluation=evaluation, audit=audit, material=material, run_name=run.name)
    files.write_text(path, card)
    return path


def model_card(
    facts: TrainingFacts,
    classifier: "Classifier",
    *,
    evaluation: Evaluation | None = None,
    audit: "AuditSection | None" = None,
    material: Material = NOTHING,
    run_name: str = "",
) -> str:
    """The card as Markdown; the parameters are those of `write_report`. run_name: of the folder with the report."""
    sections = [
        ("Model details", _details(facts, classifier)),
        ("How to use it", _use(classifier)),
        ("Training data", _training_data(facts)),
        ("Evaluation data", _evaluation_data(facts, evaluation)),
        ("Metrics", _metrics(evaluation)),
        ("Results by class", _classes(evaluation)),
        ("Probabilities and unknown images", _sureness(classifier, evaluation)),
        ("Caveats", _caveats(facts, classifier, evaluation, audit, material)),
        ("To repeat it", _repeat(facts)),
    ]
    body = [f"## {title}\n\n" + "\n".join(lines) for title, content in sections if (lines := list(content))]
    title = f"# {_plain(facts.model)} on {_plain(facts.data)}"
    run = f"the run {_plain(run_name)}" if run_name else "its run"
    source = f"Written by Sightline from the figures of {run}; its report.html shows more."
    return "\n\n".join([title, source, *body]) + "\n"


def _details(facts: TrainingFacts, classifier: "Classifier") -> Iterator[str]:
    yield f"- An image classifier: {_plain(facts.model)}, a network with {facts.parameters:,} parameters."
    yield f"- It tells {facts.num_classes} classes apart: {_listed(classifier.classes)}."
    yield f"- What it sees: {_plain(classifier.preprocess.describe())}"
    for name, value in classifier.provenance.items():
        yield f"- {NAMES.get(name, name.replace('_', ' ').capitalize())}: {_plain(value)}"


NAMES = {
    "data": "Trained on",
    "licence": "Licence",
    "sightline": "Sightline",
    "torch": "PyTorch",
    "weights": "Pretrained weights from",
    "weights_licence": "Licence of the pretrained weights",
    "weights_digest": "Digest of the pretrained weights",
}


def _use(classifier: "Classifier") -> Iterator[str]:
    yield "```python"
    yield "import sightline as sl"
    yield ""
    yield 'classifier = sl.load("FOLDER")  # the folder of this file, or the run folder around it'
    yield 'prediction = classifier.predict("image.jpg")'
    yield "print(prediction.label, prediction.probability, prediction.unknown)"
    yield "```"
    yield ""
    yield "The weights are `model.safetensors`, everything else is `model.json`; neither can hold code."


def _training_data(facts: TrainingFacts) -> Iterator[str]:
    yield f"{facts.train_images:,} images of {_plain(facts.data)}" + (
        f", and {facts.val_images:,} to choose by (validation)." if facts.val_images else "; none to choose by."
    )
    if facts.class_counts:
        counts = sorted(facts.class_counts.items(), key=lambda item: item[1])
        (rarest, few), (commonest, many) = counts[0], counts[-1]
        yield (
            f"The rarest class is {_plain(rarest)} with {few:,} training images, "
            f"the commonest {_plain(commonest)} with {many:,}."
        )


def _evaluation_data(facts: TrainingFacts, evaluation: Evaluation | None) -> Iterator[str]:
    if evaluation is None or not evaluation.total:
        yield "There were no test images: nobody knows how well it does on images that had no part in its making."
        return
    yield f"{evaluation.total:,} test images that had no part in training or in any choice."
    if evaluation.note:
        yield _plain(evaluation.note)


def _metrics(evaluation: Evaluation | None) -> Iterator[str]:
    if evaluation is None or not evaluation.total:
        return
    yield "In brackets, 95 % intervals: how far more test images of the same kind might move the figure."
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| Accuracy | {format_percent(evaluation.correct, evaluation.total)} |"
    for key, words in MEANS.items():
        if key in evaluation.estimates:
            yield f"| {words} | {evaluation.estimates[key].text()} |"


def _classes(evaluation: Evaluation | None) -> Iterator[str]:
    if evaluation is None or not evaluation.total:
        return
    scores = sorted((score for score in evaluation.classes if score.support), key=lambda score: score.recall)
    weakest = scores[:LISTED]
    yield "Recall, the share of a class that is recognised, and precision, the share of such answers that is right."
    yield ""
    yield "| Class | Recall | Precision | Test images |"
    yield "|---|---|---|---|"
    for score in weakest:
        called = int(evaluation.confusion[:, evaluation.classes.index(score)].sum())
        precision = format_percent(score.correct, called) if called else "never named"
        recall = format_percent(score.correct, score.support)
        yield f"| {_plain(score.name)} | {recall} | {precision} | {score.support:,} |"
    if len(scores) > len(weakest):
        yield ""
        yield f"These are the {len(weakest)} weakest of {len(scores)} classes."
    if confusions := evaluation.confusions(WEAKEST):
        yield ""
        pairs = "; ".join(
            f"{_plain(truth)} taken for {_plain(taken)} ({count:,})" for truth, taken, count in confusions
        )
        yield f"The commonest confusions: {pairs}."


def _sureness(classifier: "Classifier", evaluation: Evaluation | None) -> Iterator[str]:
    scored = evaluation if evaluation is not None and evaluation.total else None
    if scored:
        after, before = scored.reliability_after.ece, scored.reliability_before.ece
        uncalibrated = "; they were not calibrated."
        calibrated = f", before calibration {before.text()} (temperature {scored.temperature:.2f})."
        yield (
            f"- The expected calibration error of the probabilities is {after.text()}"
            f"{uncalibrated if scored.temperature == 1 else calibrated}"
        )
    rule = classifier.unknown
    if rule is None:
        yield "- It has no rule for images unlike those it knows: it names one of its classes whatever it is shown."
        return
    yield f"- It calls an image unknown where its score ({rule.score}) is below {rule.threshold:.4g}."
    if rule.images:
        yield f"- That threshold accepts {100 * rule.accepted:.0f} % of {rule.images:,} images held out for it."
    if scored:
        yield f"- {format_percent(int(scored.unknown.sum()), scored.total)} of the test images are called unknown."


def _caveats(
    facts: TrainingFacts,
    classifier: "Classifier",
    evaluation: Evaluation | None,
    audit: "AuditSection | None",
    material: Material,
) -> Iterator[str]:
    yield "- The figures hold for images like the test images; where others come from, they may not."
    if evaluation is not None and (weakest := evaluation.weakest):
        yield (
            f"- Weakest class: {_plain(weakest.name)}, {weakest.correct:,} of {weakest.support:,} recognised, "
            f"{format_percent(weakest.correct, weakest.support)}."
        )
    if material.suspects:
        yield f"- {len(material.suspects):,} labels {material.among} look wrong; see the report."
    if audit:
        for finding in audit.findings:
            if finding.severity in FINDINGS:
                yield f"- Audit of the data, {finding.severity}: {_plain(finding.what)}."
    if facts.note:
        yield f"- {_plain(facts.note)}"


def _repeat(facts: TrainingFacts) -> Iterator[str]:
    if not facts.command:
        return
    yield f"```\n{facts.command}\n```"
    if facts.versions:
        yield ""
        yield ", ".join(f"{_plain(name)} {_plain(version)}" for name, version in facts.versions.items())


def _listed(names: Sequence[str]) -> str:
    words = ", ".join(_plain(name) for name in names[:LISTED])
    return words + (f" and {len(names) - LISTED:,} more" if len(names) > LISTED else "")


def _plain(text: str) -> str:
    """Text from the user's disk with Markdown's and HTML's signs made harmless, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))
