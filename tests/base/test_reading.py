"""Files that a user brings: limits and damage, one line each."""

import gzip
import io
import os
import zipfile

import numpy as np
import pytest

from pimsim.base.errors import InputError, MissingError
from pimsim.base.reading import read_arrays, read_bytes, read_text, unpacked


def _npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def _npz(members, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_read_bytes_has_a_limit(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_bytes(tmp_path / "a", most=5) == b"12345"
    with pytest.raises(InputError, match="a: 5 bytes, more than 4"):
        read_bytes(tmp_path / "a", most=4)


def test_what_is_no_file(tmp_path):
    with pytest.raises(MissingError, match="no file"):
        read_bytes(tmp_path / "none")
    with pytest.raises(InputError, match="is not a regular file"):
        read_bytes(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe is not a regular file"):
        read_bytes(tmp_path / "pipe")


def test_text_is_utf8_with_or_without_a_mark(tmp_path):
    (tmp_path / "t").write_bytes("\ufeffa µ".encode())
    assert read_text(tmp_path / "t") == "a µ"
    (tmp_path / "t").write_bytes(b"a \xb5")
    with pytest.raises(InputError, match=r"not UTF-8 text \(byte 2\)"):
        read_text(tmp_path / "t")


def test_gzip_is_known_by_its_content(tmp_path):
    (tmp_path / "a").write_bytes(gzip.compress(b"abc") + gzip.compress(b"def"))
    assert unpacked(tmp_path / "a").read() == b"abcdef"
    (tmp_path / "a").write_bytes(b"abc")
    assert unpacked(tmp_path / "a").read() == b"abc"


def test_arrays_are_those_that_were_saved(tmp_path):
    a, b = np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(3, 2))
    np.savez_compressed(tmp_path / "z.npz", a=a, b=b)
    found = read_arrays(tmp_path / "z.npz", alone="G")
    assert list(found) == ["a", "b"]
    np.testing.assert_array_equal(found["a"], a)
    np.testing.assert_array_equal(found["b"], b)
    np.save(tmp_path / "one.npy", b)
    np.testing.assert_array_equal(read_arrays(tmp_path / "one.npy", alone="G")["G"], b)


HEADER = _npy(np.zeros(3))
DAMAGED = {
    "nothing": (b"", "not a NumPy file of plain numbers"),
    "text": (b"1,2,3\n", "not a NumPy file of plain numbers"),
    "objects": (_npy(np.array([{}], object), allow_pickle=True), "holds Python objects"),
    "short": (HEADER[:-1], "its header says 24 bytes, 23 follow"),
    "8 PiB": (HEADER.replace(b"(3,), }             ", b"(1000000000000000,),}"), "header says 8000000000000000 bytes"),
    "open bracket": (HEADER.replace(b"}", b"("), "is not a NumPy array"),
    "version": (HEADER[:6] + b"\x09" + HEADER[7:], "is not a NumPy array"),
    "cut archive": (_npz({"G.npy": HEADER})[:60], "not a NumPy file of plain numbers"),
    "wrong checksum": (_npz({"G.npy": HEADER}).replace(b"\0" * 24, b"\0" * 23 + b"\1"), r"'G\.npy' is damaged"),
    "a member that is no array": (_npz({"G.npy": b"text"}), r"'G\.npy' is not a NumPy array"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_arrays_are_refused(name, tmp_path):
    content, message = DAMAGED[name]
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_arrays(tmp_path / "a.npz", alone="G")
    assert "a.npz" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_zip_bomb_is_refused_by_what_it_declares(tmp_path):
    bomb = _npz({"a.npy": bytes(2**24), "b.npy": bytes(2**24)}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 2**16
    (tmp_path / "bomb.npz").write_bytes(bomb)
    with pytest.raises(InputError, match=r"bomb\.npz: 33554432 bytes unpacked, more than 33554431"):
        read_arrays(tmp_path / "bomb.npz", alone="G", most=2**25 - 1)
