"""AlexNet's convolutions as an ONNX graph without weights: what Eyeriss ran (Chen et al., JSSC 2017)."""

import onnx
from onnx import TensorProto, helper

BATCH = 4
LAYERS = (  # name, input channels and size, results, kernel, stride, padding, groups
    ("conv1", 3, 227, 96, 11, 4, 0, 1),
    ("conv2", 96, 27, 256, 5, 1, 2, 2),
    ("conv3", 256, 13, 384, 3, 1, 1, 1),
    ("conv4", 384, 13, 384, 3, 1, 1, 2),
    ("conv5", 384, 13, 256, 3, 1, 1, 2),
)


def alexnet_convolutions() -> onnx.ModelProto:
    """The five layers, each with an input of its own: pooling between them is not part of the measurement."""
    nodes, inputs, outputs = [], [], []
    for name, channels, size, results, kernel, stride, padding, groups in LAYERS:
        out = (size + 2 * padding - kernel) // stride + 1
        x, w, y = (f"{name}_{part}" for part in "xwy")
        inputs += [
            helper.make_tensor_value_info(x, TensorProto.FLOAT, (BATCH, channels, size, size)),
            helper.make_tensor_value_info(
                w, TensorProto.FLOAT, (results, channels // groups, kernel, kernel)
            ),
        ]
        outputs.append(helper.make_tensor_value_info(y, TensorProto.FLOAT, (BATCH, results, out, out)))
        nodes.append(
            helper.make_node(
                "Conv", [x, w], [y], name, strides=[stride] * 2, pads=[padding] * 4, group=groups
            )
        )
    graph = helper.make_graph(nodes, "alexnet_convolutions", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
