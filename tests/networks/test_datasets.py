"""Images: the shipped ones, folders of IDX files and of CIFAR-10 batches, and what is refused."""

import gzip

import numpy as np
import pytest

import pimsim
from pimsim.base.errors import InputError, MissingError
from pimsim.networks import list_datasets, load_dataset


def _idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    return header + array.astype(np.uint8).tobytes()


def _zipped(array):
    """A compressed IDX file without the time of its making, which would give the tests other names in each worker."""
    return gzip.compress(_idx(array), mtime=0)


@pytest.fixture
def folder(tmp_path):
    """700 training and 5 test images of 4 x 3 pixels, the training files gzipped."""
    rng = np.random.default_rng(1)
    for prefix, count, pack, ending in (("train", 700, gzip.compress, ".gz"), ("t10k", 5, bytes, "")):
        images, labels = rng.integers(0, 256, (count, 4, 3)), rng.integers(0, 10, count)
        (tmp_path / f"{prefix}-images-idx3-ubyte{ending}").write_bytes(pack(_idx(images)))
        (tmp_path / f"{prefix}-labels-idx1-ubyte{ending}").write_bytes(pack(_idx(labels)))
    return tmp_path


def test_shipped_images():
    assert list_datasets() == ["fashion-mnist"]
    test = pimsim.load_dataset("fashion-mnist")
    assert (test.images.shape, test.images.dtype) == ((2000, 1, 28, 28), np.float32)
    assert (test.labels.shape, test.labels.dtype, set(test.labels)) == ((2000,), np.int64, set(range(10)))
    assert (test.images.min(), test.images.max()) == (0, 1)
    calibration = load_dataset("fashion-mnist", split="calibration")
    assert calibration.images.shape == (512, 1, 28, 28)
    limited = load_dataset("fashion-mnist", split="test", limit=7)
    np.testing.assert_array_equal(limited.images, test.images[:7])
    np.testing.assert_array_equal(limited.labels, test.labels[:7])
    assert limited.sha256 == load_dataset("fashion-mnist", limit=7).sha256 != test.sha256


def test_pixels_are_exact_multiples(folder):
    images = load_dataset(folder).images
    raw = (folder / "t10k-images-idx3-ubyte").read_bytes()[16:]
    np.testing.assert_array_equal(np.rint(images * 255).astype(np.uint8).tobytes(), raw)


def test_folder_of_idx_files(folder):
    test, train = load_dataset(folder), load_dataset(str(folder), split="train")
    assert (test.images.shape, train.images.shape) == ((5, 1, 4, 3), (700, 1, 4, 3))
    calibration = load_dataset(folder, split="calibration")
    np.testing.assert_array_equal(calibration.images, train.images[:512])
    assert load_dataset(test.name, split="calibration").sha256 == calibration.sha256


def test_folder_of_cifar_batches(tmp_path):
    rng = np.random.default_rng(2)
    records = rng.integers(0, 256, (6, 3073), dtype=np.uint8)
    records[:, 0] %= 10
    records[:3].tofile(tmp_path / "data_batch_1.bin")
    records[3:5].tofile(tmp_path / "data_batch_2.bin")
    records[5:].tofile(tmp_path / "test_batch.bin")
    train = load_dataset(tmp_path, split="train")
    assert train.images.shape == (5, 3, 32, 32)
    np.testing.assert_array_equal(train.labels, records[:5, 0])
    # record 4, green, row 2, column 7
    assert train.images[4, 1, 2, 7] == np.float32(records[4, 1 + 1024 + 2 * 32 + 7]) / np.float32(255)
    assert load_dataset(tmp_path).labels.tolist() == [records[5, 0]]
    (tmp_path / "test_batch.bin").write_bytes(b"12345")
    with pytest.raises(InputError, match=r"test_batch\.bin is not a CIFAR-10 batch: 5 bytes"):
        load_dataset(tmp_path)
    (tmp_path / "test_batch.bin").unlink()
    with pytest.raises(MissingError, match=r"no test_batch\.bin"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"name": "fashion-mnits"},
            MissingError,
            "no data set or folder 'fashion-mnits'; did you mean 'fashion-mnist'",
        ),
        ({"name": "fashion-mnist", "split": "tset"}, InputError, "split = 'tset'.*did you mean 'test'"),
        ({"name": "fashion-mnist", "split": "train"}, InputError, "'train' of fashion-mnist is not shipped"),
        ({"name": "fashion-mnist", "limit": 0}, InputError, "limit = 0: must be an integer of at least 1"),
        ({"name": "fashion-mnist", "limit": True}, InputError, "limit = True: must be an integer of at least 1"),
        ({"name": "fashion-mnist", "limit": 2.5}, InputError, "limit = 2.5: must be an integer of at least 1"),
        ({"name": "fashion-mnist", "limit": 2001}, InputError, "limit = 2001: the split 'test' has 2000 images"),
    ],
)
def test_refusals(arguments, error, message):
    with pytest.raises(error, match=message):
        load_dataset(**arguments)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"),
        (b"\x00\x00\x0d\x01" + bytes(8), "not an IDX file of unsigned bytes"),
        (bytes([0, 0, 8, 9]) + bytes(36), "allowed are 1 to 4 axes"),
        (bytes([0, 0, 8, 3]) + b"\x7f\xff\xff\xff" * 3, "allowed are 1 to 4 axes and 1073741824 bytes"),
        (bytes([0, 0, 8, 2]) + b"\xff\xff\xff\xfe" * 2, r"header says shape \(-2, -2\)"),
        (bytes([0, 0, 8, 4]) + b"\x00\x01\x00\x00" * 4, "allowed are 1 to 4 axes"),
        (_idx(np.zeros((5, 4, 3))) + b"x", r"header says \(5, 4, 3\) but more bytes"),
        (_zipped(np.zeros((5, 4, 3)))[:-6], "damaged gzip"),
        (_zipped(np.zeros((5, 4, 3)))[:-8] + bytes(8), "damaged gzip"),
        (_zipped(np.zeros((5, 4, 3)))[:30] + b"\xff" * 40, "damaged gzip"),
        (_idx(np.zeros((5, 4, 3)))[:-1], r"header says \(5, 4, 3\) but 59 bytes"),
        (bytes([0, 0, 8, 3, 0, 0]), "ends inside its header"),
        (_idx(np.zeros((4, 4, 3))), r"images \(4, 4, 3\) and labels \(5,\) do not belong together"),
        (b"\x1f\x8bnonsense", "damaged gzip"),
    ],
)
def test_damaged_files(folder, content, message):
    (folder / "t10k-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_dataset(folder)


def test_a_folder_without_the_files(tmp_path):
    with pytest.raises(MissingError, match="neither t10k-images-idx3-ubyte nor t10k-images"):
        load_dataset(tmp_path)


def test_no_more_is_unpacked_than_the_header_asks_for(folder):
    """64 MiB behind the header of a small file, in 0.3 MiB of gzip."""
    import tracemalloc

    bomb = gzip.compress(_idx(np.zeros((5, 4, 3))) + bytes(2**26), compresslevel=1)
    (folder / "t10k-images-idx3-ubyte").write_bytes(bomb)
    tracemalloc.start()
    with pytest.raises(InputError, match="but more bytes of data follow"):
        load_dataset(folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23


def test_labels_that_cifar_does_not_have(tmp_path):
    records = np.full((2, 3073), 7, np.uint8)
    records[1, 0] = 10
    (tmp_path / "test_batch.bin").write_bytes(records.tobytes())
    with pytest.raises(InputError, match="label 10 is above 9"):
        load_dataset(tmp_path)
