"""The papers' experiments again: data in the form of their sources, what is trained on them, and what stands beside it."""

import gzip
import json
import random
import re
import shlex

import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.errors import ConfigError, InputError, RunError, SeqmixError
from seqmix.experiments import scheduler
from seqmix.experiments.events import Planned, Stage
from seqmix.experiments.reproduction.paper_data import find_data
from seqmix.experiments.reproduction.papers import GENOME, LRA
from seqmix.experiments.reproduction.report import percent, reproduction_headline, reproduction_html, reproduction_table
from seqmix.experiments.reproduction.result import Reproduction
from seqmix.experiments.run_trial import Trial
from seqmix.recipes import find_recipe
from tests.support import as_kept_by_0_1_0
from tests.support.releases import cifar, imdb, listops, pairs_of_documents, pathfinder

TASKS = ["text", "listops", "retrieval", "pathfinder", "image"]
TINY = ("model.d_model=8", "training.batch_size=4", "training.max_steps=2", "training.validate_every=0")
# Skyformer (NeurIPS 2021), Table 1, with the names of the mixers.
TABLE_1 = """
softmax 61.95 38.37 80.69 65.26 40.57 57.37
kernelized 60.22 38.78 81.77 70.73 41.29 58.56
nystromformer 64.83 38.51 80.52 69.48 41.30 58.93
linformer 58.93 37.45 78.19 60.93 37.96 54.69
informer 62.64 32.53 77.57 57.83 38.10 53.73
performer 64.19 38.02 80.04 66.30 41.43 58.00
reformer 62.93 37.68 78.99 66.49 48.87 58.99
bigbird 63.86 39.25 80.28 68.72 43.16 59.05
skyformer 64.70 38.69 82.06 70.73 40.77 59.39
"""


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """All five data sets of Long Range Arena, three of them as they are in its archive."""
    root = tmp_path_factory.mktemp("released")
    archive = root / "lra_release" / "lra_release"
    archive.mkdir(parents=True)
    imdb(root / "aclImdb")
    cifar(root / "cifar-10-batches-py", n=12)
    listops(archive / "listops-1000")
    pairs_of_documents(archive / "tsv_data")
    for size in (128, 32):
        pathfinder(archive / f"pathfinder{size}", difficulties=("curv_baseline", "curv_contour_length_14"))
    return root


def cdna(path, weights, n=10):
    """A file as Ensembl distributes it; one transcript is too short."""
    rng = random.Random(path.name)
    lengths = [50, *(5001 + 7 * i for i in range(n))]
    rows = [f">T{path.name[:3]}{i} cdna\n{''.join(rng.choices('ACGT', weights, k=k))}\n" for i, k in enumerate(lengths)]
    with gzip.open(path, "wt") as out:
        out.write("".join(rows))


@pytest.fixture(scope="module")
def ensembl(tmp_path_factory):
    """Non-coding RNA and cDNA of all species, with other files beside them."""
    root = tmp_path_factory.mktemp("ensembl")
    (root / "fasta").mkdir()
    for name in ("Homo_sapiens.GRCh38", "Mus_musculus.GRCm39", "Mus_spretus.SPRET_EiJ_v3"):
        cdna(root / "fasta" / f"{name}.cdna.all.fa.gz", (3, 1, 1, 3))
    for name in ("Drosophila_melanogaster.BDGP6.54", "Chelonoidis_abingdonii.ASM359739v1", "Gopherus_agassizii.ASM289641v1"):
        cdna(root / "fasta" / f"{name}.cdna.all.fa.gz", (1, 3, 3, 1))
    for name, weights in {"human": (3, 1, 1, 3), "fruitfly": (1, 3, 3, 1), "mouse": (1, 1, 1, 1)}.items():
        cdna(root / f"NONCODEv6_{name}.fa.gz", weights)
    for other in ("Mus_musculus.GRCm39.ncrna.fa.gz", "Mus_musculus_c57bl6nj.C57BL_6NJ_v1.cdna.all.fa.gz"):
        (root / "fasta" / other).write_bytes(b"not to be read")
    return root


def lra(data, output, *settings, **options):
    given = {"methods": ["skyformer"], "budget": 0, "max_length": 64, "settings": [*TINY, *settings]} | options
    return seqmix.reproduce("lra", data, output, **given)


def content(folder):
    return json.loads((folder / "reproduce.json").read_text())


def test_published_figures_match_paper():
    rows = [line.split() for line in TABLE_1.strip().splitlines()]
    assert list(LRA.paper) == [row[0] for row in rows]
    assert [one.name for one in LRA.experiments] == TASKS
    for method, *cells in rows:
        *figures, average = map(float, cells)
        assert [one.published[method] for one in LRA.experiments] == figures
        assert sum(figures) / 5 == pytest.approx(average, abs=0.0051)
    assert all("paramixer" not in one.published for one in LRA.experiments)
    for method in ("skyformer", "softmax", "kernelized"):
        for one in LRA.experiments:
            assert f"{one.published[method]:.2f}" in find_recipe(f"skyformer/{one.name}").facts.published
    assert {one.name: dict(one.published) for one in GENOME.experiments} == {
        "hfdna": {"paramixer": 100.0},
        "hfdna-cdna": {},
        "mtcdna": {},
    }


@pytest.mark.parametrize("experiment", [*LRA.experiments, *GENOME.experiments], ids=lambda one: one.name)
def test_data_is_prepared_as_recipes_say(experiment):
    said = {}
    # Paramixer's recipe has all images of Pathfinder, Skyformer's, beside whose figures the measured ones are, the hard ones.
    for name in filter(None, {*experiment.recipes.values(), experiment.others} - {"dna", "paramixer/pathfinder"}):
        words = shlex.split(find_recipe(name).facts.data)
        for option in ("alphabet", "max_length", "min_length", "split"):
            if f"--{option.replace('_', '-')}" in words:
                value = words[words.index(f"--{option.replace('_', '-')}") + 1]
                said.setdefault(option, set()).add(int(value) if value.isdecimal() else value)
    # One data set serves all recipes, with the length of the longest.
    assert experiment.options == {option: max(values) for option, values in said.items()}
    assert experiment.length == (
        16384
        if experiment in GENOME.experiments
        else {"retrieval": 4000, "text": 4096}.get(experiment.name, experiment.options.get("max_length", 1024))
    )


def test_generated_data_has_published_sizes():
    made = {one.name: one.generated for one in LRA.experiments if one.generated}
    sizes = {name: tuple(of[split] for split in ("train", "val", "test")) for name, of in made.items()}
    assert sizes == {"listops": (96_000, 2000, 2000), "pathfinder": (160_000, 20_000, 20_000)}


def test_other_mixers_replace_skyformer_in_its_recipe():
    text = LRA.chosen_experiments(["text"])[0]
    own, other = text.tables("skyformer"), text.tables("softmax")
    assert other["model"] == own["model"] | {"mixer": "softmax"} and other["training"] == own["training"]
    own_settings = {
        "softmax": {"attention_dropout": 0.1},
        "kernelized": {"attention_dropout": 0.1},
        "bigbird": {"block_size": 64},
        "reformer": {"variant": "transformers", "bucket_size": 64},
        "performer": {},
    }
    for method, settings in own_settings.items():  # of the published code
        assert all(one.tables(method)["mixer"] == {"n_heads": 2} | settings for one in LRA.experiments)
        assert all(one.tables(method)["model"]["embedding_std"] == 0.02 for one in LRA.experiments)
    assert text.tables("nystromformer")["mixer"] == own["mixer"]
    assert text.tables("paramixer") == find_recipe("paramixer/text").settings
    assert GENOME.chosen_experiments(["mtcdna"])[0].tables("paramixer")["model"]["blocks"] == 2
    assert GENOME.chosen_experiments(["hfdna"])[0].tables("paramixer")["model"]["blocks"] == 1
    assert LRA.chosen_methods(["all"]) == ["paramixer", "skyformer", "kernelized", "softmax", *LRA.chosen_methods(["all"])[4:]]
    assert set(LRA.chosen_methods(["all"])) == {"paramixer", *LRA.paper}


def test_all_tasks_are_found_and_trained(launched, released, tmp_path):
    result = lra(released, tmp_path / "r", methods=["paramixer", "skyformer"])
    methods = [(line.task, line.method) for line in result.rows]
    assert methods == [(t, m) for t in TASKS for m in ("paramixer", "skyformer") if (t, m) != ("retrieval", "paramixer")]
    assert all(line.runs == 1 and line.steps.mean == 2 and 0 <= line.accuracy.mean <= 100 for line in result.rows)
    assert "retrieval: no settings of paramixer are published for it; it is not run" in result.remarks
    assert "image: sequences are cut to 64, 1,024 were published" in result.remarks
    assert result.data["pathfinder"]["from"].endswith("pathfinder32/curv_contour_length_14")
    assert result.data["pathfinder"]["counts"] == {"train": 32, "val": 4, "test": 4}
    assert result.data["text"]["counts"]["test"] == 6
    found = content(tmp_path / "r")
    assert found["suite"] == "lra" and not found["interrupted"] and not found["failures"] and len(found["runs"]) == 9
    assert [line["published"] for line in found["table"] if line["method"] == "skyformer"] == [64.7, 38.69, 82.06, 70.73, 40.77]
    assert "budgets here are not the papers' training" in found["conditions"]
    page = (tmp_path / "r" / "reproduce.html").read_text()
    assert page.count("<svg") == 1 and page.count("<table>") == 5 and re.search(r"reformer</th><td[^>]*>62.93", page)
    assert not re.findall(r'(?:src|href)="(?!#)|url\((?!#)|@import', page)
    run = seqmix.Run.open(tmp_path / "r" / "runs" / "text-skyformer-seed0")
    again = seqmix.evaluate(run, baselines=False, resamples=2, output=tmp_path / "again")
    line = next(line for line in result.rows if (line.task, line.method) == ("text", "skyformer"))
    assert 100 * again.scores["accuracy"].value == pytest.approx(line.accuracy.mean)


def test_nothing_is_prepared_or_trained_twice(launched, released, tmp_path):
    heard = []

    def hear(event):
        match event:
            case Stage():
                heard.append(event.text)
            case Planned():
                heard.append((event.count, event.left))

    lra(released, tmp_path / "r", tasks=["text"], on_event=hear)
    data = tmp_path / "r" / "data" / "text" / "dataset.json"
    made = data.stat().st_mtime_ns
    first = content(tmp_path / "r")
    lra(tmp_path / "gone", tmp_path / "r", tasks=["text"], on_event=hear)
    assert content(tmp_path / "r") == first and data.stat().st_mtime_ns == made
    assert launched == ["text-skyformer-seed0"] and heard == ["text: preparing", (1, 1), (1, 0)]
    as_kept_by_0_1_0(tmp_path / "r")
    result = lra(released, tmp_path / "r", tasks=["listops"], methods=["softmax"])
    assert launched[1:] == ["listops-softmax-seed0"]
    assert [(line.task, line.method) for line in result.rows] == [("text", "skyformer"), ("listops", "softmax")]
    result = lra(released, tmp_path / "r", tasks=["text"], seeds=2)
    assert launched[2:] == ["text-skyformer-seed1"] and set(result.data) == {"text", "listops"}
    assert result.rows[0].runs == 2 and result.rows[0].accuracy.sd is not None


def test_missing_data_is_reported(launched, released, tmp_path):
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "aclImdb").symlink_to(released / "aclImdb")
    result = lra(tmp_path / "some", tmp_path / "r")
    assert launched == ["text-skyformer-seed0"]
    missing = [remark for remark in result.remarks if "looked for" in remark]
    assert [remark.split(":")[0] for remark in missing] == TASKS[1:]
    assert "image: no folder cifar-10-batches-py (from https://www.cs.toronto.edu" in missing[-1]
    assert "or generate it" in missing[0] and missing[-1] in (tmp_path / "r" / "reproduce.html").read_text()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"(?s)no data in '.*empty'.* data where .*\n  text: no folder aclImdb .*\n  image: "):
        lra(tmp_path / "empty", tmp_path / "other")
    with pytest.raises(InputError, match=r"there is no folder '.*none': say with data"):
        lra(tmp_path / "none", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_missing_data_is_generated_if_asked(launched, tmp_path):
    result = lra(tmp_path, tmp_path / "r", generated=True, train=60)
    assert launched == ["listops-skyformer-seed0", "pathfinder-skyformer-seed0"]
    assert result.data["listops"]["from"] == "generated"
    assert result.data["pathfinder"]["counts"] == {"train": 60, "val": 60, "test": 60}
    lra(tmp_path, tmp_path / "r", generated=True)
    with pytest.raises(RunError, match="train: 60 samples of listops there, 24 now"):
        lra(tmp_path, tmp_path / "r", generated=True, train=24)
    assert len(launched) == 2


def test_failure_is_reported_and_does_not_stop_the_rest(launched, released, monkeypatch, tmp_path):
    genuine, folder = scheduler.TrialProcess.launch, tmp_path / "some"
    folder.mkdir()
    for name in ("aclImdb", "cifar-10-batches-py"):
        (folder / name).symlink_to(released / name)
    pairs_of_documents(folder / "tsv_data")
    (folder / "tsv_data" / "new_aan_pairs.test.tsv").write_text("0\tno pair\n")
    monkeypatch.setattr(
        scheduler.TrialProcess,
        "launch",
        lambda launcher, spec: "there is no memory" if "text" in spec.folder else genuine(launcher, spec),
    )
    result = lra(folder, tmp_path / "r")
    assert launched == ["image-skyformer-seed0"]
    assert result.failures == ["text, skyformer, seed 0: failed: there is no memory"]
    assert any(re.match(r"retrieval: .*test\.tsv: line 1: 2 cells", remark) for remark in result.remarks)
    assert result.rows[0].runs == 0 and result.rows[0].accuracy is None and result.rows[1].runs == 1
    assert "there is no memory" in (tmp_path / "r" / "reproduce.html").read_text()
    with pytest.raises(SeqmixError, match="every training failed: text, skyformer, seed 0: failed: there is no memory"):
        lra(folder, tmp_path / "q", tasks=["text"])
    monkeypatch.setattr(scheduler.TrialProcess, "launch", genuine)
    result = lra(folder, tmp_path / "r")
    assert launched[1:] == ["text-skyformer-seed0"] and not result.failures


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")

    def call(*arguments, code=0):
        settings = [word for setting in TINY for word in ("--set", setting)]
        result = CliRunner().invoke(app, ["reproduce", *map(str, arguments), *settings], catch_exceptions=False)
        assert result.exit_code == code, result.output
        assert result.stdout == ""
        return " ".join(result.stderr.split())

    return call


def test_interrupted_reproduction_is_written_and_resumes(run, launched, released, monkeypatch, tmp_path):
    genuine = scheduler.TrialProcess.launch

    def interrupted(launcher, spec):
        if "softmax" in spec.folder:
            raise KeyboardInterrupt
        return genuine(launcher, spec)

    command = [
        "lra",
        "--data",
        released,
        "--tasks",
        "text",
        "--methods",
        "skyformer,softmax",
        "--budget",
        0,
        "--max-length",
        64,
    ]
    monkeypatch.setattr(scheduler.TrialProcess, "launch", interrupted)
    said = run(*command, code=130)
    assert "interrupted; finished trainings are in reproduce-lra/reproduce.html; run the same command again" in said
    found = content(tmp_path / "reproduce-lra")
    assert found["interrupted"] and [(one["task"], one["method"]) for one in found["runs"]] == [("text", "skyformer")]
    assert "interrupted: trainings are missing" in (tmp_path / "reproduce-lra" / "reproduce.html").read_text()
    monkeypatch.setattr(scheduler.TrialProcess, "launch", genuine)
    said = run(*command)
    for words in (
        "1 training to run, 1 of 2 done before",
        "text, skyformer, seed 0: accuracy",
        "(done before)",
        "64.70",
        "61.95",
    ):
        assert words in said
    assert launched == ["text-skyformer-seed0", "text-softmax-seed0"] and "budgets here are not" in said
    assert not content(tmp_path / "reproduce-lra")["interrupted"]
    assert run(*command, "--quiet") == ""


def test_interruption_during_prepare_keeps_finished_work(launched, released, monkeypatch, tmp_path):
    def stop(*args, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("seqmix.experiments.reproduction.campaign.make_data", stop)
        assert lra(released, tmp_path / "r", tasks=["text"]).interrupted
    assert content(tmp_path / "r")["interrupted"] and not launched
    assert not lra(released, tmp_path / "r", tasks=["text"]).interrupted


def test_genomes_are_found_by_species_and_compared_with_kmers(run, launched, ensembl, tmp_path):
    said = run("genome", "--data", ensembl, "--budget", 0, "--max-length", 128, "-o", "g", "--tasks", "hfdna,mtcdna")
    assert launched == [f"{t}-{m}-seed0" for t in ("hfdna", "mtcdna") for m in ("paramixer", "dna")]
    for words in ("HFDNA", "HFDNA is NONCODE's non-coding RNA", "Transcripts of one gene"):
        assert words in said or words in (tmp_path / "g" / "reproduce.html").read_text()
    assert "hfdna: simple methods" in said and "6-mers logistic" in said
    found = content(tmp_path / "g")
    lines = {(line["task"], line["method"]): line for line in found["table"]}
    assert lines["hfdna", "paramixer"]["published"] == 100.0 and lines["mtcdna", "paramixer"]["published"] is None
    assert lines["hfdna", "paramixer"]["recipe"] == "paramixer/genome" and lines["hfdna", "dna"]["recipe"] == "dna"
    assert lines["mtcdna", "4-mers logistic regression"]["accuracy"]["mean"] == 100
    settings = {(one["task"], one["method"]): one["settings"] for one in found["runs"]}
    assert settings["mtcdna", "paramixer"]["model"]["blocks"] == 2 and settings["hfdna", "dna"]["model"]["lexical"] == "kmers"
    info = seqmix.Dataset.open(tmp_path / "g" / "data" / "mtcdna").info
    assert info["classes"] == ["mouse", "turtle"] and sum(info["counts"]["train"].values()) == 24
    assert info["dropped"] and info["options"]["max_length"] == 16384


def test_missing_or_duplicate_species_are_named(ensembl, tmp_path):
    hfdna, with_cdna, mtcdna = GENOME.experiments
    (tmp_path / "Mus_musculus.GRCm39.cdna.all.fa.gz").symlink_to(ensembl / "fasta" / "Mus_musculus.GRCm39.cdna.all.fa.gz")
    found = find_data(mtcdna, tmp_path)
    assert found.missing == tuple(
        f"{s}.*.cdna.all.fa.gz" for s in ("Mus_spretus", "Chelonoidis_abingdonii", "Gopherus_agassizii")
    )
    for name in ("Homo_sapiens.GRCh37.cdna.all.fa.gz", "Homo_sapiens.GRCh38.cdna.all.fa.gz"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=r"several files of Homo_sapiens: .*GRCh37.*GRCh38.*leave one"):
        find_data(with_cdna, tmp_path)
    assert find_data(hfdna, tmp_path).missing == ("NONCODEv6_human.fa.gz", "NONCODEv6_fruitfly.fa.gz")


def test_hfdna_is_non_coding_rna_or_cdna(ensembl):
    hfdna, with_cdna, _ = GENOME.experiments
    assert [file.name for file in find_data(hfdna, ensembl).files] == ["NONCODEv6_human.fa.gz", "NONCODEv6_fruitfly.fa.gz"]
    names = [file.name for file in find_data(with_cdna, ensembl).files]
    assert names == ["Homo_sapiens.GRCh38.cdna.all.fa.gz", "Drosophila_melanogaster.BDGP6.54.cdna.all.fa.gz"]


def test_pathfinder_is_its_hard_images(released, tmp_path):
    task = LRA.chosen_experiments(["pathfinder"])[0]
    hard = released / "lra_release" / "lra_release" / "pathfinder32" / "curv_contour_length_14"
    for folder in (released, hard.parent, hard):
        assert find_data(task, folder).files == (hard,)
    assert find_data(task, hard.parent / "curv_baseline").missing == (task.wanted,)


def test_other_reproduction_is_not_resumed(launched, released, ensembl, tmp_path):
    lra(released, tmp_path / "r", tasks=["text"])
    for options, message in (
        ({"budget": "1h"}, r"budget: 0.* there, 3600.0 now"),
        ({"max_length": 32}, "max_length: 64 there, 32 now"),
        ({"settings": TINY[:3]}, "settings: "),
        ({"jobs": 2}, "jobs: 1 there, 2 now"),
    ):
        with pytest.raises(RunError, match=f"is a reproduction with other settings .*{message}.*overwrite"):
            lra(released, tmp_path / "r", tasks=["text"], **options)
    with pytest.raises(RunError, match="experiments: lra there, genome now"):
        seqmix.reproduce("genome", ensembl, tmp_path / "r")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("kept")
    with pytest.raises(RunError, match="is not a reproduction: it is not overwritten"):
        lra(released, tmp_path / "mine", overwrite=True)
    lra(released, tmp_path / "r", tasks=["listops"], overwrite=True)
    assert [p.name for p in (tmp_path / "r" / "data").iterdir()] == ["listops"]
    assert [p.name for p in (tmp_path / "r" / "runs").iterdir()] == ["listops-skyformer-seed0"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": ["txt"]}, "no task 'txt'; there are: text, listops"),
        ({"methods": ["skyformr"]}, "no method 'skyformr'; there are: all, bigbird"),
        ({"methods": ["dna"]}, "no method 'dna'"),
        ({"methods": []}, "methods must name at least one"),
        ({"seeds": 0}, "seeds must be from 1 to 1,000: got 0"),
        ({"jobs": 0}, "jobs must be from 1 to 1,024: got 0"),
        ({"budget": "soon"}, "'soon' is not a duration"),
        ({"budget": -1}, "training.budget must be"),
        ({"max_length": 0}, "max_length must be from 1 to 1,000,000,000,000: got 0"),
        ({"train": 5}, "train=5 goes with generated=True only"),
        ({"train": 0, "generated": True}, "train must be from 1 to 1,000,000,000: got 0"),
        ({"settings": ["data.max_length=3"]}, "settings data.max_length: a reproduction sets it itself"),
        ({"settings": ["mixer.n_links=3"]}, "'skyformer' has no option 'n_links'"),
        ({"settings": ["training.epoch=3"]}, "no option 'training.epoch'"),
        ({"settings": ["model.d_model=wide"]}, "model.d_model must be a whole number"),
        ({"device": "cuda:99"}, "is not available"),
        ({"threads": 0}, "threads must be from 1 to 1,024"),
    ],
)
def test_invalid_options_are_errors_before_writing(options, message, released, tmp_path):
    with pytest.raises(ConfigError, match=message):
        lra(released, tmp_path / "r", **options)
    assert not (tmp_path / "r").exists()


def test_unknown_experiments_are_errors(tmp_path):
    with pytest.raises(ConfigError, match="no experiments 'lre'; there are: lra, genome"):
        seqmix.reproduce("lre", tmp_path)


def made_up(accuracies, budget=600.0, **options):
    trials = [
        Trial(
            task=task,
            method=method,
            mixer="x",
            seed=s,
            folder=f"runs/{task}-{method}-seed{s}",
            scores={"accuracy": a, "macro-F1": a},
            **options,
        )
        for (task, method), values in accuracies.items()
        for s, a in enumerate(values)
    ]
    return Reproduction(suite=LRA, settings={"budget": budget, "settings": []}, environment={}, trials=trials)


def test_table_follows_paper_with_means_over_seeds():
    found = made_up({("image", "x-y"): [0.2], ("text", "softmax"): [0.5, 0.7], ("text", "skyformer"): [None]})
    assert [(line.task, line.method) for line in found.rows] == [("text", "skyformer"), ("text", "softmax"), ("image", "x-y")]
    assert [percent(line.accuracy) for line in found.rows] == ["-", "60.00 ± 14.14", "20.00"]
    assert [line.published for line in found.rows] == [64.7, 61.95, None]
    assert found.conditions.startswith("Each training here had 600 s; ")
    assert [row.begins for row in reproduction_table(found).rows] == [False, False, True]  # a gap between the tasks
    assert "600 s of training each" in reproduction_table(found).title
    assert reproduction_html(found).count("<svg") == 1
    assert found.trials[0].title == "image, x-y, seed 0"
    assert reproduction_headline(found.trials[0]) == "accuracy 20.00 %, 0 ms, 0 steps"
    as_published = made_up({("text", "softmax"): [0.6]}, budget=0)
    assert as_published.conditions.startswith("Trainings here were as the recipes say; ")
    assert "budgets here" not in as_published.conditions
    assert "<svg" not in reproduction_html(made_up({}))
    short = made_up({("text", "softmax"): [0.6]}, pieces=2)
    assert short.failures == ["text, softmax, seed 0: memory ran out; its batches were computed in 2 parts"]
