# SPDX-License-Identifier: Apache-2.0
# What tests/bench/run_rivals.sh, run_bindings.sh and two_libraries.sh run, the cost of submits, and mixed texts; built
# when asked for. No flag of this machine: limits.cpp chooses at run time.
if(NOT WEIGHBRIDGE_BUILD_TESTS)
    return()
endif()
add_executable(bench_limits EXCLUDE_FROM_ALL "${PROJECT_SOURCE_DIR}/tests/bench/limits.cpp")
target_link_libraries(bench_limits PRIVATE weighbridge_flags)
add_executable(bench_rivals_c EXCLUDE_FROM_ALL "${PROJECT_SOURCE_DIR}/tests/bench/rivals_c.c")
target_link_libraries(bench_rivals_c PRIVATE weighbridge weighbridge_flags Threads::Threads m)
add_executable(bench_bindings_c EXCLUDE_FROM_ALL "${PROJECT_SOURCE_DIR}/tests/bench/bindings_c.c")
target_link_libraries(bench_bindings_c PRIVATE weighbridge weighbridge_flags Threads::Threads m)
add_library(bench_calls SHARED EXCLUDE_FROM_ALL "${PROJECT_SOURCE_DIR}/tests/bench/calls.c")
target_include_directories(bench_calls PRIVATE "${PROJECT_SOURCE_DIR}/include")
target_link_libraries(bench_calls PRIVATE weighbridge_flags)
add_executable(bench_one_row EXCLUDE_FROM_ALL "${PROJECT_SOURCE_DIR}/tests/bench/one_row.c")
target_include_directories(bench_one_row PRIVATE "${PROJECT_SOURCE_DIR}/include")
target_link_libraries(bench_one_row PRIVATE weighbridge_flags ${CMAKE_DL_LIBS})
add_executable(bench_queue_cost EXCLUDE_FROM_ALL "${PROJECT_SOURCE_DIR}/tests/bench/queue_cost.c")
target_link_libraries(bench_queue_cost PRIVATE weighbridge weighbridge_flags)
add_executable(bench_overload EXCLUDE_FROM_ALL "${PROJECT_SOURCE_DIR}/tests/bench/overload.c")
target_link_libraries(bench_overload PRIVATE weighbridge weighbridge_flags)
add_executable(bench_mixed_texts EXCLUDE_FROM_ALL "${PROJECT_SOURCE_DIR}/tests/bench/mixed_texts.cpp")
target_include_directories(bench_mixed_texts PRIVATE "${PROJECT_SOURCE_DIR}/tests")
target_link_libraries(bench_mixed_texts PRIVATE weighbridge_core weighbridge_flags)
set_target_properties(bench_limits bench_rivals_c bench_bindings_c bench_calls bench_one_row bench_queue_cost
    bench_mixed_texts bench_overload PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests" LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
