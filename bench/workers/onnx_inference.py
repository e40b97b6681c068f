"""Inference with ONNX Runtime, of a model built with the package onnx: onnx_inference.py DIRECTORY THREADS."""

import sys
from pathlib import Path

import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from inference_protocol import Array, serve_inference
from workload import Workload, read_workload

OPSET = 17


def main() -> None:
    directory, threads = Path(sys.argv[1]), int(sys.argv[2])
    workload = read_workload(directory)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    model = make_model(workload).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def infer(rows: Array) -> Array:
        return session.run(["probabilities"], {"inputs": rows})[0]

    serve_inference(f"ONNX Runtime {onnxruntime.__version__}", infer, workload.inputs, directory)


def make_model(workload: Workload) -> onnx.ModelProto:
    """A product with bias (Gemm) for each layer, ReLU between, softmax at the end."""
    nodes, tensors, before = [], [], "inputs"
    last = len(workload.layers)
    for number, layer in enumerate(workload.layers, 1):
        weight, bias, z = f"weight{number}", f"bias{number}", f"z{number}"
        tensors += [numpy_helper.from_array(layer.weight, weight), numpy_helper.from_array(layer.bias, bias)]
        nodes.append(helper.make_node("Gemm", [before, weight, bias], [z], transB=1))
        before = "probabilities" if number == last else f"a{number}"
        kind = ("Softmax", {"axis": 1}) if number == last else ("Relu", {})
        nodes.append(helper.make_node(kind[0], [z], [before], **kind[1]))
    inputs, outputs = workload.layers[0].weight.shape[1], workload.layers[-1].weight.shape[0]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("inputs", TensorProto.FLOAT, ["rows", inputs])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["rows", outputs])],
        tensors,
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=helper.find_min_ir_version_for([opset]))
    onnx.checker.check_model(model, full_check=True)
    return model


if __name__ == "__main__":
    main()
