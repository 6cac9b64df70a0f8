# SPDX-License-Identifier: Apache-2.0
# The device kernels on the CPU: the same .cu sources through tests/support/cuda_sim's shim, in three orders of threads.
set(cuda_sim "${WEIGHBRIDGE_TESTS}/support/cuda_sim")
file(GLOB cuda_kernels CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lib/backend/cuda/kernels/*.cu")
set_source_files_properties(${cuda_kernels} PROPERTIES LANGUAGE CXX
    COMPILE_OPTIONS "-x;c++;-include;support/cuda_sim/shim.hpp;-Wno-unknown-pragmas")
add_library(cuda_sim_kernels STATIC ${cuda_kernels}
    "${cuda_sim}/block.cpp" "${cuda_sim}/fiber.cpp" "${cuda_sim}/kernels.cpp")
target_include_directories(cuda_sim_kernels PRIVATE
    "${WEIGHBRIDGE_TESTS}" "${PROJECT_SOURCE_DIR}/lib" "${PROJECT_SOURCE_DIR}/include")
target_link_libraries(cuda_sim_kernels PRIVATE weighbridge_flags)

file(GLOB cuda_tests CONFIGURE_DEPENDS "${WEIGHBRIDGE_TESTS}/cuda/*_test.cpp")
wb_test_program(cuda_kernels_tests
    SOURCES ${cuda_tests} "${WEIGHBRIDGE_TESTS}/support/random_graph.cpp" "${WEIGHBRIDGE_TESTS}/support/graph_runs.cpp"
    LIBRARIES test_main cuda_sim_kernels weighbridge_plan)
add_test(NAME cuda.kernels COMMAND cuda_kernels_tests)
set_tests_properties(cuda.kernels PROPERTIES TIMEOUT 1800)  # two minutes of one core under sanitizers

# A driver without a GPU: the functions of libcuda.so.1 that the CUDA backend uses, for its tests.
add_library(cuda_sim SHARED "${cuda_sim}/machine.cpp" "${cuda_sim}/call.cpp" "${cuda_sim}/libcuda_devices.cpp"
    "${cuda_sim}/libcuda_work.cpp")
target_include_directories(cuda_sim PUBLIC "${WEIGHBRIDGE_TESTS}" PRIVATE "${PROJECT_SOURCE_DIR}/lib")
target_link_libraries(cuda_sim PRIVATE cuda_sim_kernels weighbridge_flags Threads::Threads)

# The backend's host side on that driver.
file(GLOB cuda_host_tests CONFIGURE_DEPENDS "${WEIGHBRIDGE_TESTS}/unit/backend/cuda/*_test.cpp")
wb_test_program(cuda_tests
    SOURCES ${cuda_host_tests} "${WEIGHBRIDGE_TESTS}/support/random_graph.cpp"
        "${WEIGHBRIDGE_TESTS}/support/graph_runs.cpp" "${WEIGHBRIDGE_TESTS}/support/fixture.cpp"
        "${WEIGHBRIDGE_TESTS}/support/fixture_plan.cpp"
    LIBRARIES test_main weighbridge_core cuda_sim)
target_compile_definitions(cuda_tests PRIVATE WB_EXAMPLES="${PROJECT_SOURCE_DIR}/examples/bundles")
add_test(NAME cuda.backend COMMAND cuda_tests)
set_tests_properties(cuda.backend PROPERTIES TIMEOUT 900)

# For a machine with a GPU (tests/gpu/run.sh), which may lack what this one has.
wb_test_program(gpu_check
    SOURCES "${WEIGHBRIDGE_TESTS}/gpu/check.cpp" "${WEIGHBRIDGE_TESTS}/support/random_graph.cpp"
        "${WEIGHBRIDGE_TESTS}/support/graph_runs.cpp"
    LIBRARIES weighbridge_plan -static-libstdc++ -static-libgcc)
# image.bin is what the simulated driver takes for a fatbin.
add_test(NAME gpu_check.simulated COMMAND gpu_check "$<TARGET_FILE:cuda_sim>" "${cuda_sim}/image.bin"
    "${CMAKE_CURRENT_BINARY_DIR}/gpu_check.json" 4 0)
set_tests_properties(gpu_check.simulated PROPERTIES TIMEOUT 600)

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
