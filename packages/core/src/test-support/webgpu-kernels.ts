/**
 * ONNX op types that ONNX Runtime's WebGPU provider has kernels for (read off version 1.30), as far
 * as onebit uses them. What is not here would fall back to the CPU: Sign, LogSoftmax, Round and
 * training-mode BatchNormalization are missing there.
 */
export const webgpuKernels: ReadonlySet<string> = new Set(
  `Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast Ceil Clip Concat Conv ConvTranspose
  Div Equal Erf Exp Expand Flatten Floor Gather Gelu Gemm GlobalAveragePool GlobalMaxPool Greater
  GreaterOrEqual HardSigmoid HardSwish Identity LeakyRelu Less LessOrEqual Log MatMul Max MaxPool Min
  Mul Neg Not PRelu Pad Pow Reciprocal ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
  ReduceSumSquare Relu Reshape Resize Sigmoid Slice Softmax Split Sqrt Squeeze Sub Tanh Tile Transpose
  Unsqueeze Where`.split(/\s+/),
);
