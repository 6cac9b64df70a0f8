// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

// The part of the CUDA driver's C ABI that is used, as documented for cuda.h. Declared here, so that the library is
// built and tested where no CUDA Toolkit is; tests compare it with cuda.h where there is one.

struct CUctx_st;
struct CUstream_st;
struct CUevent_st;
struct CUgraph_st;
struct CUgraphExec_st;
struct CUlib_st;
struct CUkern_st;
struct CUfunc_st;

namespace weighbridge::lib::cuda {

using DeviceHandle = int;
using DevicePointer = unsigned long long;
using ContextHandle = CUctx_st *;
using StreamHandle = CUstream_st *;
using EventHandle = CUevent_st *;
using GraphHandle = CUgraph_st *;
using GraphExecHandle = CUgraphExec_st *;
using LibraryHandle = CUlib_st *;
using KernelHandle = CUkern_st *;
using FunctionHandle = CUfunc_st *;

struct Uuid {
    char bytes[16];
};

// CUresult: those that are told apart.
enum Result : unsigned {
    kSuccess = 0,
    kInvalidValue = 1,
    kOutOfMemory = 2,
    kNotInitialised = 3,
    kDeinitialised = 4,
    kDeviceUnavailable = 46,
    kNoDevice = 100,
    kInvalidDevice = 101,
    kNotLicensed = 102,
    kInvalidImage = 200,
    kInvalidContext = 201,
    kNoBinaryForDevice = 209,
    kEccUncorrectable = 214,
    kNvlinkUncorrectable = 220,
    kInvalidHandle = 400,
    kNotFound = 500,
    kNotReady = 600,
    kIllegalAddress = 700,
    kLaunchOutOfResources = 701,
    kLaunchTimeout = 702,
    kContextIsDestroyed = 709,
    kAssert = 710,
    kHardwareStackError = 714,
    kIllegalInstruction = 715,
    kMisalignedAddress = 716,
    kInvalidAddressSpace = 717,
    kInvalidPc = 718,
    kLaunchFailed = 719,
    kSystemNotReady = 802,
    kMpsConnectionFailed = 805,
    kCaptureUnsupported = 900,
    kCaptureInvalidated = 901,
    kCaptureUnmatched = 903,
    kCaptureUnjoined = 904,
    kCapturedEvent = 907,
    kCaptureWrongThread = 908,
    kUnknown = 999,
};

// CUdevice_attribute
enum DeviceAttribute : unsigned {
    kMultiprocessors = 16,
    kComputeMode = 20,
    kAsyncEngines = 40,
    kComputeMajor = 75,
    kComputeMinor = 76,
    kSharedBytesOptIn = 97,
};
// CUcomputemode
inline constexpr int kComputeExclusiveProcess = 3, kComputeProhibited = 2;

// CUfunction_attribute
enum KernelAttribute : unsigned { kMaxDynamicSharedBytes = 8 };

// CUstreamCaptureMode
enum CaptureMode : unsigned { kCaptureGlobal = 0, kCaptureThreadLocal = 1, kCaptureRelaxed = 2 };

enum JitOption : unsigned {};
enum LibraryOption : unsigned {};

inline constexpr unsigned kStreamNonBlocking = 1;
inline constexpr unsigned kEventBlockingSync = 1, kEventDisableTiming = 2;
inline constexpr unsigned kPinnedPortable = 1, kPinnedMapped = 2;

// CUlaunchAttributeID
enum LaunchAttributeId : unsigned { kProgrammaticSerialization = 6 };

struct LaunchAttribute {
    LaunchAttributeId id = kProgrammaticSerialization;
    uint32_t padding = 0;
    union {
        std::array<char, 64> room{};
        int allowed;  // of kProgrammaticSerialization
        uint64_t aligned;
    };
};

struct LaunchConfig {
    unsigned grid_x = 1, grid_y = 1, grid_z = 1, block_x = 1, block_y = 1, block_z = 1;
    unsigned shared_bytes = 0;
    StreamHandle stream = nullptr;
    LaunchAttribute *attributes = nullptr;
    unsigned attribute_count = 0;
};

// The functions, each as libcuda has it.
struct Functions {
#define WB_CUDA(field, symbol, ...) Result (*field)(__VA_ARGS__) = nullptr;
#include "backend/cuda/functions.def"
};

}  // namespace weighbridge::lib::cuda
