"""The file of measured roles: what is written is read again, and anything else is refused."""

import json

import pytest

from attnviz.errors import FileError
from attnviz.measured_roles import FILE, MeasuredRole, of_model, output_file, read_roles

ROLES = [
    MeasuredRole("verb → object", "self", "L3H1", 0.98, 0.71, 1000, pairs=1200, relation="obj", language="Korean"),
    MeasuredRole("previous", "masked-self", "L0H12", 0.75, 0.25, 3),
]


def test_a_written_file_is_read_again(tmp_path):
    (tmp_path / FILE).write_bytes(of_model("some model", ROLES).to_bytes())
    found = read_roles(tmp_path / FILE)
    assert (found.model, list(found.roles)) == ("some model", ROLES)
    assert [(role.layer, role.index) for role in found.roles] == [(3, 1), (0, 12)]


def test_a_role_is_a_sentence_with_its_baseline():
    assert [role.sentence for role in ROLES] == [
        "L3H1: verb → object, 98% of 1,200 pairs (best fixed offset 71%)",
        "L0H12: previous 0.75, mean over 3 texts (uniform attention 0.25)",
    ]


GOOD = json.loads(of_model("m", ROLES).to_bytes())


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2}, {"format": "1"}, {"model": 7}, {"roles": None}, {"date": "today"},
        *({"roles": [{**GOOD["roles"][0], **wrong}]} for wrong in (
            {"head": "3"}, {"head": "L3H1\n"}, {"head": "L33333H1"}, {"kind": "full"}, {"rate": 1.5}, {"rate": "x"},
            {"baseline": -0.1}, {"texts": 0}, {"role": ""}, {"role": "x" * 201}, {"other": 1},
        )),
    ],
)  # fmt: skip
def test_a_file_with_other_content_is_refused(change, tmp_path):
    (tmp_path / FILE).write_text(json.dumps({**GOOD, **change}))
    with pytest.raises(FileError, match="holds no measured roles"):
        read_roles(tmp_path / FILE)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 100_000, b"[]", b" " * (2**20 + 1)])
def test_a_damaged_file_is_refused(content, tmp_path):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(FileError):
        read_roles(tmp_path / FILE)
    with pytest.raises(FileError, match="cannot read"):
        read_roles(tmp_path / "gone.json")


def test_a_folder_or_a_json_file_is_written_to(tmp_path):
    assert output_file(tmp_path) == tmp_path / FILE
    assert output_file(tmp_path / "x.json") == tmp_path / "x.json"
    with pytest.raises(FileError, match="cannot write roles"):
        output_file(tmp_path / "x.txt")
