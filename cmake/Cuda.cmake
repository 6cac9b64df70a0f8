# SPDX-License-Identifier: Apache-2.0
# The device kernels: one fatbin with machine code for WEIGHBRIDGE_CUDA_ARCHITECTURES and PTX of compute_80, which
# serves the other GPUs from 8.0 on. Its digest goes into a header, so that the library loads its own fatbin only. Nothing of CUDA is linked.
# lib/backend/cuda/README.md says what the flags are for.
if(NOT WEIGHBRIDGE_BUILD_CUDA)
    return()
endif()
find_program(WEIGHBRIDGE_NVCC nvcc HINTS "${PROJECT_SOURCE_DIR}/.venv/cuda/nvidia/cu13/bin" /usr/local/cuda/bin)
if(NOT WEIGHBRIDGE_NVCC)
    message(FATAL_ERROR "WEIGHBRIDGE_BUILD_CUDA: expected nvcc of the CUDA Toolkit 13 in PATH, in /usr/local/cuda or in"
        " .venv (wb_cuda in cmake/setup.sh installs it there); or name it: -DWEIGHBRIDGE_NVCC=PATH")
endif()

set(WEIGHBRIDGE_CUDA "${PROJECT_BINARY_DIR}/cuda")
set(cuda_source "${PROJECT_SOURCE_DIR}/lib/backend/cuda/all_kernels.cu")
set(WEIGHBRIDGE_NVCC_FLAGS -std=c++20 --expt-relaxed-constexpr
    -I "${PROJECT_SOURCE_DIR}/lib" -I "${PROJECT_SOURCE_DIR}/include" -ccbin "${CMAKE_CXX_COMPILER}"
    -fmad=false -ftz=false -prec-div=true -prec-sqrt=true)
file(MAKE_DIRECTORY "${WEIGHBRIDGE_CUDA}")

# wb_nvcc(OUTPUT FLAG...): compiles all kernels into OUTPUT.
function(wb_nvcc output)
    add_custom_command(OUTPUT "${output}"
        COMMAND "${WEIGHBRIDGE_NVCC}" ${WEIGHBRIDGE_NVCC_FLAGS} ${ARGN} -MD -MF "${output}.d" -o "${output}"
            "${cuda_source}"
        DEPENDS "${cuda_source}" "${WEIGHBRIDGE_NVCC}"
        DEPFILE "${output}.d"
        COMMENT "Compiling device kernels: ${output}" VERBATIM)
endfunction()

set(WEIGHBRIDGE_FATBIN "${PROJECT_BINARY_DIR}/weighbridge/weighbridge_cuda.fatbin")  # own_directory()
set(fatbin_header "${WEIGHBRIDGE_CUDA}/fatbin_digest.hpp")
set(WEIGHBRIDGE_CUDA_ARCHITECTURES 90 CACHE STRING "GPUs that the device kernels have machine code for: 80;90;100;120")
set(gencodes "")
foreach(architecture IN LISTS WEIGHBRIDGE_CUDA_ARCHITECTURES)
    list(APPEND gencodes -gencode "arch=compute_${architecture},code=sm_${architecture}")
endforeach()
wb_nvcc("${WEIGHBRIDGE_FATBIN}" -fatbin --compress-mode=size -t 2 ${gencodes}
    -gencode arch=compute_80,code=compute_80)
add_custom_command(OUTPUT "${fatbin_header}"
    COMMAND "${CMAKE_COMMAND}" "-DFATBIN=${WEIGHBRIDGE_FATBIN}" "-DHEADER=${fatbin_header}"
        -P "${PROJECT_SOURCE_DIR}/cmake/CudaDigest.cmake"
    DEPENDS "${WEIGHBRIDGE_FATBIN}" "${PROJECT_SOURCE_DIR}/cmake/CudaDigest.cmake" VERBATIM)
add_custom_target(weighbridge_fatbin ALL DEPENDS "${fatbin_header}")
install(FILES "${WEIGHBRIDGE_FATBIN}" DESTINATION "${CMAKE_INSTALL_LIBDIR}/weighbridge")
set_source_files_properties("${PROJECT_SOURCE_DIR}/lib/engine/devices.cpp" PROPERTIES
    COMPILE_OPTIONS "-include;${fatbin_header}" OBJECT_DEPENDS "${fatbin_header}")

# What tests/cuda/check_ptx.py reads.
wb_nvcc("${WEIGHBRIDGE_CUDA}/kernels.ptx" -ptx -arch=compute_80)
add_custom_target(weighbridge_ptx DEPENDS "${WEIGHBRIDGE_CUDA}/kernels.ptx")
