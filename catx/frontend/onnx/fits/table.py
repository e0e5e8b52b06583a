"""Which check each operator has: what onnx's inference and shapes alone let pass, but no runtime runs."""

from collections.abc import Callable, Mapping

from catx.frontend.onnx.call import Call
from catx.frontend.onnx.fits import attention, layers, movement, quantized, recurrent

Check = Callable[[Call], None]

STANDARD: Mapping[str, Check] = {
    "Attention": attention.attention,
    "BatchNormalization": layers.channel_vectors,
    "Clip": layers.clip,
    "Conv": layers.conv,
    "ConvInteger": layers.conv,
    "ConvTranspose": layers.conv_transpose,
    "DepthToSpace": movement.depth_to_space,
    "DequantizeLinear": quantized.conversion,
    "GRU": recurrent.recurrent,
    "Gather": movement.gather,
    "GatherElements": movement.gather_elements,
    "Gemm": layers.gemm,
    "GroupNormalization": layers.group_norm,
    "InstanceNormalization": layers.channel_vectors,
    "LSTM": recurrent.recurrent,
    "LayerNormalization": layers.layer_norm,
    "MatMulInteger": quantized.matmul_integer,
    "MaxUnpool": movement.max_unpool,
    "PRelu": layers.prelu,
    "QLinearConv": layers.qlinear_conv,
    "QLinearMatMul": quantized.qlinear_matmul,
    "QuantizeLinear": quantized.conversion,
    "RMSNormalization": layers.layer_norm,
    "RNN": recurrent.recurrent,
    "RotaryEmbedding": attention.rotary,
    "ScatterElements": movement.scatter_elements,
    "ScatterND": movement.scatter_nd,
    "SimplifiedLayerNormalization": layers.layer_norm,
    "SpaceToDepth": movement.space_to_depth,
}
MICROSOFT: Mapping[str, Check] = {
    "Attention": attention.packed_attention,
    "DequantizeLinear": quantized.conversion,
    "DynamicQuantizeLSTM": recurrent.recurrent,
    "FusedConv": layers.conv,
    "FusedGemm": layers.gemm,
    "GroupNorm": layers.group_norm,
    "GroupQueryAttention": attention.group_query_attention,
    "MatMulIntegerToFloat": quantized.matmul_integer_to_float,
    "MatMulNBits": quantized.matmul_n_bits,
    "MultiHeadAttention": attention.multi_head_attention,
    "QGemm": layers.qgemm,
    "QuantizeLinear": quantized.conversion,
    "RotaryEmbedding": attention.rotary,
    "SimplifiedLayerNormalization": layers.layer_norm,
    "SkipLayerNormalization": layers.skip_layer_norm,
    "SkipSimplifiedLayerNormalization": layers.skip_layer_norm,
}
_DOMAINS = {"": STANDARD, "com.microsoft": MICROSOFT}


def check_fits(call: Call) -> None:
    """Refuse a node whose inputs do not fit each other or its attributes.

    Each check holds for what ONNX Runtime runs; a shape that is not known is let pass.

    Raises:
        ModelError: names the node, the input, its shape and what was expected.
    """
    if check := _DOMAINS.get(call.node.domain, {}).get(call.op):
        check(call)
