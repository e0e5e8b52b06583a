"""How a study finds the accuracy of its models: predicted, trained and measured, or looked up."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from catx.errors import OptionError
from catx.search.accuracy import Accuracy, Told
from catx.search.model_space import ClipSpace, FamilySpace, ModelSpace, Tell
from catx.search.proxy import LEFT, Calibration, Shares, calibrate, read_table, uncalibrated
from catx.search.space import MODEL_PREFIX, Value
from catx.search.study import AccuracyChoice, ModelChoice

KINDS = tuple(
    f"{tower}_{part}" for tower in ("text", "vision") for part in ("layers", "heads", "ffn", "width")
)
"""What the shares of a CLIP model are of, in the order of `clip_shares`."""

if TYPE_CHECKING:
    from catx.frontend.clip.model import Clip
    from catx.frontend.clip.ranking import Ranking


def accuracy_of(choice: AccuracyChoice, named: ModelChoice, models: ModelSpace, tell: Tell) -> Accuracy:
    """The accuracy of a study's models.

    Raises:
        CatxError: what it needs is missing, or the models have none of this kind.
    """
    if not isinstance(models, ClipSpace | FamilySpace):
        raise OptionError("accuracy: models that do not vary have the same one", hint="leave it out")
    if choice.kind == "table":
        if choice.table is None:
            raise OptionError("accuracy: a table needs a file", hint="add `table: FILE.csv`")
        return TableAccuracy(Path(choice.table), models)
    if choice.kind == "proxy":
        return ProxyAccuracy(choice, named, models, tell)
    if not isinstance(models, ClipSpace):
        raise OptionError(f"accuracy: {choice.kind} is for CLIP models", hint="give a table, or proxy")
    if choice.kind == "screened":
        return ScreenedAccuracy(choice, named, models, tell)
    return TrainedAccuracy(choice, named, models, tell)


class TableAccuracy:
    """Accuracies of a CSV file with a column per size that varies, and one called `accuracy`."""

    def __init__(self, path: Path, models: ClipSpace | FamilySpace) -> None:
        self.path = path
        self._keys = [gene.name.removeprefix(MODEL_PREFIX) for gene in models.genes]
        rows = read_table(path, models.genes)
        self._known = {tuple(values[key] for key in self._keys): accuracy for values, accuracy in rows}

    def of(self, values: Mapping[str, Value]) -> Told:
        """The accuracy of a row.

        Raises:
            OptionError: no row has these values.
        """
        point = tuple(values[MODEL_PREFIX + key] for key in self._keys)
        if point not in self._known:
            told = ", ".join(f"{key} {value}" for key, value in zip(self._keys, point, strict=True))
            raise OptionError(f"{self.path}: no row has {told}")
        return Told(self._known[point], measured=True)


class ProxyAccuracy:
    """What is left of the importance of all parts, to the powers that a calibration found."""

    def __init__(
        self, choice: AccuracyChoice, named: ModelChoice, models: ClipSpace | FamilySpace, tell: Tell
    ) -> None:
        self._models = models
        self.ranking: Ranking | None = None
        if isinstance(models, ClipSpace) and choice.importance != "none":
            from catx.frontend.clip.source import find_clip

            self.ranking = ranking_of(choice, find_clip(named.names[0]), tell)
        self.calibration: Calibration
        kinds = len(self.shares({gene.name: gene.values[0] for gene in models.genes}))
        if choice.table is None:
            self.calibration = uncalibrated(kinds)
            return
        rows = read_table(Path(choice.table), models.genes)
        self.calibration = calibrate(
            [
                (self.shares({MODEL_PREFIX + key: value for key, value in values.items()}), accuracy)
                for values, accuracy in rows
            ]
        )

    def of(self, values: Mapping[str, Value]) -> Told:
        """The predicted accuracy."""
        return Told(self.calibration.predict(self.shares(values)), measured=False)

    def shares(self, values: Mapping[str, Value]) -> Shares:
        """What is left of layers, heads, hidden units and width; of each tower where there are two."""
        if isinstance(self._models, FamilySpace):
            whole = self._models.config.sizes
            left = self._models.pruning(values).of(whole)
            return tuple(
                getattr(left, size) / getattr(whole, size) for size in ("layers", "heads", "ffn", "width")
            )
        from catx.search.clip_shares import clip_shares

        return clip_shares(self._models.config, self._models.pruning(values), self.ranking)


class TrainedAccuracy:
    """Mean recall@1 of the pruned model after training, on the validation split."""

    def __init__(
        self,
        choice: AccuracyChoice,
        named: ModelChoice,
        models: ClipSpace,
        tell: Tell,
        ranking: "Ranking | None" = None,
    ) -> None:
        from catx.frontend.clip.datasets import find_splits
        from catx.frontend.clip.source import find_clip

        if choice.data is None:
            raise OptionError(f"accuracy: {choice.kind} needs data", hint="add `data:` to it")
        self._choice, self._models = choice, models
        self._whole = find_clip(named.names[0])
        self._splits = find_splits(choice.data, choice.test, self._whole.config, validation=choice.validation)
        if self._splits.validation is None:
            raise OptionError(
                "accuracy: a search chooses by a validation split, and none is given",
                hint="add `validation:`, a file of its own: the test split is for what was chosen",
            )
        self._ranking = ranking or ranking_of(choice, self._whole, tell)

    def of(self, values: Mapping[str, Value]) -> Told:
        """The measured accuracy."""
        return Told(self._measured(values), measured=True)

    def measure(self, values: Mapping[str, Value]) -> Told:
        """The same: a search asks for it once per model, and for other numbers of points without it."""
        return self.of(values)

    def _measured(self, values: Mapping[str, Value]) -> float:
        from catx.frontend.clip.metrics import recall
        from catx.frontend.clip.pruned import prune
        from catx.frontend.clip.recovery import RecoveryConfig, recover

        small = prune(self._whole, self._models.pruning(values), self._ranking)
        if self._choice.steps:
            config = RecoveryConfig(
                steps=self._choice.steps,
                batch=self._choice.batch,
                learning_rate=self._choice.learning_rate,
            )
            recover(small, self._splits.train, config, teacher=self._whole)
        assert self._splits.validation is not None
        return recall(small, self._splits.validation).mean_at_1


class ScreenedAccuracy:
    """Accuracy predicted from what is left of each kind of part, and measured where a search asks for it."""

    def __init__(self, choice: AccuracyChoice, named: ModelChoice, models: ClipSpace, tell: Tell) -> None:
        self._proxy = ProxyAccuracy(choice, named, models, tell)
        self._trained = TrainedAccuracy(choice, named, models, tell, self._proxy.ranking)

    def of(self, values: Mapping[str, Value]) -> Told:
        """The product of what is left; predictions are made of the single shares."""
        shares = self._proxy.shares(values)
        left = {f"{LEFT}{kind}": share for kind, share in zip(KINDS, shares, strict=True)}
        return Told(self._proxy.calibration.predict(shares), measured=False, left=left)

    def measure(self, values: Mapping[str, Value]) -> Told:
        """The accuracy after training."""
        told = self._trained.of(values)
        return Told(told.value, measured=True, left=self.of(values).left)


def ranking_of(choice: AccuracyChoice, whole: "Clip", tell: Tell) -> "Ranking":
    """The ranking of a study: a file, or found once, by the same methods as `catx prune`.

    Raises:
        CatxError: the ranking is of another model, or its method needs data.
    """
    from catx.frontend.clip.datasets import find_splits
    from catx.frontend.clip.importance import rank
    from catx.frontend.clip.ranking import Ranking

    if choice.ranking is not None:
        found = Ranking.load(Path(choice.ranking))
        found.check(whole.config)
        return found
    tell(f"ranking by {choice.importance}")
    pairs = None
    if choice.data is not None and choice.importance in ("taylor", "module"):
        pairs = find_splits(choice.data, choice.test, whole.config, validation=choice.validation).ranking
    return rank(whole, choice.importance, pairs)  # type: ignore[arg-type]  # it refuses unknown names
