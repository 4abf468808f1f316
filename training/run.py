"""The spec of a whole run: which model, on which data, trained how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, ValidationInfo, model_validator

from ..core.component import Strict, error_at
from ..core.data import Data
from ..core.network import ImageShape
from ..files.schema_version import SCHEMA_VERSION, check_schema_version
from ..model.build import PartError, dry_run
from ..model.spec import AUTOMATIC, ModelSpec, Registered
from .precision import Precision

SchemaVersion = Annotated[int, Field(json_schema_extra={"const": SCHEMA_VERSION}), AfterValidator(check_schema_version)]
Decay = Annotated[float, Field(ge=0.0, lt=1.0)]


class TrainingSpec(Strict):
    """How a model is trained. The defaults are the paper's, or its authors' where the paper is silent."""

    steps: int = Field(default=5000, ge=1)
    """Training steps; each updates D and Q once, then G once."""
    batch_size: int = Field(default=128, ge=2)
    """Real pictures, and generated ones, in a step."""
    micro_batches: int = Field(default=1, ge=1)
    """Into how many a batch is cut where it needs more memory than there is (gradient accumulation). Gradients are
    means over them, batch norm has the statistics of each, and G makes every picture twice."""
    sync_batch_norm: bool = False
    """Synchronised batch norm: where several processes train, use the statistics of the whole batch and not of each
    process's shard. It costs two more exchanges per layer in each forward and each backward pass."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Everything random in the run comes from it."""
    d_lr: float = Field(default=2e-4, gt=0.0)
    """Adam's rate for D and Q."""
    g_lr: float = Field(default=1e-3, gt=0.0)
    """Adam's rate for G."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How both rates go on: ``constant``; ``linear`` down to 0 after `steps`; ``cosine``, down to 0 along half a wave,
    slowly at both ends (Loshchilov and Hutter 2017, without restarts). With the latter two `steps` decides a run's
    numbers, and cannot be changed when it is resumed."""
    betas: Annotated[tuple[Decay, Decay], Field(strict=False)] = (0.5, 0.999)
    """Adam's decay rates."""
    ema: Decay = 0.99
    """Decay per step of the running mean of G's weights, which is what a run leaves; 0 for none."""
    init: str | None = Field(default=None, min_length=1, examples=["runs/before"])
    """A run folder, or a model folder, whose weights this run begins from: G with the running mean, D and Q. Its model
    has to be the same but for `losses`; data and training may be others. Adam begins anew. A run that is resumed does
    not look there again."""
    precision: Precision = "fp32"
    """Number format of the networks' inner products: ``fp32``, ``tf32`` (on GPUs that have it) or ``bf16``; losses,
    weights and moments are fp32. On CPUs ``bf16`` pays only with bf16 instructions and no neighbour
    (docs/benchmarks.md)."""
    compile: Literal["eager", "default", "max"] = "eager"
    """torch.compile over the step's functions: ``eager`` for none, ``max`` tries out more kernels first. It takes
    a while at the start, and on a CPU it has not paid (docs/benchmarks.md)."""
    cuda_graph: bool = False
    """Capture the whole iteration as one CUDA graph, which a GPU then launches at once."""
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:[0-9]{1,3})?|mps)$")
    """``auto``: a GPU if there is one."""
    log_every: int = Field(default=50, ge=1)
    """Steps between two lines of the log, each a mean over those steps."""
    trackers: Annotated[tuple[str, ...], Field(strict=False)] = Field(default=(), examples=[["tensorboard"]])
    """Experiment trackers that get each line of the log too, by accelerate's names: ``tensorboard`` (the extra
    ``track``), ``wandb``, ``mlflow`` and others."""
    picture_every: int = Field(default=1000, ge=1)
    """Steps between two traversals."""
    checkpoint_every: int = Field(default=1000, ge=1)
    """Steps between two checkpoints."""


_DATA: TypeAdapter[Data] = TypeAdapter(Annotated[Data, Registered()])
"""Data alone, which have to be known before the model's shape is."""


class RunSpec(Strict):
    """Model, data and training. A valid one has had its model built and run on the meta device."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    """Version of the words that a spec is written in; a spec that says nothing is of the newest."""
    model: ModelSpec
    """The parts."""
    data: Annotated[Data, Registered()] = Field(examples=[{"kind": "mnist"}])
    """Where real pictures come from."""
    training: TrainingSpec = Field(default=TrainingSpec(), examples=[{"steps": 5000, "batch_size": 128}])
    """How long, how fast, how exact."""

    @model_validator(mode="before")
    @classmethod
    def _image_of_the_data(cls, values: Any, info: ValidationInfo) -> Any:
        """Put the shape of the data's pictures in the place of ``auto``, so that a valid spec has numbers."""
        model = values.get("model") if isinstance(values, Mapping) else None
        if not isinstance(model, Mapping) or model.get("image") != AUTOMATIC or "data" not in values:
            return values
        try:
            data = _DATA.validate_python(values["data"], context=info.context)
        except ValidationError:
            # The data's mistakes are told when their turn comes; of the shape there is nothing to tell beside them.
            return {**values, "model": {**model, "image": ImageShape(channels=1, height=1, width=1)}}
        return {**values, "model": {**model, "image": data.image}, "data": data}

    @model_validator(mode="after")
    def _model_fits_data(self) -> RunSpec:
        model, data = self.model, self.data
        if model.image != data.image:
            raise error_at(
                ("model", "image"),
                f"the model's pictures are {model.image}, those of data {data.kind!r} are {data.image} "
                f"(channels x height x width); image: {AUTOMATIC} takes them from there",
            )
        if model.generator.range != data.range:
            raise error_at(
                ("data", "range"),
                f"pixels would be in {list(data.range)}, but generator {model.generator.kind!r} makes them in "
                f"{list(model.generator.range)}: D would tell them apart by that alone",
            )
        batch, parts = self.training.batch_size, self.training.micro_batches
        if batch % parts or batch < 2 * parts:
            raise error_at(
                ("training", "micro_batches"),
                f"a batch of {batch} cannot be cut into {parts} equal ones of 2 pictures or more",
            )
        try:
            dry_run(model)
        except PartError as error:
            raise error_at(("model", error.part), str(error.args[0])) from None
        return self
