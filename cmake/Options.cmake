# SPDX-License-Identifier: Apache-2.0
# Every option of the build, in one place.
include(GNUInstallDirs)
option(WEIGHBRIDGE_BUILD_COMMAND  "Build the weighbridge command"                        ON)
option(WEIGHBRIDGE_BUILD_TORCH    "Build the LibTorch plug-in"                           OFF)
option(WEIGHBRIDGE_BUILD_PYTHON   "Build the Python module"                              OFF)
option(WEIGHBRIDGE_BUILD_TESTS    "Build the tests and examples"                         OFF)
option(WEIGHBRIDGE_BUILD_CUDA     "Compile the device kernels (needs nvcc 13)"           OFF)
option(WEIGHBRIDGE_BUILD_FUZZERS  "Build the fuzz targets with libFuzzer (needs clang)"  OFF)
option(WEIGHBRIDGE_WERROR         "Treat warnings in this project's code as errors"      OFF)
set(WEIGHBRIDGE_SANITIZE  "" CACHE STRING "Sanitizers: empty, address,undefined or thread")
set(WEIGHBRIDGE_LIBTORCH  "" CACHE PATH   "LibTorch: a folder with include/ and lib/")
set(WEIGHBRIDGE_PREBUILT  "" CACHE FILEPATH "A built libweighbridge.so, for which the Python module alone is built")
set(WEIGHBRIDGE_PYTHON    "" CACHE FILEPATH "A Python whose torch and pybind11 packages are used")
