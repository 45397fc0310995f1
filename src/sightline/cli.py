"""The command line: from words to one call. The flags of `train` are the fields of `config.TrainOptions`.

Exit codes: 0 done, 1 failed, 2 wrong usage or bad input, 130 interrupted. What goes wrong is one sentence on stderr;
`--debug` shows the traceback before it. Every command imports what it needs when it runs: `--help` never loads torch.
"""

import time

STARTED = time.monotonic()  # before all else is imported: a time budget counts from here

import json as json_format
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from cyclopts import (
    App,
    ArgumentCollection,
    CoercionError,
    CycloptsError,
    Group,
    MissingArgumentError,
    Parameter,
    UnusedCliTokensError,
)

from sightline import __version__
from sightline.config import TrainOptions, ViewsName
from sightline.errors import InputError, SightlineError

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130

Data = Annotated[str, Parameter(help="Folder of class folders, CSV table (path,label), or a name such as digits.")]
RunFolder = Annotated[str, Parameter(help="Run folder of a training, e.g. runs/digits-speednet_s-1.")]
Json = Annotated[bool, Parameter(help="Print JSON.", show_default=False)]
Device = Annotated[str, Parameter(help="auto, cpu, cuda, cuda:1 or mps.")]


def _require_whole_numbers(arguments: ArgumentCollection) -> None:
    """Raise InputError for a fraction in place of a whole number; cyclopts would round it without a word."""
    for argument in arguments:
        whole = int in (argument.hint, *get_args(argument.hint))
        fraction = next((token.value for token in argument.tokens if whole and "." in token.value), None)
        if fraction is not None:
            raise InputError(f"{argument.name} is {fraction}", hint="use a whole number")


app = App(
    name="sightline",
    help="Image classifiers you can see through.",
    version=__version__,
    help_format="plaintext",
    default_parameter=Parameter(negative=()),
    group_parameters=Group("Parameters", validator=_require_whole_numbers),
    exit_on_error=False,
    print_error=False,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)


@app.command
def train(data: Data | None = None, /, *, options: Annotated[TrainOptions | None, Parameter(name="*")] = None) -> None:
    """Train a classifier; write a run folder with the model, its scores and a report."""
    import sightline

    sightline.train(data, **vars(options or TrainOptions()), started=STARTED)


@app.command
def evaluate(
    run: RunFolder,
    data: Data | None = None,
    /,
    *,
    tta: Annotated[
        ViewsName | None,
        Parameter(help="Views of each image that the answers are averaged over (default: those of the training)."),
    ] = None,
    json: Json = False,
    device: Device = "auto",
) -> None:
    """Score a run's classifier again on its test images, or on other data."""
    from sightline.commands.evaluate import score_run

    evaluation = score_run(run, data, device=device, views=tta)
    print(json_format.dumps(evaluation.to_json(), indent=2, ensure_ascii=False) if json else evaluation)


@app.command
def compare(
    first: RunFolder,
    second: RunFolder,
    /,
    *,
    data: Annotated[str | None, Parameter(help="Score both on this data instead of reading what they kept.")] = None,
    json: Json = False,
    device: Device = "auto",
) -> None:
    """Say whether the second run is better than the first, worse, or cannot be told from it yet."""
    from sightline.commands.compare import compare_runs

    comparison = compare_runs(first, second, data, device=device)
    print(json_format.dumps(comparison.to_json(), indent=2, ensure_ascii=False) if json else comparison)


@app.command
def report(run: RunFolder, /, *, device: Device = "auto") -> None:
    """Write a run's report anew, with all that can be seen in its network and its answers."""
    from sightline.commands.report import write_full_report

    print(write_full_report(run, device=device))


@app.command
def predict(
    run: RunFolder,
    path: Annotated[list[str], Parameter(help="Image files, folders (images at any depth) and globs.")],
    /,
    *,
    csv: Annotated[
        Path | None, Parameter(help="Write a table: path, label, probability, unknown, nearest, reason, more guesses.")
    ] = None,
    json: Json = False,
    top: Annotated[int, Parameter(help="How many of the likeliest classes to name.")] = 1,
    coverage: Annotated[
        float | None, Parameter(help="Also give sets of classes that hold the true one this often, e.g. 0.95.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Say what is on images. A file that cannot be read is a row with the reason."""
    from sightline.commands.predict import find_images, open_classifier, predict_files, recorded

    classifier, files = open_classifier(run, device=device), find_images(path)
    answers = predict_files(classifier, files, top=top, coverage=coverage)
    if csv:
        answers = recorded(answers, csv, top=top, coverage=coverage)
    width = max(len(str(file)) for file in files)
    rows = []
    for answer in answers:
        rows.append(answer)
        if not (csv or json):
            print(f"{answer.name:<{width}}  {answer}")
    if json:
        print(json_format.dumps([answer.to_json() for answer in rows], indent=2, ensure_ascii=False))
    answered = sum(answer.prediction is not None for answer in rows)
    if csv and not json:
        print(f"{answered:,} of {len(rows):,} files answered, written to {csv}")
    if not answered:
        raise InputError("there is not one image that can be read", hint="give image files, or a folder with some")


@app.command
def inspect(
    run: Annotated[str, Parameter(help="Run folder of a training; with --augment, data as `train` takes it.")],
    image: Annotated[Path | None, Parameter(help="Image file.")] = None,
    /,
    *,
    layer: Annotated[
        str | None, Parameter(help="Layer whose feature maps are drawn: a name or a stage's number (default: all).")
    ] = None,
    augment: Annotated[
        bool, Parameter(help="Draw what every kind of augmentation does to the data.", show_default=False)
    ] = False,
    recipe: Annotated[str | None, Parameter(help="With --augment: draw only what this recipe does.")] = None,
    out: Annotated[
        Path | None, Parameter(help="Folder for the files (default: in the run folder; with --augment, this folder).")
    ] = None,
    seed: Annotated[int, Parameter(help="With --augment: seed of the images and their variations.")] = 0,
    device: Device = "auto",
) -> None:
    """Draw what a network makes of an image: kernels, feature maps, where it looks; or what augmentation does."""
    if augment:
        if image is not None or layer is not None:
            raise InputError("--augment draws a data set, not a network", hint="leave out IMAGE and --layer")
        from sightline.commands.preview import write_augmentation_sheet

        print(write_augmentation_sheet(run, out or Path(), recipe=recipe, seed=seed))
        return
    if image is None:
        raise InputError("IMAGE is missing", hint="give an image file, or --augment to draw a data set's augmentation")
    from sightline.commands.inspect import look_inside

    for path in look_inside(run, image, layer=layer, out=out, device=device):
        print(path)


@app.command
def check(
    data: Data,
    /,
    *,
    json: Json = False,
    strict: Annotated[
        str | None, Parameter(help="Exit with 1 for findings of this severity or graver: info, warning or error.")
    ] = None,
    report: Annotated[Path | None, Parameter(help="Write an HTML page with the images in question.")] = None,
    group_by: Annotated[
        str | None, Parameter(help="Table column, or regular expression on file names, that tells groups.")
    ] = None,
    quarantine: Annotated[
        Path | None, Parameter(help="Images to leave out, labels to correct (default: quarantine.csv with the data).")
    ] = None,
    write_quarantine: Annotated[Path | None, Parameter(help="Write a proposal of what to leave out.")] = None,
) -> int:
    """Look at every image of a data set: what is unreadable, doubled, leaking, uneven or a giveaway."""
    from sightline.commands.check import check as check_data
    from sightline.reporting.audit_text import audit_text

    audit, passed = check_data(
        data, group_by=group_by, quarantine=quarantine, strict=strict, report=report, proposal=write_quarantine
    )
    print(json_format.dumps(audit.to_json(), indent=2, ensure_ascii=False) if json else audit_text(audit))
    return 0 if passed else FAILED


@app.command
def models(
    filter: Annotated[str, Parameter(help="Part of a name.")] = "",
    /,
    *,
    pretrained: Annotated[
        bool, Parameter(help="Compare networks trained on ImageNet, the most accurate first.", show_default=False)
    ] = False,
    measure: Annotated[
        bool, Parameter(help="With --pretrained: measure images/s on this machine.", show_default=False)
    ] = False,
    device: Device = "auto",
) -> None:
    """List the networks: parameters, image size and channels as published."""
    if measure and not pretrained:
        raise InputError("only pretrained networks are measured", hint="add --pretrained")
    from sightline.commands.models import backbone_table, model_table

    print(backbone_table(filter, device=device if measure else None) if pretrained else model_table(filter))


@app.command
def summary(
    model: Annotated[str, Parameter(help="Name of a network; `sightline models` lists them.")],
    /,
    *,
    size: Annotated[int | None, Parameter(help="Height and width in pixels (default: as published).")] = None,
    classes: Annotated[int | None, Parameter(help="Outputs (default: as published).")] = None,
    channels: Annotated[int | None, Parameter(help="1 for grey, 3 for RGB (default: as published).")] = None,
    json: Json = False,
) -> None:
    """Show a network layer by layer: shapes, parameters, multiply-adds, receptive field."""
    from sightline.commands.summary import summarise

    table = summarise(model, size=size, classes=classes, channels=channels)
    print(json_format.dumps(table.to_json(), indent=2) if json else table)


@app.command
def lab(
    run: Annotated[Path | None, Parameter(help="Run folder to look into, also one that still trains.")] = None,
    /,
    *,
    model: Annotated[str | None, Parameter(help="Instead of a run: a published network, ours or timm's.")] = None,
    weights: Annotated[str | None, Parameter(help="With --model: a file, imagenet (fetched), none (random).")] = None,
    port: Annotated[int, Parameter(help="Port; 0 is any free one.")] = 8760,
    no_open: Annotated[bool, Parameter(help="Do not open the browser.", show_default=False)] = False,
    export: Annotated[Path | None, Parameter(help="Write static pages into this folder instead.")] = None,
) -> None:
    """Open the lab in the browser: see a convolution, take networks apart, learn."""
    if export:
        if model:
            raise InputError("a published network has no pictures to copy", hint="give --export a run, or none")
        from sightline.lab.export import export as write_pages

        print(write_pages(export, run))
        return
    from sightline.lab.server import serve

    serve(run, model=model, weights=weights, port=port, open_browser=not no_open)


@app.command
def doctor(
    *,
    clear_cache: Annotated[
        bool,
        Parameter(help="Delete the decoded images and the features that trainings have kept.", show_default=False),
    ] = False,
) -> int:
    """Show machine, versions, accelerators, threads, disks and data; say what to fix."""
    from sightline.commands.doctor import clear_caches, examine, report

    if clear_cache:
        print(clear_caches())
        return 0
    remarks = examine()
    print(report(remarks))
    return FAILED if any(remark.level == "fix" for remark in remarks) else 0


app.meta.suppress_keyboard_interrupt = False  # it does not take this one from `app`


@app.meta.default
def _launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    debug: Annotated[bool, Parameter(help="Show the traceback of an error.", show_default=False)] = False,
) -> int | None:
    command, bound, _ = app.parse_args(tokens)
    code: int | None = command(*bound.args, **bound.kwargs)
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. argv: the words after `sightline`, by default the process's own."""
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        code = app.meta(words) or 0
        sys.stdout.flush()  # here, so that a closed pipe or a full disk is still noticed
        return int(code)
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at exit
        return FAILED
    except (Exception, KeyboardInterrupt) as error:
        if "--debug" in words:
            traceback.print_exc()
        sentence, code = _explain(error)
        print(f"sightline: {sentence}", file=sys.stderr)
        return code


def _explain(error: BaseException) -> tuple[str, int]:
    """What went wrong in one sentence, and the exit code."""
    if isinstance(error, SightlineError):
        return str(error), error.exit_code
    if isinstance(error, CycloptsError):
        return f"{_usage(error)} See `{' '.join(['sightline', *(error.command_chain or ()), '--help'])}`.", BAD_INPUT
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", INTERRUPTED
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "can't allocate" in str(error):
        return "there is not enough memory: use a smaller --batch-size, a smaller --size or a smaller model", FAILED
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror.lower()}", BAD_INPUT
    reason = (str(error).splitlines() or ["no reason is given"])[0]
    return f"unexpected {type(error).__name__}: {reason}; this is a fault of Sightline, run again with --debug", FAILED


def _usage(error: CycloptsError) -> str:
    """What is wrong with the words that were typed."""
    if isinstance(error, UnusedCliTokensError):
        return f"There is no place for {' '.join(map(repr, error.unused_tokens or ()))}."
    if isinstance(error, MissingArgumentError) and error.argument and not error.keyword:
        return f"{error.argument.name} is missing."
    if isinstance(error, CoercionError) and error.token and error.token.keyword and error.argument:
        wanted = _values(error.argument.hint)
        if {int, float} & set(wanted):
            return f"{error.token.keyword} is {error.token.value}: use {' or '.join(map(_in_words, wanted))}."
    return str(error)


def _values(hint: Any) -> list[Any]:
    """The types and words that an option takes: float | Literal["auto"] | None -> [float, "auto"]."""
    if get_origin(hint) is Annotated or get_origin(hint) is Literal:
        return list(get_args(hint)) if get_origin(hint) is Literal else _values(get_args(hint)[0])
    parts = [part for part in get_args(hint) if part is not type(None)]
    return [value for part in parts for value in _values(part)] if parts else [hint]


def _in_words(value: Any) -> str:
    return {int: "a whole number", float: "a number"}.get(value, str(value))
