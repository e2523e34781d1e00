"""The digital part of a network, cut where arrays compute.

Segment k holds every digital node whose inputs need k products in a row, and no
more: as few sessions as the depth of the network, whatever its branches. Feature maps
cross to the arrays with the channel last, so that im2col copies whole pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

from onnx import NodeProto, TensorProto, ValueInfoProto, helper

from pimsim.networks.graph import Graph
from pimsim.networks.integer import Constants, build_model, derived, integers, quantize_nodes
from pimsim.networks.products import Product
from pimsim.networks.quantize import QuantizedNetwork
from pimsim.networks.scales import QuantizedProduct
from pimsim.networks.session import Session


@dataclass(frozen=True, eq=False)
class Segment:
    """Digital operators that run together, and the products that can start after them.

    Attributes
    ----------
    session : None if there is nothing to run.
    """

    session: Session | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    products: tuple[QuantizedProduct, ...]


def product_source(quantized: QuantizedProduct) -> str:
    """Name of the integer tensor a product reads: (n, height, width, channels), or (n, ..., K)."""
    source = integers(quantized)
    return derived(source, "channels_last") if quantized.product.kind == "conv" else source


def product_sink(product: Product) -> str:
    """Name of the float32 tensor a product makes: (n, p, q, channels), or (n, ..., C)."""
    return derived(product.output, "channels_last") if product.kind == "conv" else product.output


def cut(network: QuantizedNetwork) -> list[Segment]:
    """The segments in order of execution."""
    graph = network.graph
    constants: Constants = dict(graph.constants)
    levels = _levels(graph)
    depth = max(levels.values()) + 1
    nodes = [_nodes(network, level, levels, constants) for level in range(depth)]
    wanted = [{name for node in group for name in node.input} for group in nodes]
    segments = []
    for level, group in enumerate(nodes):
        made = {name for node in group for name in node.output}
        products = tuple(q for q in network.products if levels[q.product.input] == level)
        needed = {product_source(q) for q in products}.union({graph.output}, *wanted[level + 1 :])
        inputs = tuple(sorted(name for name in wanted[level] - made if name and name not in constants))
        outputs = tuple(sorted(made & needed))
        segments.append(Segment(_session(graph, group, inputs, outputs, constants), inputs, outputs, products))
    return segments


def _levels(graph: Graph) -> dict[str, int]:
    """Number of products on the longest way from the input to each tensor."""
    levels = {graph.input: 0}
    for node in graph.nodes():
        if isinstance(node, Product):
            levels[node.output] = levels[node.input] + 1
        else:
            levels |= dict.fromkeys(node.output, max(levels[name] for name in node.input if name in levels))
    return levels


def _nodes(network: QuantizedNetwork, level: int, levels: dict[str, int], constants: Constants) -> list[NodeProto]:
    """Digital nodes of one level, with the changes of layout and the rounding at its edges."""
    sinks = [p for p in network.graph.products if p.kind == "conv" and levels[p.output] == level]
    nodes = [_transpose(product_sink(product), product.output, (0, 3, 1, 2)) for product in sinks]
    nodes += [node for node in network.graph.digital if levels[node.output[0]] == level]
    sources = {product_source(q): q for q in network.products if levels[q.product.input] == level}
    for quantized in {integers(q): q for q in sources.values()}.values():
        nodes += quantize_nodes(quantized, network.folded, constants)
    convs = {name: quantized for name, quantized in sources.items() if quantized.product.kind == "conv"}
    return nodes + [_transpose(integers(quantized), name, (0, 2, 3, 1)) for name, quantized in convs.items()]


def _transpose(source: str, sink: str, order: tuple[int, ...]) -> NodeProto:
    return helper.make_node("Transpose", [source], [sink], perm=order)


def _session(
    graph: Graph, nodes: list[NodeProto], inputs: tuple[str, ...], outputs: tuple[str, ...], constants: Constants
) -> Session | None:
    if not outputs:
        return None
    sources = [_value(graph, name) for name in inputs]
    sinks = [helper.make_empty_tensor_value_info(name) for name in outputs]
    return Session(build_model(graph.model, nodes, sources, sinks, constants).SerializeToString())


def _value(graph: Graph, name: str) -> ValueInfoProto:
    """Type of a segment's input, its shape left open."""
    value = helper.make_empty_tensor_value_info(name)
    value.type.tensor_type.elem_type = graph.types.get(name) or TensorProto.FLOAT
    return value
