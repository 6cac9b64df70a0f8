# SPDX-License-Identifier: Apache-2.0
# Tests of the native engine that are programs of their own.
set(native_support "${WEIGHBRIDGE_TESTS}/support/random_graph.cpp" "${WEIGHBRIDGE_TESTS}/support/graph_runs.cpp")
if(NOT WEIGHBRIDGE_SANITIZE)  # they have their own allocators, and one forbids system calls
    foreach(name quiet edges)
        wb_test_program(native_${name}_test
            SOURCES "${WEIGHBRIDGE_TESTS}/fault/native_${name}_test.cpp" ${native_support} LIBRARIES weighbridge_core)
        add_test(NAME native.${name} COMMAND native_${name}_test)
    endforeach()
endif()

# Plans of this version, which later ones must read and answer alike.
wb_test_program(plan_fixtures
    SOURCES "${WEIGHBRIDGE_TESTS}/fixtures/plan_fixtures.cpp" ${native_support} LIBRARIES weighbridge_core)
add_test(NAME plan.fixtures COMMAND plan_fixtures "${WEIGHBRIDGE_TESTS}/fixtures/plans")

# The fuzzer's corpus, and random changes of it; tests/fuzz/run.sh builds the fuzzer itself.
wb_test_program(run_corpus SOURCES "${WEIGHBRIDGE_TESTS}/fuzz/run_corpus.cpp" ${native_support} LIBRARIES weighbridge_core)
add_test(NAME plan.corpus COMMAND run_corpus "${WEIGHBRIDGE_TESTS}/fuzz/corpus/plan" 1000)
if(WEIGHBRIDGE_BUILD_FUZZERS)
    add_executable(plan_fuzz EXCLUDE_FROM_ALL "${WEIGHBRIDGE_TESTS}/fuzz/plan_fuzz.cpp" ${native_support})
    target_include_directories(plan_fuzz PRIVATE "${WEIGHBRIDGE_TESTS}")
    target_link_libraries(plan_fuzz PRIVATE weighbridge_core weighbridge_flags)
    target_compile_options(weighbridge_core PRIVATE -fsanitize=fuzzer-no-link,address,undefined)
    target_compile_options(plan_fuzz PRIVATE -fsanitize=fuzzer,address,undefined)
    target_link_options(plan_fuzz PRIVATE -fsanitize=fuzzer,address,undefined)
endif()
