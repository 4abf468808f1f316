"""The command line. Each command imports what it needs, so that ``--help`` never waits for torch."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from .arguments import assignment, interval, named_draws
from .plugin_commands import plugin_app, plugins

if TYPE_CHECKING:
    from ..core.data import Data
    from . import sweep as sweeping
    from .look import Findings

app = typer.Typer(
    help="InfoGAN: from a text spec to a trained, steerable, measured model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Run = Annotated[Path, typer.Argument(help="A run folder, or a model folder.", metavar="RUN")]
Spec = Annotated[str, typer.Argument(help="A recipe's name, a YAML file, or a run folder.", metavar="RECIPE-or-FILE")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="PATH=VALUE in the spec, such as training.ema=0.999.")
]
Codes = Annotated[
    list[str] | None, typer.Option("--code", help="NAME=VALUE, or NAME=VALUE,VALUE,... with one per picture.")
]
Seed = Annotated[int, typer.Option(help="Makes the draw repeatable.")]

PAGE = 20
"""Pictures that `sample` draws unless told otherwise; SEED:INDEX names one of them."""


@app.command()
def recipes() -> None:
    """List the recipes, each with what its first comment says."""
    from ..registry import default

    known = default().recipes
    for name, text in known.items():
        typer.echo(f"{name:{max(map(len, known))}} {_first_sentence(text)}")


@app.command()
def show(spec: Spec) -> None:
    """Print a recipe's text, ready to be saved and edited."""
    from ..training.spec_text import find_text

    typer.echo(find_text(spec).rstrip("\n"))


@app.command()
def train(
    spec: Spec,
    settings: Settings = None,
    steps: Annotated[int | None, typer.Option(help="Short for --set training.steps=...")] = None,
    seed: Annotated[int | None, typer.Option(help="Short for --set training.seed=...")] = None,
    out: Annotated[Path | None, typer.Option(help="The run folder; runs/NAME unless given.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest checkpoint, or start.")] = False,
) -> None:
    """Train a model and leave a run folder: run.yaml, log.jsonl, pictures/, checkpoints/, model/.

    A run folder in place of a spec stands for its own run.yaml: `train RUN --resume` goes on with it.
    """
    from rich.console import Console

    from ..training.group import leads
    from ..training.loop import train as run_training
    from ..training.spec_text import read_run, spec_file
    from ..training.stopping import Stopped
    from .display import Display
    from .pictures import save_traversal

    short = {"training.steps": steps, "training.seed": seed}
    changes = [*(settings or ()), *(f"{path}={value}" for path, value in short.items() if value is not None)]
    run = read_run(spec, changes)
    of_run = spec_file(spec) != Path(spec)
    folder = out or (Path(spec) if of_run else Path("runs") / Path(spec).stem)
    console = Console(stderr=True, quiet=not leads())
    try:
        with Display(console, run.training.steps, run.training.batch_size) as display:
            run_training(run, folder, resume=resume, on_report=display, on_model=save_traversal)
    except Stopped as stopped:
        if leads():
            typer.echo(f"infogan: {stopped}", err=True)
        raise typer.Exit(128 + stopped.signal) from None
    if leads():
        typer.echo(folder / "pictures" / "traversal.png")


@app.command()
def sample(
    run: Run,
    codes: Codes = None,
    n: Annotated[int, typer.Option("-n", help="How many pictures.", min=1, max=10_000)] = PAGE,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("sample.png"),
) -> None:
    """Draw pictures, with the named codes held or listed."""
    from .pictures import draw, label, sample_panel
    from .runs import open_model

    model = open_model(run)
    values = dict(assignment(code) for code in codes or ())
    latent = model.draw(n, seed=seed, **values)
    drawn = model.latents.split(latent.cpu())[1]
    held = [model.latents.codes[name].decode(drawn[name]) for name in values]
    labels = [", ".join(map(label, of_one)) for of_one in zip(*held, strict=True)]
    title = ", ".join(f"{name} = {label(value)}" for name, value in values.items()) or f"{n} samples"
    draw([sample_panel(model.generate(latent), labels, title)]).save(out)
    typer.echo(out)


@app.command()
def traverse(
    run: Run,
    codes: Annotated[list[str] | None, typer.Option("--code", help="NAME; all codes unless given.")] = None,
    steps: Annotated[int, typer.Option(help="Positions of a continuous dial.", min=2, max=100)] = 10,
    rows: Annotated[int, typer.Option(help="Rows, each with noise of its own.", min=1, max=100)] = 5,
    seed: Seed = 0,
    between: Annotated[
        str | None, typer.Option("--range", help="LOW,HIGH of a continuous code, also beyond its own: -2,2.")
    ] = None,
    out: Annotated[Path, typer.Option(help="A .png, or a .gif that moves.")] = Path("traversal.png"),
) -> None:
    """Walk codes over their dials while all else stands still."""
    from .pictures import draw, save_animation, traversal_panel
    from .runs import open_model

    model = open_model(run)
    low, high = interval(between) if between is not None else (None, None)
    names = codes or list(model.latents.codes)
    walks = [model.traverse(name, steps, rows=rows, seed=seed, low=low, high=high) for name in names]
    if out.suffix == ".gif":
        save_animation(walks, out)
    else:
        draw([traversal_panel(walk) for walk in walks]).save(out)
    typer.echo(out)


@app.command()
def interpolate(
    run: Run,
    start: Annotated[str, typer.Option("--from", help="SEED:INDEX, a picture of `sample --seed SEED`, from 0.")],
    stops: Annotated[list[str], typer.Option("--to", help="SEED:INDEX; again to go on from there.")],
    steps: Annotated[int, typer.Option(help="Pictures on each leg, with both of its ends.", min=2, max=100)] = 8,
    codes: Annotated[bool, typer.Option("--codes", help="Let the codes go along; else they stay.")] = False,
    rows: Annotated[
        bool, typer.Option("--rows", help="A row for the noise and each code alone, and one for all together.")
    ] = False,
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("interpolation.png"),
) -> None:
    """Go from one draw to another, picture by picture."""
    from .named_latents import path_panel
    from .pictures import draw
    from .runs import open_model

    model = open_model(run)
    draw([path_panel(model, [start, *stops], page=PAGE, steps=steps, codes=codes, rows=rows)]).save(out)
    typer.echo(out)


@app.command()
def arithmetic(
    run: Run,
    expression: Annotated[str, typer.Argument(help="Names with + and - between them: 'a - b + c'.")],
    latents: Annotated[
        list[str] | None,
        typer.Option("--latent", help="NAME=SEED:INDEX,...: pictures of `sample --seed SEED`, from 0; their mean."),
    ] = None,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("arithmetic.png"),
) -> None:
    """Add and subtract means of draws: man with glasses - man + woman."""
    from .named_latents import sum_panels
    from .pictures import draw
    from .runs import open_model

    members: dict[str, list[str]] = {}
    for name, names in map(named_draws, latents or ()):
        if name in members:
            raise ValueError(f"--latent {name}: is given twice; list all of its draws in one")
        members[name] = names
    draw(sum_panels(open_model(run), expression, members, page=PAGE, seed=seed)).save(out)
    typer.echo(out)


@app.command()
def encode(
    run: Run,
    images: Annotated[list[Path], typer.Argument(help="Picture files of the model's size.", metavar="IMAGE...")],
) -> None:
    """Read the codes off pictures; prints JSON, one object per picture."""
    import torch

    from .runs import open_model, read_image

    model = open_model(run)
    posteriors = model.infer(torch.stack([read_image(path, model.spec.image) for path in images]), domain="real")
    report = [
        {
            "image": str(path),
            "codes": {
                name: {
                    "guess": posterior.guess[i],
                    "confidence": float(posterior.confidence[i]),
                    "log_likelihood": float(posterior.log_likelihood[i]),
                    **{key: value[i].tolist() for key, value in posterior.law.items()},
                }
                for name, posterior in posteriors.items()
            },
        }
        for i, path in enumerate(images)
    ]
    typer.echo(json.dumps(report, indent=2))


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder, whose spec names the data.", metavar="RUN")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of tables.")] = False,
    seed: Seed = 0,
) -> None:
    """Measure a run's model: information of each code; codes against the data's known factors."""
    from rich.console import Console

    from ..evaluation import evaluate as measure
    from .runs import open_model, open_run
    from .tables import evaluation_tables

    found = measure(open_model(run), open_run(run).data, seed=seed)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        for table in evaluation_tables(found):
            Console().print(table)


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.", metavar="RUN RUN...")],
    codes: Annotated[
        list[str] | None,
        typer.Option("--code", help="NAME; the discrete codes unless given, or all if there are none."),
    ] = None,
    steps: Annotated[int, typer.Option(help="Positions of a continuous dial.", min=2, max=100)] = 10,
    rows: Annotated[int, typer.Option(help="Rows, each with noise of its own.", min=1, max=100)] = 5,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("comparison.png"),
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Put runs beside each other: information, effects of the codes, errors; curves and traversals in one picture."""
    from rich.console import Console

    from .compare import compare as measure
    from .compare import comparison_page
    from .tables import comparison_table

    found = measure(runs, codes or (), seed=seed)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        Console().print(comparison_table(found))
    for run in found.runs:
        if run.missing:
            typer.echo(f"infogan: {run.name}: no errors without data: {run.missing}", err=True)
    comparison_page(found, steps=steps, rows=rows, seed=seed).save(out)
    typer.echo(out, err=True)


@app.command()
def quality(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, all on the same data.", metavar="RUN...")],
    n: Annotated[int, typer.Option("-n", help="Pictures on each side, at most.", min=20, max=100_000)] = 10_000,
    features: Annotated[
        Path | None,
        typer.Option(help="The feature network's folder: read where it is there, else made and written."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
    seed: Seed = 0,
) -> None:
    """Compare runs' pictures with held-out real ones: KID, precision, recall, sliced Wasserstein distance by scale."""
    from rich.console import Console

    from ..evaluation import kept_features, load_splits, measure_quality, train_features
    from .runs import data_of_all, open_model
    from .tables import quality_table

    data = data_of_all(runs)
    models = {str(run): open_model(run) for run in runs}
    splits = load_splits(data)
    if features is None:
        network = train_features(data, pictures=splits.train)
    else:
        network = kept_features(data, features, pictures=splits.train)
    found = measure_quality(models, data, network, n=n, seed=seed, splits=splits)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        Console().print(quality_table(found))


@app.command()
def sweep(
    spec: Spec,
    seeds: Annotated[int, typer.Option(help="How many: 0, 1, 2, ...", min=1, max=10_000)] = 5,
    settings: Settings = None,
    jobs: Annotated[int, typer.Option(help="How many at a time; the cores are shared among them.", min=1)] = 1,
    out: Annotated[Path | None, typer.Option(help="The folder of the runs; runs/NAME-sweep unless given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Train and measure the same run over seeds; what was finished before is kept, what was cut off goes on."""
    from rich.console import Console

    from ..training.spec_text import read_run
    from .sweep import spreads
    from .sweep import sweep as run_sweep
    from .tables import spread_table

    def say(found: sweeping.Seed) -> None:
        values = ", ".join(f"{name} {value:.4f}" for name, value in found.measures.items())
        typer.echo(f"seed {found.seed}: {values} ({found.minutes:.1f} min)", err=True)

    run = read_run(spec, settings or ())
    folder = out or Path("runs") / f"{Path(spec).stem}-sweep"
    found = run_sweep(run, folder, range(seeds), jobs=jobs, on_seed=say)
    by_measure = spreads(found)
    if as_json:
        typer.echo(json.dumps({name: asdict(spread) for name, spread in by_measure.items()}, indent=2))
    else:
        Console().print(spread_table(by_measure, seeds))


@app.command()
def look(
    spec: Spec,
    settings: Settings = None,
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("look.png"),
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Show what the networks would be fed: a page of pictures, and which are flat, doubled, cut, or cannot be read."""
    from ..training.spec_text import read_run
    from .look import look as go_through
    from .look import look_page

    run = read_run(spec, settings or ())
    found = go_through(run.data, batch_size=run.training.batch_size)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        _print_findings(found, run.data)
        if found.stops:
            typer.echo(f"infogan: training would stop: {found.stops}", err=True)
    if found.panels:
        look_page(found).save(out)
        typer.echo(out, err=True)


@app.command()
def validate(
    spec: Spec,
    settings: Settings = None,
    data: Annotated[bool, typer.Option("--data", help="Go through the data too, as `look` does.")] = False,
) -> None:
    """Check a spec without training: its text, its parts, their shapes, and its data's range."""
    from ..training.spec_text import read_run

    run = read_run(spec, settings or ())
    if data:
        from .look import look as go_through

        found = go_through(run.data, batch_size=run.training.batch_size)
        _print_findings(found, run.data)
        if found.stops:
            raise ValueError(found.stops)
    typer.echo(f"{spec}: valid")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a spec, with every installed kind, for editors."""
    from ..training.run import RunSpec

    typer.echo(json.dumps(RunSpec.model_json_schema(), indent=2))


app.command()(plugins)
app.add_typer(plugin_app, name="plugin")


def _print_findings(found: Findings, data: Data) -> None:
    from rich.console import Console

    from .tables import look_table

    Console().print(look_table(found, data.advice))


def main() -> None:
    """Entry point: what a user did wrong ends in one message and exit code 2."""
    warnings.showwarning = _show_warning
    try:
        app()
    except Exception as error:
        if not _foreseen(error):
            raise
        _fail(str(error))


def _foreseen(error: Exception) -> bool:
    """Whether an error speaks to the user, who can do something about it, rather than of a mistake here."""
    from ..registry import UnknownKind
    from ..training.loop import TrainingError

    return isinstance(error, ValueError | OSError | ImportError | UnknownKind | TrainingError)


def _fail(message: str) -> NoReturn:
    from ..core.messages import readable

    for line in readable(message).splitlines():
        typer.echo(f"infogan: {line}", err=True)
    raise SystemExit(2)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    from ..core.messages import readable

    typer.echo(f"infogan: {readable(str(message))}", err=True)


def _first_sentence(text: str) -> str:
    comment = " ".join(line.lstrip("# ") for line in text.splitlines()[1:] if line.startswith("#")).strip()
    return comment.split(". ")[0].rstrip(".")


if __name__ == "__main__":
    main()
