"""Every public name of MLX, to tell "MLX has it and this backend has not" from "there is no such thing".

Of MLX 0.32.4; a test fails when the installed MLX has a name that is not here.
"""

from __future__ import annotations

_TEXT = {
    "mx": """
        ArrayAt ArrayIterator ArrayLike Device DeviceType Dtype DtypeCategory FunctionExporter PrintOptions
        Stream StreamContext ThreadLocalStream abs acos acosh add addmm all allclose any arange arccos
        arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin argpartition argsort array array_equal
        as_strided asarray asin asinh astype async_eval atan atan2 atanh atleast_1d atleast_2d atleast_3d
        bartlett bfloat16 bitwise_and bitwise_invert bitwise_left_shift bitwise_or bitwise_right_shift
        bitwise_xor blackman block_masked_mm bool_ broadcast_arrays broadcast_shapes broadcast_to can_cast
        ceil checkpoint clear_cache clear_streams clip compile complex64 complexfloating concat concatenate
        conj conjugate contiguous conv1d conv2d conv3d conv_general conv_transpose1d conv_transpose2d
        conv_transpose3d convolve cos cosh count_nonzero cpu cuda cummax cummin cumprod cumsum
        cumulative_prod cumulative_sum custom_function default_device default_stream degrees depends
        dequantize device_count device_info diag diagonal diff disable_compile distributed divide divmod e
        einsum einsum_path empty empty_like enable_compile equal erf erfinv euler_gamma eval exp expand_dims
        expm1 export_function export_to_dot exporter eye fast fft finfo flatten flip float16 float32 float64
        floating floor floor_divide from_dlpack from_fp8 full full_like gather_mm gather_qmm gather_qqmm
        generic get_active_memory get_array_buffer_size get_cache_memory get_memory_limit get_peak_memory
        get_printoptions gpu grad greater greater_equal hadamard_transform hamming hanning identity iinfo
        imag import_function inexact inf inner int16 int32 int64 int8 integer is_available isclose isdtype
        isfinite isinf isnan isneginf isposinf issubdtype jvp kron left_shift less less_equal linalg
        linspace load log log10 log1p log2 logaddexp logcumsumexp logical_and logical_not logical_or
        logical_xor logsumexp matmul matrix_norm matrix_transpose max maximum mean median meshgrid metal min
        minimum minmax moveaxis multiply nan nan_to_num negative new_stream new_thread_local_stream
        new_thread_unsafe_stream newaxis not_equal number ones ones_like outer pad partition permute_dims pi
        positive pow power printoptions prod put_along_axis qqmm quantize quantized_matmul radians random
        real reciprocal remainder repeat reset_peak_memory reshape result_type right_shift roll round rsqrt
        save save_gguf save_safetensors savez savez_compressed searchsorted segmented_mm set_cache_limit
        set_default_device set_default_stream set_memory_limit set_printoptions set_wired_limit sigmoid sign
        signedinteger sin sinh slice slice_update softmax sort split sqrt square squeeze stack std
        stop_gradient stream subtract sum swapaxes synchronize take take_along_axis tan tanh tensordot tile
        to_fp8 topk trace transpose tri tril triu trunc uint16 uint32 uint64 uint8 unflatten unique
        unsignedinteger unstack value_and_grad var vecdot view vjp vmap where zeros zeros_like
    """,
    "mx.fast": """
        cross_entropy cuda_kernel gated_delta_update layer_norm metal_kernel precompiled_cuda_kernel
        rms_norm rope scaled_dot_product_attention
    """,
    "mx.random": """
        bernoulli categorical gumbel key laplace multivariate_normal normal permutation randint seed split
        state truncated_normal uniform
    """,
    "mx.linalg": """
        cholesky cholesky_inv cross det eig eigh eigvals eigvalsh inv lu lu_factor norm pinv qr slogdet
        solve solve_triangular svd tri_inv
    """,
    "nn": """
        ALiBi AllToShardedLinear AvgPool1d AvgPool2d AvgPool3d BatchNorm Bilinear CELU Conv1d Conv2d Conv3d
        ConvTranspose1d ConvTranspose2d ConvTranspose3d Dropout Dropout2d Dropout3d ELU Embedding
        FullyShardedModule GELU GLU GRU GroupNorm HardShrink HardTanh Hardswish Identity InstanceNorm LSTM
        LayerNorm LeakyReLU Linear LogSigmoid LogSoftmax MaxPool1d MaxPool2d MaxPool3d Mish Module
        MultiHeadAttention PReLU QQLinear QuantizedAllToShardedLinear QuantizedEmbedding QuantizedLinear
        QuantizedShardedToAllLinear RMSNorm RNN ReLU ReLU2 ReLU6 RoPE SELU Sequential ShardedToAllLinear
        SiLU Sigmoid SinusoidalPositionalEncoding Softmax Softmin Softplus Softshrink Softsign Step Tanh
        Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer
        Upsample activations average_gradients base celu containers convolution convolution_transpose
        distributed dropout elu embedding fully_shard gelu gelu_approx gelu_fast_approx glu hard_shrink
        hard_tanh hardswish init layers leaky_relu log_sigmoid log_softmax losses mish normalization pooling
        positional_encoding prelu quantize quantized recurrent relu relu2 relu6 selu sigmoid silu softmax
        softmin softplus softshrink softsign step tanh transformer upsample utils value_and_grad
    """,
    "nn.losses": """
        Reduction binary_cross_entropy cosine_similarity_loss cross_entropy gaussian_nll_loss
        hinge_loss huber_loss kl_div_loss l1_loss log_cosh_loss margin_ranking_loss mse_loss nll_loss
        smooth_l1_loss triplet_loss
    """,
    "nn.init": """
        constant glorot_normal glorot_uniform he_normal he_uniform identity normal orthogonal sparse uniform
    """,
    "optimizers": """
        AdaDelta Adafactor Adagrad Adam AdamW Adamax Lion Module MultiOptimizer Muon Optimizer RMSprop SGD
        clip_grad_norm cosine_decay exponential_decay join_schedules linear_schedule optimizers schedulers
        step_decay
    """,
    "array": """
        T abs all any argmax argmin astype at conj cos cummax cummin cumprod cumsum diag diagonal dtype exp
        flatten imag item itemsize log log10 log1p log2 logcumsumexp logsumexp mT max mean min moveaxis
        nbytes ndim prod real reciprocal reshape round rsqrt shape sin size split sqrt square squeeze std
        sum swapaxes tolist transpose var view
    """,
}
NAMES = {namespace: frozenset(text.split()) for namespace, text in _TEXT.items()}
