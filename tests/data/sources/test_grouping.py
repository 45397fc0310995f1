from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sightline.data.load import load_data
from sightline.errors import ConfigError, DataError

Photos = Callable[[Mapping[str, int]], Path]


@pytest.fixture
def patients(photos: Photos, png: bytes) -> Path:
    """20 patients with 4 images each, half of them sick."""
    root = photos({})
    for patient in range(20):
        folder = root / ("sick" if patient % 2 else "well")
        folder.mkdir(exist_ok=True)
        for view in range(4):
            (folder / f"p{patient:02}_{view}.png").write_bytes(png)
    return root


def sides(splits) -> dict[str, set[str]]:
    """In which splits each patient is."""
    sides: dict[str, set[str]] = {}
    for name in ("train", "val", "test"):
        for image in getattr(splits, name).ids:
            sides.setdefault(image.partition("/")[2][:3], set()).add(name)
    return sides


def test_groups_stay_on_one_side(patients: Path):
    splits = load_data(patients, group_by=r"p(\d+)_")
    assert all(len(where) == 1 for where in sides(splits).values())
    assert len(splits.test) == 16  # a fifth of 80, in whole patients
    assert set(splits.test.counts().values()) == {8}
    assert splits.train.groups[0].isdigit()


def test_without_binding_they_do_not(patients: Path):
    naive = load_data(patients, group_by=r"p(\d+)_", bind=False)
    assert any(len(where) > 1 for where in sides(naive).values())
    assert naive.train.groups == ()
    assert naive.test.ids == load_data(patients).test.ids


def test_without_brackets_the_match_is_the_group(patients: Path):
    assert set(load_data(patients, group_by=r"p\d+").test.groups) <= {f"p{i:02}" for i in range(20)}


def test_images_that_do_not_match_are_groups_of_their_own(patients: Path, png: bytes):
    (patients / "well" / "stranger.png").write_bytes(png)
    splits = load_data(patients, group_by=r"p(\d+)_")
    assert splits.warnings == ("1 image has no group, and is one of its own: group-by 'p(\\d+)_' does not match",)


def test_patterns_that_cannot_be(patients: Path):
    with pytest.raises(ConfigError, match="neither a column nor a regular expression"):
        load_data(patients, group_by="p(")
    with pytest.raises(ConfigError, match="group-by 'patient' matches no image"):
        load_data(patients, group_by="patient")
    with pytest.raises(ConfigError, match="digits has no groups"):
        load_data("digits", group_by="p")


def test_a_column_of_a_table_or_a_pattern(patients: Path):
    table = patients / "all.csv"
    files = sorted(patients.glob("*/*.png"))
    lines = [f"{file.relative_to(patients)},{file.parent.name},{file.name[:3]}" for file in files]
    table.write_text("path,label,Patient\n" + "\n".join(lines))
    splits = load_data(table, group_by="patient")
    assert splits.warnings == ()  # the column is used
    assert all(len(where) == 1 for where in sides(splits).values())
    assert load_data(table, group_by=r"p\d+").test.ids == splits.test.ids
    assert load_data(table).warnings == ("column 'patient' of all.csv is not used",)
    with pytest.raises(ConfigError, match=r"no column 'pateint' to group by .*all.csv\): did you mean patient"):
        load_data(table, group_by="pateint")


def test_a_group_in_two_given_splits_is_refused(photos: Photos):
    root = photos({f"{split}/{name}": 3 for split in ("train", "test") for name in ("cat", "dog")})
    with pytest.raises(DataError, match="group '0' is in both test and train"):
        load_data(root, group_by=r"/(\d)\.png")
    assert len(load_data(root, group_by=r"/(\d)\.png", bind=False).test) == 6
