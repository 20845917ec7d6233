"""The papers' experiments that `reproduce` runs: their data, how to prepare them, the recipes, and what was published.

`LRA` is Long Range Arena as in the Skyformer paper; `GENOME` is the two data sets of DNA of the Paramixer paper, one of them in
two versions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seqmix.config.tables import Table, merge
from seqmix.data.readers.releases import CIFAR, IMDB, LISTOPS, PAIRS, PATHFINDER
from seqmix.errors import ConfigError, param, suggestion
from seqmix.mixers import available_mixers, mixer_options
from seqmix.recipes import read_recipe

# Skyformer (NeurIPS 2021), Table 1: accuracy in %, of text, listops, retrieval, pathfinder and image.
_TASKS = ("text", "listops", "retrieval", "pathfinder", "image")
_TABLE_1 = {
    "softmax": (61.95, 38.37, 80.69, 65.26, 40.57),
    "kernelized": (60.22, 38.78, 81.77, 70.73, 41.29),
    "nystromformer": (64.83, 38.51, 80.52, 69.48, 41.30),
    "linformer": (58.93, 37.45, 78.19, 60.93, 37.96),
    "informer": (62.64, 32.53, 77.57, 57.83, 38.10),
    "performer": (64.19, 38.02, 80.04, 66.30, 41.43),
    "reformer": (62.93, 37.68, 78.99, 66.49, 48.87),
    "bigbird": (63.86, 39.25, 80.28, 68.72, 43.16),
    "skyformer": (64.70, 38.69, 82.06, 70.73, 40.77),
}
# What its code sets for the methods that take Skyformer's place.
_IN_ITS_PLACE: dict[str, dict[str, Table]] = {
    "softmax": {"mixer": {"attention_dropout": 0.1}},
    "kernelized": {"mixer": {"attention_dropout": 0.1}},
    "bigbird": {"mixer": {"block_size": 64}},
    "reformer": {"mixer": {"variant": "transformers", "bucket_size": 64}},
}


@dataclass(frozen=True, slots=True)
class PaperFile:
    """A file of a class, as its source names it.

    Attributes:
        of: what is in it, in an error.
        name: its name for users, with "*" for what varies.
        form: pattern of its name.
    """

    of: str
    name: str
    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One task of a paper.

    Attributes:
        name: name of the task.
        title: description of the task.
        release: name of the `releases.Release` of its data; "" for files by class.
        part: the only folder of the release that is used; "" for all of it.
        class_files: by class, the files of its data; empty with a release.
        wanted: description of the files it needs.
        source: where they come from.
        options: options of `PrepareOptions`, as in the commands of its recipes.
        generated: arguments of `generate` for data of the published size; empty if they cannot be generated.
        recipes: recipe of each method; "" if the paper states no settings.
        others: recipe for other mixers, which replace its own; "" if there is none.
        settings: settings of each method on top of its recipe.
        published: accuracy of each method in %.
    """

    name: str
    title: str
    release: str = ""
    part: str = ""
    class_files: Mapping[str, tuple[PaperFile, ...]] = field(default_factory=dict)
    wanted: str
    source: str
    options: Mapping[str, Any]
    generated: Mapping[str, Any] = field(default_factory=dict)
    recipes: Mapping[str, str]
    others: str = ""
    settings: Mapping[str, Mapping[str, Table]] = field(default_factory=dict)
    published: Mapping[str, float] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """The length in characters that the recipes truncate sequences to."""
        tables = [self.tables(method) for method, recipe in self.recipes.items() if recipe]
        return max(int(one.get("data", {}).get("max_length", 0)) for one in tables)

    def recipe(self, method: str) -> str:
        """Return the name of a method's recipe, or "" if there is none."""
        return self.recipes.get(method, self.others)

    def tables(self, method: str) -> dict[str, Table]:
        """Return the settings of a method; from the recipe of another mixer, only the options that it shares."""
        tables = merge(read_recipe(self.recipe(method)), self.settings.get(method, {}))
        if method not in self.recipes:
            options = mixer_options(method)
            tables["mixer"] = {name: value for name, value in tables["mixer"].items() if name in options}
            tables["model"]["mixer"] = method
        return tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Experiments that are reported together.

    Attributes:
        name: name of the command.
        title: description of the experiments.
        experiments: the tasks.
        methods: methods that run by default.
        paper: methods of the published table.
        baselines: whether baselines are scored.
        training: how the papers trained.
        remark: what else a reader should know.
    """

    name: str
    title: str
    experiments: tuple[Experiment, ...]
    methods: tuple[str, ...]
    paper: tuple[str, ...]
    baselines: bool = False
    training: str
    remark: str = ""

    def chosen_experiments(self, names: Sequence[str] | None) -> list[Experiment]:
        """Return experiments by name; all if None.

        Raises:
            ConfigError: there is no such task.
        """
        known = {one.name: one for one in self.experiments}
        for name in names or ():
            if name not in known:
                raise ConfigError(f"there is no task '{name}'; there are: {', '.join(known)}{suggestion(name, known)}")
        return [known[name] for name in dict.fromkeys(known if names is None else names)]

    def chosen_methods(self, names: Sequence[str] | None) -> list[str]:
        """Return methods by name: `methods` if None, and for "all" also those of the published table.

        Raises:
            ConfigError: there is no such method.
        """
        if names is None:
            return list(self.methods)
        if not names:
            raise ConfigError(f"{param('methods')} must name at least one", option="methods")
        known = {name for one in self.experiments for name in one.recipes}
        if any(one.others for one in self.experiments):
            known |= set(available_mixers())
        for name in names:
            if name not in known | {"all"}:
                near = suggestion(name, known)
                raise ConfigError(f"there is no method '{name}'; there are: all, {', '.join(sorted(known))}{near}")
        whole = [*self.methods, *self.paper]
        return list(dict.fromkeys(method for name in names for method in (whole if name == "all" else [name])))


def _lra(name: str, title: str, **options: Any) -> Experiment:
    place = _TASKS.index(name)
    published = {method: accuracies[place] for method, accuracies in _TABLE_1.items()}
    return Experiment(
        name=name, title=title, others=f"skyformer/{name}", settings=_IN_ITS_PLACE, published=published, **options
    )


_ARENA = "lra_release.gz of https://github.com/google-research/long-range-arena"
LRA = Suite(
    name="lra",
    title="Long Range Arena",
    experiments=(
        _lra(
            "text",
            "text (IMDb)",
            release=IMDB.name,
            wanted="folder aclImdb",
            source="https://ai.stanford.edu/~amaas/data/sentiment/",
            options={"alphabet": "chars", "max_length": 4096, "split": "0.9,0.1,0"},
            recipes={"paramixer": "paramixer/text", "skyformer": "skyformer/text"},
        ),
        _lra(
            "listops",
            "ListOps",
            release=LISTOPS.name,
            wanted="folder with basic_train.tsv, basic_val.tsv and basic_test.tsv",
            source=_ARENA,
            options={"max_length": 2000},
            generated={"task": "listops", "length": 2000, "train": 96_000, "val": 2000, "test": 2000},
            recipes={"paramixer": "paramixer/listops", "skyformer": "skyformer/listops"},
        ),
        _lra(
            "retrieval",
            "retrieval (AAN)",
            release=PAIRS.name,
            wanted="folder with new_aan_pairs.train.tsv, .eval.tsv and .test.tsv",
            source=_ARENA,
            options={"max_length": 4000},
            recipes={"paramixer": "", "skyformer": "skyformer/retrieval"},
        ),
        _lra(
            "pathfinder",
            "Pathfinder",
            release=PATHFINDER.name,
            part="curv_contour_length_14",
            wanted="folder pathfinder32 with curv_contour_length_14 in it",
            source=_ARENA,
            options={"split": "0.8,0.1,0.1"},
            generated={"task": "pathfinder", "length": 1024, "train": 160_000, "val": 20_000, "test": 20_000},
            recipes={"paramixer": "paramixer/pathfinder", "skyformer": "skyformer/pathfinder"},
        ),
        _lra(
            "image",
            "image (CIFAR-10)",
            release=CIFAR.name,
            wanted="folder cifar-10-batches-py",
            source="https://www.cs.toronto.edu/~kriz/cifar.html",
            options={"split": "0.9,0.1,0"},
            recipes={"paramixer": "paramixer/cifar10", "skyformer": "skyformer/image"},
        ),
    ),
    methods=("paramixer", "skyformer", "kernelized", "softmax"),
    paper=tuple(_TABLE_1),
    training="Skyformer's paper trained each method for 50,000 steps and gives the mean of three seeds; the Paramixer "
    "supplement has its settings, but no accuracies on these tasks",
    remark="Pathfinder is its hard images alone, as in Skyformer's published code.",
)


def _cdna(species: str) -> PaperFile:
    """Return the file of a species as Ensembl names it, Mus_musculus.GRCm39.cdna.all.fa.gz, with the assembly left open."""
    form = rf"{species}\.(.+\.)?cdna\.(all\.)?(fa|fasta|fna)(\.gz)?"
    return PaperFile(of=species, name=f"{species}.*.cdna.all.fa.gz", form=form)


def _noncode(species: str) -> PaperFile:
    """Return the file of a species as NONCODE names it: NONCODEv6_human.fa.gz."""
    return PaperFile(
        of=f"NONCODE's {species}",
        name=f"NONCODEv6_{species}.fa.gz",
        form=rf"NONCODEv6_{species}\.(fa|fasta|fna)(\.gz)?",
    )


_ENSEMBL = "https://www.ensembl.org (FTP server, folders cdna)"
_NONCODE = "http://www.noncode.org/download.php"


def _genome(name: str, title: str, files: dict[str, tuple[PaperFile, ...]], source: str, **options: Any) -> Experiment:
    return Experiment(
        name=name,
        title=title,
        class_files=files,
        wanted=", ".join(one.name for of in files.values() for one in of),
        source=source,
        options={"min_length": 5001, "max_length": 16384},
        recipes={"paramixer": "paramixer/genome", "dna": "dna"},
        **options,
    )


GENOME = Suite(
    name="genome",
    title="genome classification",
    experiments=(
        _genome(
            "hfdna",
            "HFDNA: human and fruit-fly",
            {"human": (_noncode("human"),), "fruit_fly": (_noncode("fruitfly"),)},
            _NONCODE,
            published={"paramixer": 100.0},
        ),
        _genome(
            "hfdna-cdna",
            "HFDNA with cDNA",
            {"human": (_cdna("Homo_sapiens"),), "fruit_fly": (_cdna("Drosophila_melanogaster"),)},
            _ENSEMBL,
        ),
        _genome(
            "mtcdna",
            "MTcDNA: mouse and turtle",
            {
                "mouse": (_cdna("Mus_musculus"), _cdna("Mus_spretus")),
                "turtle": (_cdna("Chelonoidis_abingdonii"), _cdna("Gopherus_agassizii")),
            },
            _ENSEMBL,
            settings={"paramixer": {"model": {"blocks": 2}}},
        ),
    ),
    methods=("paramixer", "dna"),
    paper=("paramixer",),
    baselines=True,
    training="the Paramixer supplement says that one block reaches 100 % on HFDNA and that two were best on MTcDNA, without "
    "a figure; the recipe's 200 epochs are those of its published code",
    remark="HFDNA is NONCODE's non-coding RNA, as in Paramixer's published code; hfdna-cdna is the same species' cDNA, for "
    "which there is no published figure. Transcripts of one gene may be in different splits.",
)
SUITES = {suite.name: suite for suite in (LRA, GENOME)}
