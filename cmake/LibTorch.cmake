# SPDX-License-Identifier: Apache-2.0
# Torch::c10 and Torch::torch_cpu from WEIGHBRIDGE_LIBTORCH (an unpacked LibTorch, or a wheel's torch folder), else from
# the torch package of WEIGHBRIDGE_PYTHON. Not find_package(Torch): the wheel's own asks for a CUDA toolkit.
# Sets WEIGHBRIDGE_LIBTORCH_ROOT and WEIGHBRIDGE_LIBTORCH_VERSION.
set(WEIGHBRIDGE_LIBTORCH_ROOT "${WEIGHBRIDGE_LIBTORCH}")
if(NOT WEIGHBRIDGE_LIBTORCH_ROOT AND WEIGHBRIDGE_PYTHON)
    # find_spec imports nothing, so a torch without its CUDA libraries is found too.
    execute_process(
        COMMAND "${WEIGHBRIDGE_PYTHON}" -c
            "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
        OUTPUT_VARIABLE WEIGHBRIDGE_LIBTORCH_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE
        ERROR_QUIET)
endif()
if(NOT WEIGHBRIDGE_LIBTORCH_ROOT)
    message(FATAL_ERROR "LibTorch: expected -DWEIGHBRIDGE_LIBTORCH=<folder with include/ and lib/> or "
        "-DWEIGHBRIDGE_PYTHON=<a Python with the torch package>, found neither")
endif()

foreach(file include/torch/csrc/jit/api/module.h lib/libc10.so lib/libtorch_cpu.so)
    if(NOT EXISTS "${WEIGHBRIDGE_LIBTORCH_ROOT}/${file}")
        message(FATAL_ERROR "LibTorch: expected ${file} in ${WEIGHBRIDGE_LIBTORCH_ROOT}, found none")
    endif()
endforeach()

set(WEIGHBRIDGE_LIBTORCH_VERSION "")
set(header "${WEIGHBRIDGE_LIBTORCH_ROOT}/include/torch/headeronly/version.h")
if(EXISTS "${header}")
    foreach(part MAJOR MINOR PATCH)
        file(STRINGS "${header}" line REGEX "^#define TORCH_VERSION_${part} [0-9]+")
        string(REGEX MATCH "[0-9]+$" number "${line}")
        list(APPEND WEIGHBRIDGE_LIBTORCH_VERSION "${number}")
    endforeach()
    list(JOIN WEIGHBRIDGE_LIBTORCH_VERSION "." WEIGHBRIDGE_LIBTORCH_VERSION)
endif()
if(NOT WEIGHBRIDGE_LIBTORCH_VERSION VERSION_GREATER_EQUAL 2.11 OR NOT WEIGHBRIDGE_LIBTORCH_VERSION VERSION_LESS 2.16)
    message(FATAL_ERROR "LibTorch: expected version 2.11 to 2.15, found '${WEIGHBRIDGE_LIBTORCH_VERSION}' in "
        "${WEIGHBRIDGE_LIBTORCH_ROOT}")
endif()
message(STATUS "LibTorch ${WEIGHBRIDGE_LIBTORCH_VERSION}: ${WEIGHBRIDGE_LIBTORCH_ROOT}")

foreach(name c10 torch_cpu)
    add_library(Torch::${name} SHARED IMPORTED)
    set_target_properties(Torch::${name} PROPERTIES
        IMPORTED_LOCATION "${WEIGHBRIDGE_LIBTORCH_ROOT}/lib/lib${name}.so"
        INTERFACE_COMPILE_FEATURES cxx_std_20)
    target_include_directories(Torch::${name} SYSTEM INTERFACE
        "${WEIGHBRIDGE_LIBTORCH_ROOT}/include"
        "${WEIGHBRIDGE_LIBTORCH_ROOT}/include/torch/csrc/api/include")
endforeach()
