// SPDX-License-Identifier: Apache-2.0
// Compiles where driver_api.hpp says what CUDA's own cuda.h says: sizes, places and numbers.
#include <cuda.h>

#include <cstddef>
#include <type_traits>

#include "backend/cuda/driver_api.hpp"

namespace {

namespace own = weighbridge::lib::cuda;

// Whether an argument is passed alike: the same type, or enums and numbers of one size, or pointers to such.
template <class A, class B>
constexpr bool alike() {
    using Plain = std::remove_cv_t<A>;
    using Other = std::remove_cv_t<B>;
    if constexpr (std::is_same_v<Plain, Other>)
        return true;
    else if constexpr (std::is_pointer_v<Plain> && std::is_pointer_v<Other>)
        return alike<std::remove_pointer_t<Plain>, std::remove_pointer_t<Other>>();
    else if constexpr (std::is_void_v<Plain> || std::is_void_v<Other>)
        return false;
    else
        return sizeof(Plain) == sizeof(Other) && std::is_class_v<Plain> == std::is_class_v<Other> &&
               std::is_pointer_v<Plain> == std::is_pointer_v<Other>;
}

template <class R, class... A, class S, class... B>
constexpr bool alike_calls(R (*)(A...), S (*)(B...)) {
    if constexpr (sizeof...(A) == sizeof...(B))
        return alike<R, S>() && (alike<A, B>() && ...);
    else
        return false;
}

#define WB_CUDA(field, symbol, ...) \
    static_assert(alike_calls(decltype(own::Functions::field)(nullptr), (decltype(&::symbol))(nullptr)), #symbol);
#include "backend/cuda/functions.def"

static_assert(sizeof(own::LaunchConfig) == sizeof(CUlaunchConfig));
static_assert(offsetof(own::LaunchConfig, shared_bytes) == offsetof(CUlaunchConfig, sharedMemBytes));
static_assert(offsetof(own::LaunchConfig, stream) == offsetof(CUlaunchConfig, hStream));
static_assert(offsetof(own::LaunchConfig, attributes) == offsetof(CUlaunchConfig, attrs));
static_assert(offsetof(own::LaunchConfig, attribute_count) == offsetof(CUlaunchConfig, numAttrs));
static_assert(sizeof(own::LaunchAttribute) == sizeof(CUlaunchAttribute));
static_assert(offsetof(own::LaunchAttribute, allowed) == offsetof(CUlaunchAttribute, value));

#define WB_SAME(ours, theirs) static_assert(static_cast<unsigned>(ours) == static_cast<unsigned>(theirs))
WB_SAME(own::kSuccess, CUDA_SUCCESS);
WB_SAME(own::kInvalidValue, CUDA_ERROR_INVALID_VALUE);
WB_SAME(own::kOutOfMemory, CUDA_ERROR_OUT_OF_MEMORY);
WB_SAME(own::kNotInitialised, CUDA_ERROR_NOT_INITIALIZED);
WB_SAME(own::kDeinitialised, CUDA_ERROR_DEINITIALIZED);
WB_SAME(own::kDeviceUnavailable, CUDA_ERROR_DEVICE_UNAVAILABLE);
WB_SAME(own::kNoDevice, CUDA_ERROR_NO_DEVICE);
WB_SAME(own::kInvalidDevice, CUDA_ERROR_INVALID_DEVICE);
WB_SAME(own::kNotLicensed, CUDA_ERROR_DEVICE_NOT_LICENSED);
WB_SAME(own::kInvalidImage, CUDA_ERROR_INVALID_IMAGE);
WB_SAME(own::kInvalidContext, CUDA_ERROR_INVALID_CONTEXT);
WB_SAME(own::kNoBinaryForDevice, CUDA_ERROR_NO_BINARY_FOR_GPU);
WB_SAME(own::kEccUncorrectable, CUDA_ERROR_ECC_UNCORRECTABLE);
WB_SAME(own::kNvlinkUncorrectable, CUDA_ERROR_NVLINK_UNCORRECTABLE);
WB_SAME(own::kInvalidHandle, CUDA_ERROR_INVALID_HANDLE);
WB_SAME(own::kNotFound, CUDA_ERROR_NOT_FOUND);
WB_SAME(own::kNotReady, CUDA_ERROR_NOT_READY);
WB_SAME(own::kIllegalAddress, CUDA_ERROR_ILLEGAL_ADDRESS);
WB_SAME(own::kLaunchOutOfResources, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
WB_SAME(own::kLaunchTimeout, CUDA_ERROR_LAUNCH_TIMEOUT);
WB_SAME(own::kContextIsDestroyed, CUDA_ERROR_CONTEXT_IS_DESTROYED);
WB_SAME(own::kAssert, CUDA_ERROR_ASSERT);
WB_SAME(own::kHardwareStackError, CUDA_ERROR_HARDWARE_STACK_ERROR);
WB_SAME(own::kIllegalInstruction, CUDA_ERROR_ILLEGAL_INSTRUCTION);
WB_SAME(own::kMisalignedAddress, CUDA_ERROR_MISALIGNED_ADDRESS);
WB_SAME(own::kInvalidAddressSpace, CUDA_ERROR_INVALID_ADDRESS_SPACE);
WB_SAME(own::kInvalidPc, CUDA_ERROR_INVALID_PC);
WB_SAME(own::kLaunchFailed, CUDA_ERROR_LAUNCH_FAILED);
WB_SAME(own::kSystemNotReady, CUDA_ERROR_SYSTEM_NOT_READY);
WB_SAME(own::kMpsConnectionFailed, CUDA_ERROR_MPS_CONNECTION_FAILED);
WB_SAME(own::kCaptureUnsupported, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
WB_SAME(own::kCaptureInvalidated, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
WB_SAME(own::kCaptureUnmatched, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
WB_SAME(own::kCaptureUnjoined, CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
WB_SAME(own::kCapturedEvent, CUDA_ERROR_CAPTURED_EVENT);
WB_SAME(own::kCaptureWrongThread, CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD);
WB_SAME(own::kUnknown, CUDA_ERROR_UNKNOWN);
WB_SAME(own::kMultiprocessors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
WB_SAME(own::kComputeMode, CU_DEVICE_ATTRIBUTE_COMPUTE_MODE);
WB_SAME(own::kAsyncEngines, CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT);
WB_SAME(own::kComputeMajor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
WB_SAME(own::kComputeMinor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
WB_SAME(own::kSharedBytesOptIn, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
WB_SAME(own::kComputeExclusiveProcess, CU_COMPUTEMODE_EXCLUSIVE_PROCESS);
WB_SAME(own::kComputeProhibited, CU_COMPUTEMODE_PROHIBITED);
WB_SAME(own::kMaxDynamicSharedBytes, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
WB_SAME(own::kCaptureGlobal, CU_STREAM_CAPTURE_MODE_GLOBAL);
WB_SAME(own::kCaptureThreadLocal, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
WB_SAME(own::kCaptureRelaxed, CU_STREAM_CAPTURE_MODE_RELAXED);
WB_SAME(own::kStreamNonBlocking, CU_STREAM_NON_BLOCKING);
WB_SAME(own::kEventBlockingSync, CU_EVENT_BLOCKING_SYNC);
WB_SAME(own::kEventDisableTiming, CU_EVENT_DISABLE_TIMING);
WB_SAME(own::kPinnedPortable, CU_MEMHOSTALLOC_PORTABLE);
WB_SAME(own::kPinnedMapped, CU_MEMHOSTALLOC_DEVICEMAP);
WB_SAME(own::kProgrammaticSerialization, CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION);

}  // namespace
