"""The engine computes what the integer reference computes, bit for bit, however it is fed."""

import pickle

import numpy as np
import pytest

from pimsim.base.errors import InputError, MissingError
from pimsim.networks import Engine, exact_matmuls, layer_inputs, load_dataset


def test_exact_sums_give_the_reference_bit_for_bit(small):
    network, images = small
    np.testing.assert_array_equal(Engine(network, exact_matmuls(network)).run(images), network.reference(images))


def test_shipped_network_gives_the_reference_bit_for_bit(fashion):
    images = load_dataset("fashion-mnist", limit=200).images
    np.testing.assert_array_equal(Engine(fashion, exact_matmuls(fashion)).run(images), fashion.reference(images))


@pytest.mark.parametrize("batch", [1, 5, 13])
def test_outputs_do_not_depend_on_the_batch(small, batch):
    """With errors that are addressed by sample, as read noise is."""
    network, images = small
    matmuls = {name: _noisy(matmul) for name, matmul in exact_matmuls(network).items()}
    whole = Engine(network, matmuls).run(images)
    np.testing.assert_array_equal(Engine(network, matmuls).run(images, batch=batch), whole)
    np.testing.assert_array_equal(Engine(network, matmuls).run(images[5:], first_image=5), whole[5:])
    assert (whole != network.reference(images)).any()


def _noisy(matmul):
    def noisy(vectors, first_sample):
        sums = matmul(vectors, first_sample=first_sample)
        samples = np.arange(first_sample, first_sample + len(vectors))[:, None]
        return sums + 40.25 * np.sin(samples + 7.0 * np.arange(sums.shape[1]))

    return noisy


def test_samples_are_numbered_over_images_and_positions(fashion):
    seen = {name: [] for name in exact_matmuls(fashion)}

    def recording(name, matmul):
        def record(vectors, first_sample):
            assert vectors.dtype == np.uint8
            seen[name].append((first_sample, len(vectors)))
            return matmul(vectors, first_sample=first_sample)

        return record

    matmuls = {name: recording(name, matmul) for name, matmul in exact_matmuls(fashion).items()}
    Engine(fashion, matmuls).run(load_dataset("fashion-mnist", limit=5).images, batch=2, first_image=3)
    for layer in fashion.layers:
        at = layer.positions
        assert seen[layer.name] == [(3 * at, 2 * at), (5 * at, 2 * at), (7 * at, at)]


def test_layer_inputs_are_what_the_arrays_see(fashion):
    images = load_dataset("fashion-mnist", split="calibration", limit=3).images
    inputs = layer_inputs(fashion, images, limit=100)
    assert {name: x.shape for name, x in inputs.items()} == {
        "conv1": (100, 9), "conv2": (100, 144), "conv3": (100, 288), "conv4": (100, 432), "dense": (3, 576)
    }  # fmt: skip
    # the middle of a 3 x 3 window of the first layer is the pixel itself
    pixels = np.rint(images * 255).astype(np.uint8)
    np.testing.assert_array_equal(layer_inputs(fashion, images)["conv1"][:, 4], pixels.ravel())


def test_a_quantized_network_travels_to_a_worker(small):
    network, images = small
    expected = network.reference(images)
    copy = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(copy.reference(images), expected)


def test_time_is_split_in_three(fashion):
    engine = Engine(fashion, exact_matmuls(fashion))
    engine.run(load_dataset("fashion-mnist", limit=2).images)
    assert set(engine.seconds) == {"encode", "matmul", "digital"}
    assert all(seconds > 0 for seconds in engine.seconds.values())


def test_refusals(fashion):
    matmuls = exact_matmuls(fashion)
    with pytest.raises(MissingError, match="no matmul for layer 'conv3'"):
        Engine(fashion, {name: m for name, m in matmuls.items() if name != "conv3"})
    with pytest.raises(MissingError, match="'conv9', which is no layer; did you mean 'conv"):
        Engine(fashion, matmuls | {"conv9": matmuls["conv1"]})
    engine = Engine(fashion, matmuls | {"conv2": matmuls["conv1"]})
    images = load_dataset("fashion-mnist", limit=2).images
    with pytest.raises(ValueError, match="matmul"):
        engine.run(images)
    with pytest.raises(InputError, match=r"matmul of conv2: shape \(392, 7\), expected \(392, 32\)"):
        Engine(fashion, matmuls | {"conv2": lambda x, first_sample: np.zeros((len(x), 7))}).run(images)
    with pytest.raises(InputError, match=r"images: shape \(2, 28, 28\), expected \(any, 1, 28, 28\)"):
        Engine(fashion, matmuls).run(images[:, 0])
    with pytest.raises(InputError, match="images: not finite"):
        Engine(fashion, matmuls).run(np.full_like(images, np.nan))
    with pytest.raises(InputError, match="batches of 0"):
        Engine(fashion, matmuls).run(images, batch=0)
