# SPDX-License-Identifier: Apache-2.0
# A driver without a GPU: the functions of libcuda.so.1 that the CUDA backend uses, for its tests.
set(cuda_sim "${WEIGHBRIDGE_TESTS}/support/cuda_sim")
add_library(cuda_sim SHARED "${cuda_sim}/no_kernels.cpp" "${cuda_sim}/machine.cpp" "${cuda_sim}/call.cpp" "${cuda_sim}/libcuda_devices.cpp"
    "${cuda_sim}/libcuda_work.cpp")
target_include_directories(cuda_sim PUBLIC "${WEIGHBRIDGE_TESTS}" PRIVATE "${PROJECT_SOURCE_DIR}/lib")
target_link_libraries(cuda_sim PRIVATE weighbridge_flags Threads::Threads)
target_link_libraries(unit_tests PRIVATE cuda_sim)

# driver_api.hpp beside CUDA's own header, where there is one.
find_path(WEIGHBRIDGE_CUDA_INCLUDE cuda.h HINTS "${PROJECT_SOURCE_DIR}/.venv/cuda/nvidia/cu13/include"
    /usr/local/cuda/include)
if(WEIGHBRIDGE_CUDA_INCLUDE)
    add_library(cuda_api_check OBJECT "${cuda_sim}/api_check.cpp")
    target_include_directories(cuda_api_check PRIVATE "${PROJECT_SOURCE_DIR}/lib")
    target_include_directories(cuda_api_check SYSTEM PRIVATE "${WEIGHBRIDGE_CUDA_INCLUDE}")
    target_link_libraries(cuda_api_check PRIVATE weighbridge_flags)
else()
    message(STATUS "cuda: no cuda.h found: driver_api.hpp is not compared with it")
endif()
